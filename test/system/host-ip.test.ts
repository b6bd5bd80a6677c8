// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { chooseHostIp } from '../../src/system/host-ip.js';

function address(text: string, internal = false): NetworkInterfaceInfo {
  const common = { address: text, netmask: '', mac: '', internal, cidr: null };
  return text.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}

test('the first IPv4 address that is not loopback, also after IPv6 ones', () => {
  const addresses = {
    lo: [address('127.0.0.1', true), address('::1', true)],
    eth0: [address('2001:db8::5'), address('192.0.2.7')],
    eth1: [address('192.0.2.8')],
  };
  assert.equal(chooseHostIp(addresses), '192.0.2.7');
});

test('without IPv4: a global IPv6 address, not a link-local one', () => {
  const addresses = {
    lo: [address('127.0.0.1', true), address('::1', true)],
    eth0: [address('fe80::1'), address('febf::1'), address('2001:db8::5')],
  };
  assert.equal(chooseHostIp(addresses), '2001:db8::5');
});

test('nothing but loopback: empty', () => {
  assert.equal(chooseHostIp({ lo: [address('127.0.0.1', true)], eth0: [address('fe80::1')] }), '');
  assert.equal(chooseHostIp({ eth0: undefined }), '');
  assert.equal(chooseHostIp({}), '');
});
