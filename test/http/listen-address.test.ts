// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { urlHost } from '../../src/http/listen-address.js';

const CASES: readonly (readonly [host: string | undefined, inUrl: string])[] = [
  [undefined, 'localhost'],
  ['127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', 'localhost'],
  ['::1', '[::1]'],
  ['::', 'localhost'],
  ['fe80::1%eth0', '[fe80::1%eth0]'],
  ['localhost', 'localhost'],
  ['host.example', 'host.example'],
];

for (const [host, inUrl] of CASES) {
  test(`${host ?? 'all addresses'} is ${inUrl} in a URL`, () => {
    assert.equal(urlHost({ host }), inUrl);
  });
}
