// SPDX-License-Identifier: Apache-2.0
// How many different keys came, and when: a sketch for each stretch of the watch. Of its halves for churn, so
// stretches double when there are many; of the last minutes for what would have a series at its end.

import { HyperLogLog } from '../hyper-log-log.js';

/** Stretches of the whole watch; even. */
const MOST_STRETCHES = 16;
/** Of the idle timeout: as many, and one more that is partly older. */
const RECENT_STRETCHES = 16;

export class DistinctTimeline {
  readonly #stretches: HyperLogLog[] = [];
  /** Each whole stretch has as many intervals. */
  #stretchIntervals = 1;
  #recent: HyperLogLog[] = [];
  readonly #recentIntervals: number;
  #intervals = 0;
  #isOpen = false;

  /** idleIntervals: after so many a key that does not come again has no series. */
  constructor(idleIntervals: number) {
    this.#recentIntervals = Math.max(1, Math.ceil(idleIntervals / RECENT_STRETCHES));
  }

  /** Between beginInterval() and endInterval(). */
  add(hashHi: number, hashLo: number): void {
    this.#stretches.at(-1)?.add(hashHi, hashLo);
    this.#recent.at(-1)?.add(hashHi, hashLo);
  }

  beginInterval(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    if (this.#intervals % this.#stretchIntervals === 0) {
      if (this.#stretches.length === MOST_STRETCHES) this.#joinStretches();
      this.#stretches.push(new HyperLogLog());
    }
    if (this.#intervals % this.#recentIntervals !== 0) return;
    const oldest = this.#recent.length > RECENT_STRETCHES ? this.#recent.shift() : undefined;
    oldest?.clear();
    this.#recent.push(oldest ?? new HyperLogLog());
  }

  endInterval(): void {
    this.#isOpen = false;
    this.#intervals++;
  }

  get intervals(): number {
    return this.#intervals;
  }

  /** Of the whole watch. */
  distinct(): number {
    return distinctOf(this.#stretches);
  }

  /** Within the idle timeout before its end; with what came up to a sixteenth earlier. */
  distinctRecently(): number {
    return distinctOf(this.#recent);
  }

  /** Before its middle, and how many intervals that were; about half of them. */
  firstHalf(): { readonly distinct: number; readonly intervals: number } {
    const stretches = Math.round(this.#intervals / this.#stretchIntervals / 2);
    const distinct = distinctOf(this.#stretches.slice(0, stretches));
    return { distinct, intervals: Math.min(this.#intervals, stretches * this.#stretchIntervals) };
  }

  #joinStretches(): void {
    const joined: HyperLogLog[] = [];
    for (let i = 0; i < this.#stretches.length; i += 2) {
      const [first, second] = this.#stretches.slice(i, i + 2);
      if (first === undefined || second === undefined) throw new RangeError('stretches come in pairs');
      first.merge(second);
      joined.push(first);
    }
    this.#stretches.splice(0, this.#stretches.length, ...joined);
    this.#stretchIntervals *= 2;
  }
}

function distinctOf(sketches: readonly HyperLogLog[]): number {
  const all = new HyperLogLog();
  for (const sketch of sketches) all.merge(sketch);
  return all.estimate();
}
