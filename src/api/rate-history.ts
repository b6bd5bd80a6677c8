// SPDX-License-Identifier: Apache-2.0
// Ten minutes of counts: points, each of a refresh or of as many as make a second, with a number for every
// row and column. Bounded by construction: so many points of so many rows. Knows no flow and no interface.

export const HISTORY_SPAN_MS = 600_000;
/** A point takes further refreshes in until it is so long: two of 500 ms are one, though timers come early. */
const OPEN_BELOW_MS = 950;
/** No more points than this make ten minutes. */
export const MOST_POINTS = Math.ceil(HISTORY_SPAN_MS / OPEN_BELOW_MS);

export interface HistoryPoint {
  /** Counts up, without gaps. */
  readonly number: number;
  /** Wall clock, when its counts were taken. */
  readonly endsMs: number;
  /** How long it is. */
  readonly spanMs: number;
  /** Row by row, the columns of each; what is beyond its end is 0. */
  readonly values: Float64Array;
}

/**
 * What the counts of a refresh are of. `whole`: of all the time since the refresh before, or since the last whole one.
 * `part`: of some of it, the rest comes with the next. `unknown`: of a time that nobody knows.
 */
export type CountsTime = 'whole' | 'part' | 'unknown';

/** One refresh, for a history. */
export interface TimedRefresh {
  readonly time: CountsTime;
  /** Wall clock. */
  readonly endsMs: number;
  /** Since the last whole refresh, or the last one of an unknown time. */
  readonly spanMs: number;
}

export class RateHistory {
  readonly columns: number;
  /** Oldest first. */
  readonly #points: HistoryPoint[] = [];
  #nextNumber = 0;
  /** Counts of refreshes whose time is still to come. */
  #carried: Float64Array | undefined;
  #totalSpanMs = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  get points(): readonly HistoryPoint[] {
    return this.#points;
  }

  /** Number of the point that would hold all counts of a row that is followed from the next add() on. */
  get firstWhole(): number {
    return this.#nextNumber + (this.#carried === undefined ? 0 : 1);
  }

  /** Numbers that are kept now. */
  get valueCount(): number {
    return this.#points.reduce((sum, { values }) => sum + values.length, this.#carried?.length ?? 0);
  }

  /** The counts of one refresh, and what was carried until then. counts: copied. spanMs: the time that all of them are of. */
  add(endsMs: number, spanMs: number, counts: Float64Array): void {
    const last = this.#points.at(-1);
    const values = this.#carried === undefined ? counts : sumOf(this.#carried, counts);
    this.#carried = undefined;
    this.#totalSpanMs += spanMs;
    if (last !== undefined && last.spanMs < OPEN_BELOW_MS) {
      this.#points[this.#points.length - 1] = {
        number: last.number,
        endsMs,
        spanMs: last.spanMs + spanMs,
        values: sumOf(last.values, values),
      };
    } else {
      this.#points.push({ number: this.#nextNumber++, endsMs, spanMs, values: values.slice() });
    }
    this.#dropOld();
  }

  /** As its time tells. */
  note({ time, endsMs, spanMs }: TimedRefresh, counts: Float64Array): void {
    if (time === 'whole') this.add(endsMs, spanMs, counts);
    else if (time === 'part') this.carry(counts);
    else this.dropCarried();
  }

  /** Counts that go with those of the next add(). Copied. */
  carry(counts: Float64Array): void {
    this.#carried = this.#carried === undefined ? counts.slice() : sumOf(this.#carried, counts);
  }

  /** What was carried goes with nothing: nobody knows what time it is of. */
  dropCarried(): void {
    this.#carried = undefined;
  }

  clear(): void {
    this.#points.length = 0;
    this.#carried = undefined;
    this.#totalSpanMs = 0;
  }

  /**
   * Adds up the row's columns over the fewest last points that together are at least askedMs long, or all that
   * there are from the point firstPoint on. Returns their length, 0 where there is none.
   */
  sumWindow(askedMs: number, row: number, firstPoint: number, sums: Float64Array): number {
    sums.fill(0);
    let spanMs = 0;
    for (let i = this.#points.length - 1; i >= 0 && spanMs < askedMs; i--) {
      const point = this.#points[i];
      if (point === undefined || point.number < firstPoint) break;
      spanMs += point.spanMs;
      for (let column = 0; column < this.columns; column++) {
        sums[column] = (sums[column] ?? 0) + (point.values[row * this.columns + column] ?? 0);
      }
    }
    return spanMs;
  }

  /** What is left is ten minutes, or less. */
  #dropOld(): void {
    for (;;) {
      const oldest = this.#points[0];
      if (oldest === undefined) return;
      const isBeyond = this.#points.length > 1 && this.#totalSpanMs - oldest.spanMs >= HISTORY_SPAN_MS;
      if (!isBeyond && this.#points.length <= MOST_POINTS) return;
      this.#points.shift();
      this.#totalSpanMs -= oldest.spanMs;
    }
  }
}

function sumOf(a: Float64Array, b: Float64Array): Float64Array {
  const sums = new Float64Array(Math.max(a.length, b.length));
  for (let i = 0; i < sums.length; i++) sums[i] = (a[i] ?? 0) + (b[i] ?? 0);
  return sums;
}
