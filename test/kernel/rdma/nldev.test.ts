// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import { type Libc, openLibc } from '../../../src/kernel/ffi.js';
import { createNldev, encodeDump } from '../../../src/kernel/rdma/nldev.js';
import { deviceMessage, doneMessage, queuePairMessage } from '../../support/rdma/nldev-builder.js';

const { EAGAIN, EPROTONOSUPPORT } = constants.errno;

/** A kernel that answers each dump with these datagrams, then with EAGAIN. */
function kernelOf(answer: (request: Buffer, sequence: number) => readonly Buffer[]) {
  let waiting: Buffer[] = [];
  let errno = 0;
  const open = new Set<number>();
  const calls = {
    socket: () => {
      open.add(3);
      return 3;
    },
    send(_fd: number, request: Buffer, length: number) {
      waiting = [...answer(request, request.readUInt32LE(8))];
      return length;
    },
    recv(_fd: number, buffer: Buffer) {
      const next = waiting.shift();
      if (next === undefined) errno = EAGAIN;
      return next === undefined ? -1 : next.copy(buffer) && next.length;
    },
    close: (fd: number) => Number(!open.delete(fd)),
    memory: { errno: () => errno },
  };
  // Only these are called.
  return { libc: calls as unknown as Libc, open };
}

test('a request names the command, and the device where there is one', () => {
  assert.equal(encodeDump(0x1401).toString('hex'), '10000000011401030000000000000000');
  assert.equal(encodeDump(0x140a, 2).toString('hex'), '180000000a14010300000000000000000800010002000000');
});

test('datagrams until the end, no more entries than asked for, and the socket is closed', () => {
  const { libc, open } = kernelOf((request, sequence) =>
    request.length === 16
      ? [deviceMessage(sequence, 2, 'mlx5_0'), doneMessage(sequence)]
      : [
          queuePairMessage(sequence, 2, 'mlx5_0', [{ number: 17 }, { number: 18 }]),
          queuePairMessage(sequence, 2, 'mlx5_0', [{ number: 19 }]),
          doneMessage(sequence),
        ],
  );
  const nldev = createNldev(libc);
  assert.deepEqual(nldev.devices(), { entries: [{ index: 2, name: 'mlx5_0' }], leftOut: 0, refused: 0 });
  const reading = nldev.queuePairs(2, 2);
  assert.ok(typeof reading !== 'number');
  assert.deepEqual(
    reading.entries.map(({ number }) => number),
    [17, 18],
  );
  assert.equal(reading.leftOut, 1);
  assert.equal(open.size, 0);
});

test('a dump that does not end, or ends badly, is the errno, and never half a list', () => {
  const { EIO } = constants.errno;
  const unended = kernelOf((_request, sequence) => [deviceMessage(sequence, 2, 'mlx5_0')]);
  assert.equal(createNldev(unended.libc).devices(), EAGAIN);
  const failed = kernelOf((_request, sequence) => [
    queuePairMessage(sequence, 2, 'mlx5_0', [{ number: 17 }]),
    doneMessage(sequence, EIO),
  ]);
  assert.equal(createNldev(failed.libc).queuePairs(2, 10), EIO);
  assert.equal(failed.open.size, 0);
});

test('this kernel: devices, or no RDMA at all', () => {
  const devices = createNldev(openLibc()).devices();
  if (typeof devices === 'number') assert.equal(devices, EPROTONOSUPPORT);
  else assert.equal(devices.refused, 0);
});
