// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complaintsOf, resolveRun } from '../support/config/fixture-text.js';

test('auto, an interface, an address', () => {
  assert.deepEqual(resolveRun({ file: 'host_ip: interface:eth0.7' }).hostIp, {
    kind: 'interface',
    name: 'eth0.7',
  });
  assert.deepEqual(resolveRun({ file: 'host_ip: 192.0.2.1' }).hostIp, {
    kind: 'address',
    address: '192.0.2.1',
  });
  assert.deepEqual(resolveRun({ file: 'host_ip: "2001:db8::1"' }).hostIp, {
    kind: 'address',
    address: '2001:db8::1',
  });
});

for (const given of ['192.0.2', 'eth0', 'fe80::1%eth0', '']) {
  test(`not ${JSON.stringify(given)}`, () => {
    assert.deepEqual(complaintsOf({ file: `host_ip: "${given}"` }), [
      `host_ip: must be auto, interface:NAME or an IP address, but is "${given}" (x.yaml, line 1)`,
    ]);
  });
}

test('a name that no interface can have', () => {
  assert.match(
    complaintsOf({ file: 'host_ip: "interface:"' })[0] ?? '',
    /^host_ip: an interface name is 1 to 15/,
  );
});
