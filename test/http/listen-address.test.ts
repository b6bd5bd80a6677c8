// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseListenAddress, urlHost } from '../../src/http/listen-address.js';

const GOOD: readonly (readonly [text: string, host: string | undefined, port: number, url: string])[] = [
  [':10060', undefined, 10060, 'localhost'],
  ['127.0.0.1:9', '127.0.0.1', 9, '127.0.0.1'],
  ['0.0.0.0:1', '0.0.0.0', 1, 'localhost'],
  ['[::1]:10060', '::1', 10060, '[::1]'],
  ['[::]:10060', '::', 10060, 'localhost'],
  ['[fe80::1%eth0]:10060', 'fe80::1%eth0', 10060, '[fe80::1%eth0]'],
  ['localhost:0', 'localhost', 0, 'localhost'],
  ['host.example:65535', 'host.example', 65535, 'host.example'],
];

for (const [text, host, port, url] of GOOD) {
  test(`${text} is an address`, () => {
    const address = parseListenAddress(text);
    assert.deepEqual(address, { host, port });
    assert.ok('port' in address);
    assert.equal(urlHost(address), url);
  });
}

const BAD: readonly (readonly [text: string, problem: RegExp])[] = [
  ['', /not host:port/],
  ['10060', /not host:port/],
  ['127.0.0.1', /not host:port/],
  ['::1:10060', /not host:port/],
  [':', /not host:port/],
  [':-1', /not host:port/],
  [':1e3', /not host:port/],
  [':65536', /port 65536 is above 65535/],
  ['[localhost]:1', /not an IPv6 address/],
  ['[]:1', /not an IPv6 address/],
  ['http://x:1', /not host:port/],
  ['a b:1', /not a host name/],
];

for (const [text, problem] of BAD) {
  test(`${JSON.stringify(text)} is not, and it is said why`, () => {
    const result = parseListenAddress(text);
    assert.ok('problem' in result);
    assert.match(result.problem, problem);
  });
}

test('no text makes the parser throw, and every port it gives is one', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.integer().map((port) => `:${port}`),
      ),
      (text) => {
        const result = parseListenAddress(text);
        if ('problem' in result) return;
        assert.ok(Number.isInteger(result.port) && result.port >= 0 && result.port <= 65535);
      },
    ),
  );
});
