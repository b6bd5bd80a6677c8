// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyMasks } from '../../src/abi/key-masks.js';

const ALL = {
  srcIp: true,
  dstIp: true,
  srcPort: true,
  dstPort: true,
  vlan: true,
  queuePair: true,
  dscp: true,
  ipv4PrefixLength: 32,
  ipv6PrefixLength: 128,
};
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('everything kept is all ones', () => {
  const { mask4, mask6 } = createKeyMasks(ALL);
  assert.equal(hex(mask4), 'f'.repeat(48));
  assert.equal(hex(mask6), 'f'.repeat(96));
});

test('each detail that is not wanted is zero, and nothing else', () => {
  const masks = createKeyMasks({ ...ALL, srcPort: false, vlan: false, queuePair: false, dscp: false });
  //                       src      dst      sp   dp   ifindex  pr kd vlan qp
  assert.equal(
    hex(masks.mask4),
    'ffffffff ffffffff 0000 ffff ffffffff ff ff 0000 00000000'.replaceAll(' ', ''),
  );
  assert.equal(hex(masks.mask6).slice(64), '0000 ffff ffffffff ff ff 0000 00000000'.replaceAll(' ', ''));
  assert.equal(hex(createKeyMasks({ ...ALL, dstPort: false }).mask4).slice(16, 24), 'ffff0000');
});

test('queue pair and DSCP share a word, each by itself', () => {
  assert.equal(hex(createKeyMasks({ ...ALL, queuePair: false }).mask4).slice(40), '000000ff');
  assert.equal(hex(createKeyMasks({ ...ALL, dscp: false }).mask6).slice(88), 'ffffff00');
});

test('prefix lengths keep leading bits in network order', () => {
  const masks = createKeyMasks({ ...ALL, ipv4PrefixLength: 20, ipv6PrefixLength: 49 });
  assert.equal(hex(masks.mask4).slice(0, 16), 'fffff000fffff000');
  assert.equal(hex(masks.mask6).slice(0, 32), `${'f'.repeat(12)}8${'0'.repeat(19)}`);
  assert.equal(hex(masks.mask6).slice(32, 64), `${'f'.repeat(12)}8${'0'.repeat(19)}`);
  assert.equal(hex(createKeyMasks({ ...ALL, ipv4PrefixLength: 0 }).mask4).slice(0, 16), '0'.repeat(16));
});

test('an address that no label shows is zero, the other one as long as it was', () => {
  const masks = createKeyMasks({ ...ALL, srcIp: false, ipv4PrefixLength: 24 });
  assert.equal(hex(masks.mask4).slice(0, 16), '00000000ffffff00');
  assert.equal(
    hex(createKeyMasks({ ...ALL, dstIp: false }).mask6).slice(0, 64),
    'f'.repeat(32) + '0'.repeat(32),
  );
});
