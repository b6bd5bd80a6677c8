// SPDX-License-Identifier: Apache-2.0
// The largest rows of a table that comes and goes, each with its counts over the last ten minutes. A row has a
// place as long as it is followed; who is in the place before it is told by the number of its first whole point.

import { RateHistory, type TimedRefresh } from './rate-history.js';

/** Rows that are followed at a time. */
export const FOLLOWED_MAX = 100;
/** One that is followed gives its place to one that is half as large again: history needs rows that stay. */
const STAY_FACTOR = 1.5;
/** What remains of a row's size for the next refresh, in which it may be idle. */
const SIZE_KEPT = 0.8;

export class FollowedRows<Key> {
  readonly history: RateHistory;
  readonly #placeOf = new Map<Key, number>();
  readonly #keys = new Array<Key | undefined>(FOLLOWED_MAX).fill(undefined);
  readonly #firstPoint = new Float64Array(FOLLOWED_MAX);
  readonly #sizes = new Float64Array(FOLLOWED_MAX);
  readonly #values: Float64Array;
  #sinceMs: number | undefined;

  /** columns: numbers of a row. */
  constructor(columns: number) {
    this.history = new RateHistory(columns);
    this.#values = new Float64Array(FOLLOWED_MAX * columns);
  }

  /** Wall clock, when the first point began; undefined before. */
  get sinceMs(): number | undefined {
    return this.#sinceMs;
  }

  /** Rows that are followed now; FOLLOWED_MAX at most. */
  get rows(): readonly Key[] {
    return [...this.#placeOf.keys()];
  }

  /** By which a row competes: `size` is what it carried in this refresh. */
  rankOf(key: Key, size: number): number {
    const place = this.#placeOf.get(key);
    if (place === undefined) return size;
    return STAY_FACTOR * Math.max(size, this.#sizes[place] ?? 0);
  }

  /**
   * A refresh is over. chosen: the FOLLOWED_MAX largest by rankOf(). write: a row's counts of this refresh into
   * its columns, the first of which is its size.
   */
  add(
    chosen: readonly Key[],
    refresh: TimedRefresh,
    write: (key: Key, values: Float64Array, at: number) => void,
  ): void {
    this.#follow(chosen);
    const { columns } = this.history;
    const values = this.#values.fill(0);
    for (const [key, place] of this.#placeOf) {
      write(key, values, place * columns);
      const size = values[place * columns] ?? 0;
      this.#sizes[place] = Math.max(size, SIZE_KEPT * (this.#sizes[place] ?? 0));
    }
    this.history.note(refresh, values);
    if (refresh.time === 'whole') this.#sinceMs ??= refresh.endsMs - refresh.spanMs;
  }

  /** The row is no more; its place is free. */
  end(key: Key): void {
    const place = this.#placeOf.get(key);
    if (place === undefined) return;
    this.#placeOf.delete(key);
    this.#keys[place] = undefined;
  }

  /** Follows nothing any more, and gives the memory back. */
  clear(): void {
    this.#placeOf.clear();
    this.#keys.fill(undefined);
    this.history.clear();
    this.#sinceMs = undefined;
  }

  /** As of RateHistory.sumWindow(); 0 where it is not followed. */
  sumWindow(key: Key, askedMs: number, sums: Float64Array): number {
    const place = this.#placeOf.get(key);
    if (place === undefined) return 0;
    return this.history.sumWindow(askedMs, place, this.#firstPoint[place] ?? 0, sums);
  }

  /** A column's values point by point, undefined for what was before the row; undefined where it is not followed. */
  columnOf(key: Key, column: number): (number | undefined)[] | undefined {
    const place = this.#placeOf.get(key);
    if (place === undefined) return undefined;
    const first = this.#firstPoint[place] ?? 0;
    const { columns, points } = this.history;
    return points.map(({ number, values }) =>
      number < first ? undefined : (values[place * columns + column] ?? 0),
    );
  }

  #follow(chosen: readonly Key[]): void {
    const strangers = chosen.filter((key) => !this.#placeOf.has(key));
    if (strangers.length === 0) return;
    const staying = new Set(chosen);
    let place = 0;
    for (const key of strangers) {
      while (place < FOLLOWED_MAX && this.#isKept(place, staying)) place++;
      if (place === FOLLOWED_MAX) return;
      const before = this.#keys[place];
      if (before !== undefined) this.#placeOf.delete(before);
      this.#keys[place] = key;
      this.#placeOf.set(key, place);
      this.#firstPoint[place] = this.history.firstWhole;
      this.#sizes[place] = 0;
    }
  }

  #isKept(place: number, staying: ReadonlySet<Key>): boolean {
    const key = this.#keys[place];
    return key !== undefined && staying.has(key);
  }
}
