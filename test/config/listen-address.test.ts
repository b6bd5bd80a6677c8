// SPDX-License-Identifier: Apache-2.0
// What is an address and what is none stands in command-line.test.ts, as users write it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listenAddress, listenAddresses, renderListenTarget } from '../../src/config/listen-address.js';

const rule = listenAddress();

test('law: no value makes it throw; it gives a host and a port, a path, or one sentence', () => {
  const port = fc.integer({ min: -1, max: 99_999 });
  const value = fc.oneof(
    fc.anything(),
    fc.string(),
    fc.tuple(fc.oneof(fc.string(), fc.ipV4(), fc.constant('')), port).map(([host, at]) => `${host}:${at}`),
    fc.tuple(fc.oneof(fc.string(), fc.ipV6()), port).map(([host, at]) => `[${host}]:${at}`),
    fc.string().map((path) => `unix:/${path}`),
  );
  fc.assert(
    fc.property(value, (given) => {
      const judgement = rule(given);
      if ('problem' in judgement) {
        assert.match(judgement.problem, /^must be (HOST:PORT, :PORT, \[IPV6\]:PORT |unix: ).*, but is /);
        return;
      }
      if ('path' in judgement.value) {
        assert.equal(given, `unix:${judgement.value.path}`);
        return;
      }
      const { host, port } = judgement.value;
      assert.ok(Number.isInteger(port) && port >= 0 && port <= 65_535);
      assert.notEqual(host, '');
      // Nothing of what was written is lost.
      const shown = host === undefined ? '' : host.includes(':') ? `[${host}]` : host;
      assert.equal(String(given).replace(/:0*(?=\d+$)/, ':'), `${shown}:${port}`);
    }),
    { numRuns: 1000 },
  );
});

test('several addresses are a list, each once', () => {
  const all = listenAddresses();
  const texts = [':10060', '[::1]:0', '127.0.0.1:0', '127.0.0.1:0', 'unix:/run/x.sock'];
  const judged = all(texts);
  assert.ok('value' in judged);
  assert.deepEqual(judged.value.map(renderListenTarget), texts);
  assert.deepEqual(all(':1'), { value: [{ host: undefined, port: 1 }] });
  assert.deepEqual(all([]), { problem: 'must name at least one address' });
  assert.deepEqual(all([':1', ':1']), { problem: 'has ":1" twice' });
  assert.deepEqual(all(Array.from({ length: 65 }, (_, i) => `:${i}`)), {
    problem: 'may have 64 addresses, but has 65',
  });
  assert.ok('problem' in all([':1', 2, 'x']));
});

test('what is no path of a socket is refused with what is', () => {
  for (const text of ['unix:/a/', `unix:/${'a'.repeat(107)}`, 'unix:/a\n']) {
    const judged = rule(text);
    assert.match('problem' in judged ? judged.problem : '', /^must be unix: and an absolute path/);
  }
  const judged = rule('/run/x.sock');
  assert.match('problem' in judged ? judged.problem : '', /did you mean "unix:\/run\/x.sock"\?$/);
});
