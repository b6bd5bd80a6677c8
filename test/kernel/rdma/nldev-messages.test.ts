// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import {
  decodeNldevDatagram,
  type NldevDevice,
  type NldevQueuePair,
} from '../../../src/kernel/rdma/nldev-messages.js';
import {
  attribute,
  deviceMessage,
  doneMessage,
  errorMessage,
  message,
  queuePairMessage,
} from '../../support/rdma/nldev-builder.js';

const SEQUENCE = 9;

function decode(...messages: readonly Buffer[]) {
  const devices: NldevDevice[] = [];
  const queuePairs: NldevQueuePair[] = [];
  const outcome = decodeNldevDatagram(Buffer.concat(messages), SEQUENCE, {
    device: (device) => devices.push(device),
    queuePair: (queuePair) => queuePairs.push(queuePair),
  });
  return { ...outcome, devices, queuePairs };
}

test('devices by index and name', () => {
  const { devices, end, refused } = decode(
    deviceMessage(SEQUENCE, 0, 'mlx5_0'),
    deviceMessage(SEQUENCE, 3, 'mlx5_bond_0'),
    doneMessage(SEQUENCE),
  );
  assert.deepEqual(devices, [
    { index: 0, name: 'mlx5_0' },
    { index: 3, name: 'mlx5_bond_0' },
  ]);
  assert.deepEqual([end, refused], ['done', 0]);
});

test('a queue pair byte by byte, as the kernel lays it out', () => {
  // biome-ignore format: one attribute a line
  const bytes = Buffer.from([
    0x70, 0, 0, 0, 0x0a, 0x14, 0x02, 0, 9, 0, 0, 0, 0, 0, 0, 0, // nlmsghdr: length 112, type 5 << 10 | 10, MULTI, sequence
    8, 0, 1, 0, 2, 0, 0, 0, // DEV_INDEX
    11, 0, 2, 0, 0x6d, 0x6c, 0x78, 0x35, 0x5f, 0x30, 0, 0, // DEV_NAME mlx5_0
    0x4c, 0, 19, 0x80, // RES_QP, NLA_F_NESTED
    0x48, 0, 20, 0, // RES_QP_ENTRY
    8, 0, 3, 0, 1, 0, 0, 0, // PORT_INDEX
    8, 0, 21, 0, 0x56, 0x34, 0x12, 0, // RES_LQPN
    8, 0, 59, 0, 7, 0, 0, 0, // RES_PDN
    8, 0, 28, 0, 0xd2, 4, 0, 0, // RES_PID
    8, 0, 22, 0, 0xbc, 0x9a, 0x78, 0, // RES_RQPN
    8, 0, 23, 0, 1, 0, 0, 0, // RES_RQ_PSN
    5, 0, 25, 0, 0, 0, 0, 0, // RES_PATH_MIG_STATE
    5, 0, 26, 0, 2, 0, 0, 0, // RES_TYPE: RC
    // The last one's padding may be missing.
    5, 0, 27, 0, 3, // RES_STATE: RTS
  ]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(bytes.length - 36, 36);
  bytes.writeUInt16LE(bytes.length - 40, 40);
  const { queuePairs, end, refused } = decode(bytes);
  assert.deepEqual(queuePairs, [
    {
      number: 0x123456,
      remoteNumber: 0x789abc,
      port: 1,
      type: 2,
      state: 3,
      pid: 1234,
      kernelName: undefined,
    },
  ]);
  assert.deepEqual([end, refused], ['more', 0]);
});

test('the kernel has names instead of a process; what is not told is undefined', () => {
  const { queuePairs, refused } = decode(
    queuePairMessage(SEQUENCE, 0, 'mlx5_0', [
      { number: 1, type: 1, kernelName: 'ib_core' },
      { number: 20, port: 0, state: 0 },
      { number: 21, pid: 0 },
    ]),
  );
  assert.deepEqual(
    queuePairs.map(({ number, port, pid, kernelName }) => [number, port, pid, kernelName]),
    [
      [1, 1, undefined, 'ib_core'],
      [20, undefined, undefined, undefined],
      [21, 1, undefined, undefined],
    ],
  );
  assert.equal(refused, 0);
});

test('how a dump ends', () => {
  const { EINVAL, EPERM } = constants.errno;
  assert.equal(decode(doneMessage(SEQUENCE)).end, 'done');
  assert.equal(
    decode(doneMessage(SEQUENCE, EINVAL)).end,
    EINVAL,
    'a driver that did not answer in the middle',
  );
  assert.equal(decode(errorMessage(SEQUENCE, EPERM)).end, EPERM);
  assert.equal(decode(errorMessage(SEQUENCE, 0)).end, 'more', 'an acknowledgement is no end');
  assert.equal(decode(doneMessage(SEQUENCE + 1)).end, 'more', 'of another question');
  assert.equal(decode().end, 'more');
});

test('what cannot be understood is refused, counted, and takes nothing else with it', () => {
  const good = { number: 17, pid: 1 };
  const refusedOf = (...messages: readonly Buffer[]) => {
    const { refused, queuePairs, devices } = decode(...messages);
    return [refused, queuePairs.length, devices.length];
  };
  const table = (...entries: readonly Buffer[]) =>
    message(0x140a, SEQUENCE, attribute(19, Buffer.concat(entries)));
  const u32Attribute = (type: number, value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return attribute(type, bytes);
  };
  const entry = (...parts: readonly Buffer[]) => attribute(20, Buffer.concat(parts));
  const [type, state] = [attribute(26, Buffer.of(2)), attribute(27, Buffer.of(3))];
  const whole = entry(u32Attribute(21, 17), type, state);
  assert.deepEqual(refusedOf(table(whole, entry(type, state), whole)), [1, 2, 0], 'without a number');
  assert.deepEqual(refusedOf(table(entry(u32Attribute(21, 1 << 24), type, state))), [1, 0, 0], 'of 25 bits');
  assert.deepEqual(
    refusedOf(table(entry(attribute(21, Buffer.of(1, 2)), type, state))),
    [1, 0, 0],
    'of 2 bytes',
  );
  assert.deepEqual(refusedOf(table(entry(u32Attribute(21, 17), state))), [1, 0, 0], 'without a type');
  const long = Buffer.from(whole);
  long.writeUInt16LE(4000, 0);
  assert.deepEqual(refusedOf(table(whole, long)), [1, 1, 0], 'longer than its table');
  const cut = queuePairMessage(SEQUENCE, 0, 'mlx5_0', [good]);
  assert.deepEqual(refusedOf(cut.subarray(0, -4)), [1, 0, 0], 'cut off');
  assert.deepEqual(refusedOf(cut, Buffer.alloc(5)), [1, 1, 0], 'something after the last message');
  assert.deepEqual(
    refusedOf(message(0x1401, SEQUENCE, u32Attribute(1, 0))),
    [1, 0, 0],
    'a device without a name',
  );
});
