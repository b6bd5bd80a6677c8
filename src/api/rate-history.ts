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

export class RateHistory {
  readonly columns: number;
  /** Oldest first. */
  readonly #points: HistoryPoint[] = [];
  #nextNumber = 0;
  #totalSpanMs = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  get points(): readonly HistoryPoint[] {
    return this.#points;
  }

  /** Number of the point that would hold all counts of a row that is followed from the next add() on. */
  get firstWhole(): number {
    return this.#nextNumber;
  }

  /** Numbers that are kept now. */
  get valueCount(): number {
    return this.#points.reduce((sum, { values }) => sum + values.length, 0);
  }

  /** The counts of one refresh. values: copied. spanMs: since the one before. */
  add(endsMs: number, spanMs: number, values: Float64Array): void {
    const last = this.#points.at(-1);
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

  clear(): void {
    this.#points.length = 0;
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
