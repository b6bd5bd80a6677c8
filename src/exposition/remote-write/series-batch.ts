// SPDX-License-Identifier: Apache-2.0
// A request under construction, whatever its format: series in, one after the other, body out.
import type { Payload } from '../../push/payload.js';
import type { MetricHead } from './metric-head.js';

/** No further labels: all of them are in the head. */
export const NO_LABELS: Buffer = Buffer.alloc(0);

export interface SeriesBatch {
  /** Series, of one sample each, since the last take(). */
  readonly samples: number;
  /** What the body would have now. */
  readonly bytes: number;
  /** Every sample gets this timestamp until the next call; the batch is empty. */
  begin(timestampMs: number): void;
  /** No less than what one more such series adds to the body; restBytes: encoded further labels. */
  mostBytes(head: MetricHead, restBytes: number): number;
  /**
   * Adds a series with its one sample. Its labels are the head's, then rest[restStart .. restEnd],
   * encoded for remote write 1.0; startMs: since when a cumulative value counts, 0 where unknown.
   */
  add(
    head: MetricHead,
    rest: Buffer,
    restStart: number,
    restEnd: number,
    value: number,
    startMs: number,
  ): void;
  /** The same with a stale marker. */
  addStale(head: MetricHead, rest: Buffer, restStart: number, restEnd: number): void;
  /** The request so far, in memory of its own; the batch is empty after it. Not to be called on an empty one. */
  take(): Payload;
}

/** At least neededBytes in all, doubling, with what was written kept. */
export function grown(buffer: Buffer, usedBytes: number, neededBytes: number): Buffer {
  if (neededBytes <= buffer.length) return buffer;
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * buffer.length, neededBytes));
  buffer.copy(larger, 0, 0, usedBytes);
  return larger;
}
