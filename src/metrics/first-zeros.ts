// SPDX-License-Identifier: Apache-2.0
// The counters of RoCE pairs stand at 0 for those who scrape until they have seen that 0, as those of flows
// do (src/flows/series-keeper.ts). Which counters a pair has shows with its packets, so they are met here,
// as they are shown, and each waits by itself. Which show their values from now on is decided once a refresh: what a
// state says of a refresh holds for all that is shown of it.

import type { Audience, Seen } from '../flows/audience.js';
import type { RocePairView } from '../roce/views.js';

export interface FirstZerosOptions {
  readonly zeroFirst: boolean;
  /** So long at most a counter shows 0, and a pair waits with its end. */
  readonly holdMaxMs: number;
}

/** A counter that shows 0. */
interface Held {
  /** Number of the refresh that showed it first. */
  readonly since: number;
  readonly sinceMs: number;
}

/** What is known of a pair; it goes with the pair. */
interface Shown {
  /** By name of the counter; undefined once it shows its value. */
  readonly parts: Map<string, Held | undefined>;
  held: number;
  /** Number of the last refresh in which one began to show its value. */
  since: number;
}

export class FirstZeros {
  readonly #options: FirstZerosOptions;
  readonly #audience: Audience;
  readonly #nowMs: () => number;
  readonly #pairs = new WeakMap<RocePairView, Shown>();
  #refresh = 0;
  /** As of the last refresh. */
  #seen: Seen;
  #refreshedMs = 0;
  /** Of all counters that are met first in this rendering: a flood of pairs has tens of thousands. */
  #met: Held = { since: 0, sinceMs: 0 };

  constructor(options: FirstZerosOptions, parts: { readonly audience: Audience; nowMs(): number }) {
    this.#options = options;
    this.#audience = parts.audience;
    this.#nowMs = parts.nowMs;
    this.#seen = parts.audience.seen();
  }

  /** Before all that is shown of a refresh. */
  begin(refresh: number): void {
    this.#refresh = refresh;
    this.#met = { since: refresh, sinceMs: this.#nowMs() };
  }

  /** The counter of the pair that goes by `part` has this value: what it shows. */
  show(pair: RocePairView, part: string, value: number): number {
    if (!this.#options.zeroFirst) return value;
    let shown = this.#pairs.get(pair);
    if (shown === undefined) {
      shown = { parts: new Map(), held: 0, since: 0 };
      this.#pairs.set(pair, shown);
    }
    const held = shown.parts.get(part);
    if (held === undefined) {
      if (shown.parts.has(part)) return value;
      shown.parts.set(part, this.#met);
      shown.held++;
      return 0;
    }
    if (this.#isHeld(held)) return 0;
    shown.parts.set(part, undefined);
    shown.held--;
    shown.since = this.#refresh;
    return value;
  }

  #isHeld(held: Held): boolean {
    return held.since > this.#seen.beginnings && this.#refreshedMs - held.sinceMs < this.#options.holdMaxMs;
  }

  /** Before the mayEnd() of a refresh, of which there may be a hundred thousand, and all that is shown of it. */
  beginRefresh(): void {
    this.#seen = this.#audience.seen();
    this.#refreshedMs = this.#nowMs();
  }

  /** Names of the pair's counters that show their values in this refresh, if they are shown at all. */
  shownParts(pair: RocePairView): string[] {
    const parts = this.#pairs.get(pair)?.parts ?? new Map<string, Held | undefined>();
    return [...parts].filter(([, held]) => held === undefined || !this.#isHeld(held)).map(([part]) => part);
  }

  /** How many counters the pair has, where all of them show their values; else undefined. */
  settledParts(pair: RocePairView): number | undefined {
    const shown = this.#pairs.get(pair);
    return shown?.held === 0 ? shown.parts.size : undefined;
  }

  /** The pair goes on from a former process, where these showed their values. */
  restore(pair: RocePairView, parts: readonly string[]): void {
    if (!this.#options.zeroFirst) return;
    this.#pairs.set(pair, { parts: new Map(parts.map((part) => [part, undefined])), held: 0, since: 1 });
  }

  /** Whether all counters show their values at once. */
  get showsAll(): boolean {
    return !this.#options.zeroFirst;
  }

  /** Whether those who scrape have seen the last values of the pair, which is idle for so much too long. */
  mayEnd(pair: RocePairView, changedIn: number, overdueMs: number): boolean {
    const { ends } = this.#seen;
    if (ends === Number.POSITIVE_INFINITY || overdueMs > this.#options.holdMaxMs) return true;
    const shown = this.#pairs.get(pair);
    return (shown?.held ?? 0) === 0 && Math.max(changedIn, shown?.since ?? 0) <= ends;
  }
}
