// SPDX-License-Identifier: Apache-2.0
// Generic netlink: bytes of a question and an answer as the kernel has them, and the real kernel's word
// on veth, loopback and tun.

import assert from 'node:assert/strict';
import os from 'node:os';
import { test } from 'node:test';
import { ERRNO } from '../../../src/kernel/errno.js';
import { openLibc } from '../../../src/kernel/ffi.js';
import {
  decodeAnswer,
  encodeRequest,
  openGenericNetlink,
} from '../../../src/kernel/host-facts/generic-netlink.js';
import { isKnownNative } from '../../../src/kernel/host-facts/native-drivers.js';
import { featuresOf, openXdpFeatures } from '../../../src/kernel/host-facts/xdp-features.js';
import { isKernelAtLeast, parseKernelVersion } from '../../../src/system/kernel-version.js';
import { kernelTest, missingForKernelTests } from '../../support/kernel/kernel-gate.js';
import { enterOwnNetns, ip } from '../../support/kernel/own-netns.js';

if (missingForKernelTests() === undefined) {
  enterOwnNetns();
  ip('link', 'add', 'xt0', 'type', 'veth', 'peer', 'name', 'xt1');
  ip('link', 'set', 'xt0', 'up');
}

function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
}

test('a question: header, command, one attribute, padded to four', () => {
  const request = encodeRequest({
    familyId: 16,
    command: 3,
    sequence: 7,
    attributes: [{ type: 2, value: Buffer.from('netdev\0') }],
  });
  const expected = hex(
    `
    20000000 1000 0100 07000000 00000000  // 32 bytes, GENL_ID_CTRL, NLM_F_REQUEST, sequence, port
    03 01 0000                            // CTRL_CMD_GETFAMILY, version 1
    0b00 0200 6e6574646576 00 00          // 11 bytes, CTRL_ATTR_FAMILY_NAME, "netdev", padding
  `.replace(/\/\/.*$/gm, ''),
  );
  assert.deepEqual(request, expected);
});

const ANSWER = hex(
  '2c000000 1c00 0000 07000000 39300000 01010000 0800 0100 02000000 0c00 0300 2300000000000000 04000900',
);

test('an answer: its attributes, by type; an empty one too', () => {
  const attributes = decodeAnswer(ANSWER, 7);
  assert.ok(typeof attributes !== 'number');
  assert.deepEqual([...attributes.keys()], [1, 3, 9]);
  assert.equal(attributes.get(1)?.readUInt32LE(), 2);
  assert.deepEqual(featuresOf(attributes.get(3)?.readBigUInt64LE() ?? 0n), ['basic', 'redirect', 'rx-sg']);
  assert.equal(attributes.get(9)?.length, 0);
});

test('flags of an attribute are no part of its type', () => {
  const nested = Buffer.from(ANSWER);
  nested.writeUInt16LE(0x8001, 22);
  const attributes = decodeAnswer(nested, 7);
  assert.ok(typeof attributes !== 'number' && attributes.has(1));
});

test('an error is its errno', () => {
  const error = hex('24000000 0200 0000 07000000 39300000 feffffff 20000000 1000 0100 07000000 00000000');
  assert.equal(decodeAnswer(error, 7), ERRNO.ENOENT);
});

test("what is cut off, someone else's, or senseless is no answer", () => {
  assert.equal(decodeAnswer(ANSWER, 8), ERRNO.EINVAL);
  for (let length = 0; length < ANSWER.length; length++) {
    assert.equal(decodeAnswer(ANSWER.subarray(0, length), 7), ERRNO.EINVAL, `${length} bytes`);
  }
  for (const attributeLength of [0, 3, 25, 0xffff]) {
    const wrong = Buffer.from(ANSWER);
    wrong.writeUInt16LE(attributeLength, 20);
    assert.equal(decodeAnswer(wrong, 7), ERRNO.EINVAL, `an attribute of ${attributeLength} bytes`);
  }
});

test('features: none, all, and bits that are not known yet', () => {
  assert.deepEqual(featuresOf(0n), []);
  assert.equal(featuresOf(127n).length, 7);
  assert.deepEqual(featuresOf(1n << 40n), []);
});

const TELLS = isKernelAtLeast(parseKernelVersion(os.release()) ?? { major: 0, minor: 0 }, {
  major: 6,
  minor: 3,
});

kernelTest('the kernel says that veth has native XDP, and loopback has not', (t) => {
  const reader = openXdpFeatures(openLibc());
  t.after(() => reader.close());
  const indexOf = (name: string) =>
    (JSON.parse(ip('-json', 'link', 'show', 'dev', name)) as [{ ifindex: number }])[0].ifindex;
  const veth = reader.read(indexOf('xt0'));
  if (!TELLS) {
    assert.equal(veth, undefined);
    return;
  }
  assert.ok(veth?.includes('basic'), String(veth));
  assert.deepEqual(reader.read(indexOf('lo')), []);
  assert.equal(reader.read(1_000_000), undefined);
  // The socket still answers after a question that failed.
  assert.deepEqual(reader.read(indexOf('xt0')), veth);
  reader.close();
  assert.equal(reader.read(indexOf('xt0')), undefined);
});

kernelTest('a family that no kernel has', (t) => {
  const netlink = openGenericNetlink(openLibc());
  assert.ok(typeof netlink !== 'number');
  t.after(() => netlink.close());
  assert.deepEqual(netlink.familyId('no_such_family'), { errno: ERRNO.ENOENT });
  assert.equal(netlink.familyId('nlctrl'), 16);
});

test('drivers that are known to have native XDP, and since when', () => {
  const kernel = { major: 5, minor: 15 };
  for (const driver of ['mlx5_core', 'veth', 'virtio_net', 'ice'])
    assert.equal(isKnownNative(driver, kernel), true);
  for (const driver of ['', 'ipoib', 'bridge', 'e1000e', 'atlantic', 'mtk_soc_eth'])
    assert.equal(isKnownNative(driver, kernel), undefined, driver);
  assert.equal(isKnownNative('atlantic', { major: 5, minor: 19 }), true);
  assert.equal(isKnownNative('mtk_soc_eth', { major: 6, minor: 1 }), true);
  assert.equal(isKnownNative('atlantic', undefined), undefined);
  assert.equal(isKnownNative('mlx5_core', undefined), true);
});
