// SPDX-License-Identifier: Apache-2.0
// The batch loop against a scripted kernel: every way a batch can end, and that nothing the kernel
// has deleted is withheld from the sink.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelError } from '../../src/errors.js';
import { ERRNO } from '../../src/kernel/errno.js';
import type { Libbpf } from '../../src/kernel/ffi.js';
import { createBatchBuffers, type HashMap, readBatches } from '../../src/kernel/read-batches.js';

const MAP: HashMap = { name: 'flows4_0', fd: 7, keySizeBytes: 4, valueSizeBytes: 8 };

interface Answer {
  readonly rc: number;
  /** Entries handed out; undefined: turned down at the door, nothing written. */
  readonly keys?: readonly number[];
  readonly stopped?: number;
}

interface Asked {
  readonly from: number | undefined;
  readonly room: number;
}

/** A kernel that answers as told, and what it was asked. */
function scriptedKernel(answers: readonly Answer[]) {
  const NULL = Buffer.alloc(0);
  const asked: Asked[] = [];
  let next = 0;
  function async(...args: unknown[]): void {
    const [fd, from, stopped, keys, , count, , callback] = args as [
      number,
      Buffer,
      Buffer,
      Buffer,
      Buffer,
      Buffer,
      Buffer,
      (error: unknown, rc: number) => void,
    ];
    assert.equal(fd, MAP.fd);
    asked.push({ from: from === NULL ? undefined : from.readUInt32LE(), room: count.readUInt32LE() });
    const answer = answers[next] ?? assert.fail('one call too many');
    next++;
    if (answer.keys !== undefined) {
      answer.keys.forEach((key, i) => {
        keys.writeUInt32LE(key, i * 4);
      });
      count.writeUInt32LE(answer.keys.length);
      stopped.writeUInt32LE(answer.stopped ?? next);
    }
    setImmediate(() => callback(null, answer.rc));
  }
  const libbpf = { memory: { NULL }, bpf_map_lookup_and_delete_batch: { async } } as unknown as Libbpf;
  return { libbpf, asked };
}

async function drain(answers: readonly Answer[], entries = 4) {
  const { libbpf, asked } = scriptedKernel(answers);
  const received: number[] = [];
  let error: unknown;
  try {
    await readBatches(
      libbpf,
      'lookup_and_delete',
      MAP,
      createBatchBuffers(MAP, entries),
      (keys, counts, count) => {
        assert.equal(keys.length, count * 4);
        assert.equal(counts.length, count * 8);
        for (let i = 0; i < count; i++)
          received.push(new DataView(keys.buffer, keys.byteOffset).getUint32(i * 4, true));
      },
    );
  } catch (caught) {
    error = caught;
  }
  return { received, error, asked };
}

test('an empty map takes one call', async () => {
  const { received, error } = await drain([{ rc: -ERRNO.ENOENT, keys: [] }]);
  assert.deepEqual({ received, error }, { received: [], error: undefined });
});

test('batches follow each other from where the last one stopped, and ENOENT may bring entries', async () => {
  const { received, error, asked } = await drain([
    { rc: 0, keys: [1, 2, 3], stopped: 90 },
    { rc: 0, keys: [4], stopped: 200 },
    { rc: -ERRNO.ENOENT, keys: [5, 6], stopped: 256 },
  ]);
  assert.equal(error, undefined);
  assert.deepEqual(received, [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(
    asked.map(({ from }) => from),
    [undefined, 90, 200],
  );
});

test('a bucket larger than the batch makes the batch grow, from the same place', async () => {
  const { received, asked } = await drain(
    [
      { rc: 0, keys: [1], stopped: 3 },
      { rc: -ERRNO.ENOSPC, keys: [], stopped: 3 },
      { rc: -ERRNO.ENOSPC, keys: [], stopped: 3 },
      { rc: -ERRNO.ENOENT, keys: [2, 3, 4, 5, 6], stopped: 8 },
    ],
    2,
  );
  assert.deepEqual(received, [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(asked, [
    { from: undefined, room: 2 },
    { from: 3, room: 2 },
    { from: 3, room: 4 },
    { from: 3, room: 8 },
  ]);
});

test('a busy bucket is tried again, and what came before it is not lost', async () => {
  const { received, error, asked } = await drain([
    { rc: -ERRNO.EBUSY, keys: [1, 2], stopped: 40 },
    { rc: -ERRNO.EINTR, keys: [], stopped: 40 },
    { rc: -ERRNO.ENOENT, keys: [3], stopped: 64 },
  ]);
  assert.equal(error, undefined);
  assert.deepEqual(received, [1, 2, 3]);
  assert.deepEqual(
    asked.map(({ from }) => from),
    [undefined, 40, 40],
  );
});

test('a bucket that stays busy ends the drain with an error', async () => {
  const { error } = await drain(
    Array.from({ length: 11 }, () => ({ rc: -ERRNO.EBUSY, keys: [], stopped: 1 })),
  );
  assert.ok(error instanceof KernelError);
  assert.equal(error.errno, ERRNO.EBUSY);
});

test('any other error rejects after handing over what came with it', async () => {
  const { received, error } = await drain([
    { rc: 0, keys: [1], stopped: 1 },
    { rc: -ERRNO.ENOMEM, keys: [2, 3], stopped: 2 },
  ]);
  assert.deepEqual(received, [1, 2, 3]);
  assert.ok(error instanceof KernelError);
  assert.equal(error.errno, ERRNO.ENOMEM);
  assert.match(error.message, /"flows4_0".*ENOMEM/);
});

test('a call turned down at the door brings nothing, whatever the count says', async () => {
  const { received, error } = await drain([{ rc: -ERRNO.EBADF }]);
  assert.deepEqual(received, []);
  assert.ok(error instanceof KernelError);
  assert.equal(error.errno, ERRNO.EBADF);
});
