// SPDX-License-Identifier: Apache-2.0
// Which flows get a series when there are more newcomers than room: the largest of late, and beyond the
// room only those that carried clearly more than the smallest holder, as far as the budget goes. It only
// judges; entering, ending and booking are the caller's.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import type { Pacer } from '../pacer.js';
import { AdmissionBudget } from './admission-budget.js';
import type { FlowTable } from './flow-table.js';
import { MinHeap } from './min-heap.js';
import type { Newcomers } from './newcomers.js';
import type { RecentBytes } from './recent-bytes.js';
import { WaitingFlows } from './waiting-flows.js';

/** Measured with 100,000 newcomers and as many holders. */
const CHALLENGER_NS = 100;
const HOLDER_NS = 50;

export interface SeriesContestOptions {
  readonly maxSeries: number;
  /** Series that may begin in the place of others in a minute. */
  readonly maxNewSeriesPerMinute: number;
  readonly halfLifeMs: number;
  readonly hashSeed: number;
}

export interface SeriesContestParts {
  readonly table: FlowTable;
  readonly newcomers: Newcomers;
  /** By the half-life of the options. */
  readonly recent: RecentBytes;
}

export class SeriesContest {
  readonly #table: FlowTable;
  readonly #newcomers: Newcomers;
  readonly #recent: RecentBytes;
  readonly #waiting: WaitingFlows;
  readonly #budget: AdmissionBudget;
  /** Newcomers, largest first: ranked by minus their recent bytes. */
  readonly #challengers = new MinHeap();
  /** Holders by what it takes to beat them, smallest first. */
  readonly #holders = new MinHeap();
  #room = 0;
  #allWin = false;
  #nowMs = 0;
  /** After next(): the series that the winner takes from its holder, -1 when there was room. */
  displaced = -1;

  constructor(options: SeriesContestOptions, parts: SeriesContestParts) {
    this.#table = parts.table;
    this.#newcomers = parts.newcomers;
    this.#recent = parts.recent;
    this.#waiting = new WaitingFlows(options);
    this.#budget = new AdmissionBudget(options.maxNewSeriesPerMinute);
  }

  /**
   * Fills newcomers.recentBytes.
   *
   * @param keys of the drain that the newcomers came with.
   * @param nowMs on the clock of table.lastSeenMs.
   */
  async begin(keys: Uint32Array, nowMs: number, pacer: Pacer): Promise<void> {
    const newcomers = this.#newcomers;
    const table = this.#table;
    this.#budget.passTime(nowMs - this.#nowMs);
    this.#waiting.moveTo(nowMs);
    this.#nowMs = nowMs;
    this.#room = table.maxSeries - table.count;
    this.#allWin = newcomers.count <= this.#room;
    this.#challengers.reset(newcomers.count);
    this.#holders.reset(table.count);
    await pacer.run(newcomers.count, CHALLENGER_NS, (from, to) => {
      for (let i = from; i < to; i++) this.#challenge(keys, newcomers.rows[i] ?? 0);
    });
    if (this.#allWin) return; // no order is needed
    await pacer.run(table.count, HOLDER_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const series = table.inUse[i] ?? 0;
        const idleMs = nowMs - (table.lastSeenMs[series] ?? 0);
        this.#holders.append(series, this.#recent.toBeat(table.recentBytes[series] ?? 0, idleMs));
      }
    });
    await this.#challengers.heapify(pacer);
    await this.#holders.heapify(pacer);
  }

  /** The newcomer (its row in the drain) that gets the next series; -1 when no other wins. */
  next(keys: Uint32Array): number {
    const challengers = this.#challengers;
    this.displaced = -1;
    if (challengers.length === 0) return -1;
    if (this.#allWin) return challengers.popUnordered();
    if (this.#room > 0) {
      this.#room--;
      return this.#popWinner(keys);
    }
    if (this.#budget.isSpent || !(-challengers.topRank() > this.#holders.topRank())) return -1;
    this.#budget.spendOne();
    this.displaced = this.#holders.pop();
    this.#rememberHolder(this.displaced);
    return this.#popWinner(keys);
  }

  /** Newcomers that next() has not given a series to (yet). */
  get leftCount(): number {
    return this.#challengers.length;
  }

  /** Number i of those, by its row in the drain, in no particular order. */
  leftAt(i: number): number {
    return this.#challengers.itemAt(i);
  }

  #challenge(keys: Uint32Array, row: number): void {
    const wordOffset = row * FLOW_ROW_WORDS;
    const bytes = this.#newcomers.bytes[row] ?? 0;
    // All are taken for losers at first: nearly all are, and this way their keys are read in order.
    const recentBytes = this.#allWin
      ? bytes + this.#waiting.take(keys, wordOffset)
      : this.#waiting.add(keys, wordOffset, bytes);
    this.#newcomers.recentBytes[row] = recentBytes;
    this.#challengers.append(row, -recentBytes);
  }

  #popWinner(keys: Uint32Array): number {
    const row = this.#challengers.pop();
    this.#waiting.take(keys, row * FLOW_ROW_WORDS);
    return row;
  }

  /** A flow whose series was taken may win another with what it carried before. */
  #rememberHolder(series: number): void {
    const table = this.#table;
    const idleMs = this.#nowMs - (table.lastSeenMs[series] ?? 0);
    const recentBytes = this.#recent.after(table.recentBytes[series] ?? 0, idleMs);
    this.#waiting.add(table.keys, series * FLOW_ROW_WORDS, recentBytes);
  }
}
