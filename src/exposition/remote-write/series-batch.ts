// SPDX-License-Identifier: Apache-2.0
// A request under construction, whatever its format: series in, one after the other, body out.

import type { Payload } from '../payload.js';
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
  /** No less than what one more such series adds to the body; furtherBytes: encoded further labels. */
  mostBytes(head: MetricHead, furtherBytes: number): number;
  /**
   * Adds a series with its one sample. Its labels are the head's, then furtherLabels, encoded for remote write
   * 1.0; furtherLabels must stay as it is until take(). startMs: since when a cumulative value counts, 0 where unknown.
   */
  add(head: MetricHead, furtherLabels: Buffer, value: number, startMs: number): void;
  /** A series for each head, with the same further labels; values: one for each head. */
  addAll(heads: readonly MetricHead[], furtherLabels: Buffer, values: Float64Array, startMs: number): void;
  /** add() with a stale marker. */
  addStale(head: MetricHead, furtherLabels: Buffer): void;
  /**
   * The request so far; the batch is empty after it. The body stays as it is until the next series is
   * added. Not to be called on an empty one.
   */
  take(): Payload;
}

/** Bytes that grow, with what was written kept. Whoever writes has reserved first, and keeps no reference. */
export class GrowingBytes {
  bytes: Buffer;
  /** Over the same memory. */
  view: DataView;

  constructor(length: number) {
    this.bytes = Buffer.allocUnsafeSlow(length);
    this.view = viewOf(this.bytes);
  }

  /** Makes the length neededBytes at least; the first usedBytes stay. */
  reserve(usedBytes: number, neededBytes: number): void {
    if (neededBytes > this.bytes.length)
      this.replace(Math.max(2 * this.bytes.length, neededBytes), usedBytes);
  }

  /** Other memory of this length, which begins as the former did. */
  replace(length: number, usedBytes: number): void {
    const former = this.bytes;
    this.bytes = Buffer.allocUnsafeSlow(length);
    this.view = viewOf(this.bytes);
    former.copy(this.bytes, 0, 0, usedBytes);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
