// SPDX-License-Identifier: Apache-2.0
// What is an address and what is none stands in command-line.test.ts, as users write it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listenAddress } from '../../src/config/listen-address.js';

const rule = listenAddress();

test('law: no value makes it throw; it gives a host and a port, or one sentence', () => {
  const port = fc.integer({ min: -1, max: 99_999 });
  const value = fc.oneof(
    fc.anything(),
    fc.string(),
    fc.tuple(fc.oneof(fc.string(), fc.ipV4(), fc.constant('')), port).map(([host, at]) => `${host}:${at}`),
    fc.tuple(fc.oneof(fc.string(), fc.ipV6()), port).map(([host, at]) => `[${host}]:${at}`),
  );
  fc.assert(
    fc.property(value, (given) => {
      const judgement = rule(given);
      if ('problem' in judgement) {
        assert.match(judgement.problem, /^must be HOST:PORT, :PORT or \[IPV6\]:PORT .*, but is /);
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
