// SPDX-License-Identifier: Apache-2.0
// Reads one hash map in batches, or empties it, off the event loop. Knows no layout: keys and values are bytes.

import { KernelError } from '../errors.js';
import { ERRNO, errnoName } from './errno.js';
import { callAsync, type Libbpf } from './ffi.js';
import type { BatchSink } from './kernel-maps.js';

/** A hash map to be read. */
export interface HashMap {
  readonly name: string;
  readonly fd: number;
  readonly keySizeBytes: number;
  readonly valueSizeBytes: number;
}

/** Buffers of one reading at a time, kept between readings. */
export interface BatchBuffers {
  entries: number;
  keys: Buffer;
  counts: Buffer;
  /** The kernel's cursors (u32 bucket numbers): where to go on, and where it stopped. */
  readonly from: Buffer;
  readonly stopped: Buffer;
  readonly count: Buffer;
}

/** Never a bucket number: tells whether the kernel has written a cursor. */
const UNTOUCHED = 0xffffffff;
/** A bucket that cannot be locked (EBUSY, on newer kernels EDEADLK or ETIMEDOUT) is free a moment later. */
const TRANSIENT: ReadonlySet<number> = new Set([
  ERRNO.EINTR,
  ERRNO.EAGAIN,
  ERRNO.EBUSY,
  ERRNO.EDEADLK,
  ERRNO.ETIMEDOUT,
]);
/** In a row, without any progress between them. */
const TRANSIENT_TRIES = 10;

/** @param entries the most that one call takes; grows where a hash bucket holds more. */
export function createBatchBuffers(
  { keySizeBytes, valueSizeBytes }: Pick<HashMap, 'keySizeBytes' | 'valueSizeBytes'>,
  entries: number,
): BatchBuffers {
  return {
    entries,
    keys: Buffer.alloc(entries * keySizeBytes),
    counts: Buffer.alloc(entries * valueSizeBytes),
    from: Buffer.alloc(8),
    stopped: Buffer.alloc(8),
    count: Buffer.alloc(4),
  };
}

export type BatchVerdict = 'more' | 'done' | 'grow' | 'retry' | 'failed';

/** What one batch call's result means. `errno` is 0 or positive; `received` entries came with it. */
export function judgeBatch(errno: number, received: number): BatchVerdict {
  if (errno === 0) return 'more';
  if (errno === ERRNO.ENOENT) return 'done';
  // The next bucket alone holds more than a whole batch; the kernel gives buckets whole or not at all.
  if (errno === ERRNO.ENOSPC && received === 0) return 'grow';
  if (errno === ERRNO.ENOSPC || TRANSIENT.has(errno)) return 'retry';
  return 'failed';
}

/** Which of libbpf's calls: whether entries leave the map. */
export type BatchCall = 'lookup' | 'lookup_and_delete';

/** As KernelMaps.drain and KernelMaps.copy. The buffers are this reading's alone until it settles. */
export async function readBatches(
  libbpf: Libbpf,
  call: BatchCall,
  map: HashMap,
  buffers: BatchBuffers,
  sink: BatchSink,
): Promise<void> {
  const name = `bpf_map_${call}_batch` as const;
  let from = libbpf.memory.NULL;
  let transientTries = 0;
  for (;;) {
    buffers.count.writeUInt32LE(buffers.entries);
    buffers.stopped.writeUInt32LE(UNTOUCHED);
    const rc = await callAsync(
      libbpf[name],
      map.fd,
      from,
      buffers.stopped,
      buffers.keys,
      buffers.counts,
      buffers.count,
      libbpf.memory.NULL,
    );
    // A call that the kernel turned down at the door leaves the count at what we asked for.
    const hasRun = buffers.stopped.readUInt32LE() !== UNTOUCHED;
    const received = hasRun ? buffers.count.readUInt32LE() : 0;
    if (hasRun) {
      buffers.stopped.copy(buffers.from);
      from = buffers.from;
    }
    if (received > 0) {
      transientTries = 0;
      sink(
        buffers.keys.subarray(0, received * map.keySizeBytes),
        buffers.counts.subarray(0, received * map.valueSizeBytes),
        received,
      );
    }
    const verdict = judgeBatch(-rc, received);
    if (verdict === 'done') return;
    if (verdict === 'grow') {
      buffers.entries *= 2;
      buffers.keys = Buffer.alloc(buffers.entries * map.keySizeBytes);
      buffers.counts = Buffer.alloc(buffers.entries * map.valueSizeBytes);
    }
    if (verdict === 'retry') transientTries++;
    if (verdict === 'failed' || transientTries > TRANSIENT_TRIES) {
      throw new KernelError(
        name,
        -rc,
        `map "${map.name}" could not be read: ${errnoName(-rc)}; what is left in it comes with the next drain`,
      );
    }
  }
}
