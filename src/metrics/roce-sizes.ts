// SPDX-License-Identifier: Apache-2.0
// The sizes of RDMA messages of a pair as a histogram, with classic buckets and native ones.

import { ROCE_CELL, ROCE_SIZE_BOUNDS } from '../abi/roce-records.js';
import type { NativeHistogram } from '../native-buckets.js';
import type { RocePairView } from '../roce/views.js';
import { type AddSample, boundText, type Label } from './definition.js';

/** Those whose size is in the packet that begins them. */
const SIZED_OPERATIONS = [
  {
    label: ['operation', 'write'],
    messages: ROCE_CELL.writes,
    sizes: ROCE_CELL.writeSizes,
    sum: ROCE_CELL.writeMessageBytes,
  },
  {
    label: ['operation', 'read'],
    messages: ROCE_CELL.reads,
    sizes: ROCE_CELL.readSizes,
    sum: ROCE_CELL.readMessageBytes,
  },
] as const;

/** Bytes: 64 x 4^n up to 1 GiB; a message has 2 GiB at most (IBTA vol. 1, 9.7.8). */
export const ROCE_SIZE_BUCKETS = Array.from({ length: ROCE_SIZE_BOUNDS }, (_, n) => 64 * 4 ** n);
const LE_LABELS: readonly Label[] = [...ROCE_SIZE_BUCKETS.map(boundText), '+Inf'].map((bound) => [
  'le',
  bound,
]);

/** 4^3 is 64. */
const FIRST_SIZE_INDEX = 3;

/**
 * The same sizes in exponential buckets of base 4, schema -1: their bounds are powers of 4, too. What is up to
 * 64 bytes is one bucket here, so it counts as zero; what is above 1 GiB is up to 2 GiB, the largest message.
 */
function nativeSizes(cells: Float64Array, sizes: number): NativeHistogram {
  const buckets = new Map<number, number>();
  for (let i = 1; i <= ROCE_SIZE_BOUNDS; i++) {
    const count = cells[sizes + i] ?? 0;
    if (count > 0) buckets.set(FIRST_SIZE_INDEX + i, count);
  }
  const [zeroThreshold = 0] = ROCE_SIZE_BUCKETS;
  return { schema: -1, zeroThreshold, zeroCount: cells[sizes] ?? 0, buckets };
}

/** Cumulative, as expositions have them; an operation with its first message. */
export function addSizes({ cells }: RocePairView, addSample: AddSample): void {
  for (const { label, messages, sizes, sum } of SIZED_OPERATIONS) {
    if (cells[messages] === 0) continue;
    let total = 0;
    for (let i = 0; i <= ROCE_SIZE_BOUNDS; i++) {
      total += cells[sizes + i] ?? 0;
      addSample([label, LE_LABELS[i] ?? ['le', '']], total, '_bucket');
    }
    addSample([label], cells[sum] ?? 0, '_sum');
    addSample([label], total, '_count', nativeSizes(cells, sizes));
  }
}
