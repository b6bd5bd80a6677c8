// SPDX-License-Identifier: Apache-2.0
// A histogram of durations with exponential buckets, as Prometheus' native histograms have them: by schema 2
// each bucket ends 2^(1/4) times, 19 %, above the one before. Bounded, whatever is observed.

/** What a native histogram holds (Prometheus, model/histogram): buckets by index, each for itself. */
export interface NativeHistogram {
  /** Bucket i ends at 2^(i / 2^schema). */
  readonly schema: number;
  /** Values up to here are in zeroCount. */
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** Index -> observations, in any order. */
  readonly buckets: ReadonlyMap<number, number>;
}

const SCHEMA = 2;
const BUCKETS_PER_DOUBLING = 2 ** SCHEMA;
/** About a microsecond, and 18 hours: 144 buckets; Prometheus' clients take 160 for the most that is reasonable. */
const FIRST_EXPONENT = -20;
const LAST_EXPONENT = 16;

export class NativeBuckets implements NativeHistogram {
  readonly schema = SCHEMA;
  readonly zeroThreshold = 2 ** FIRST_EXPONENT;
  zeroCount = 0;
  readonly buckets = new Map<number, number>();

  /** A value beyond the last bucket is counted in it. */
  observe(value: number): void {
    if (!(value > this.zeroThreshold)) {
      this.zeroCount++;
      return;
    }
    const last = LAST_EXPONENT * BUCKETS_PER_DOUBLING;
    // A logarithm just above the threshold may be rounded down to it.
    const first = FIRST_EXPONENT * BUCKETS_PER_DOUBLING + 1;
    const index = Math.max(first, Math.min(last, Math.ceil(Math.log2(value) * BUCKETS_PER_DOUBLING)));
    this.buckets.set(index, (this.buckets.get(index) ?? 0) + 1);
  }
}
