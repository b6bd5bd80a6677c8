// SPDX-License-Identifier: Apache-2.0
// Which flows get a series when there are more newcomers than room: the largest of late, and beyond the
// room, of places or of bytes, only those that carried clearly more than the smallest holders. It only
// judges; entering, ending and booking are the caller's.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import type { Pacer } from '../pacer.js';
import { AdmissionBudget } from './admission-budget.js';
import type { Seen } from './audience.js';
import type { ExpositionBudget } from './exposition-budget.js';
import type { FlowTable } from './flow-table.js';
import type { RenderLabels } from './label-arena.js';
import { MinHeap } from './min-heap.js';
import type { Newcomers } from './newcomers.js';
import type { RecentBytes } from './recent-bytes.js';
import { WaitingFlows } from './waiting-flows.js';

/** Measured with 100,000 newcomers and as many holders. */
const CHALLENGER_NS = 100;
const HOLDER_NS = 50;

/**
 * A holder whose last value everybody has seen gives way before one that has counted more since, even where it
 * is larger by up to this factor: what nobody sees any more is missing from rates. It is that of packets'
 * sizes, as nearly all of the smallest carried one; elephants that pause are far beyond.
 */
const SEEN_FIRST_FACTOR = 16;
/** Holders that one newcomer may displace: labels of the smallest are a fifth as long as those of the largest. */
const MOST_DISPLACED = 8;
const NONE: readonly number[] = [];

export interface ContestOptions {
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
  /** What series take of it, the table knows. */
  readonly budget: ExpositionBudget;
  readonly renderLabels: RenderLabels;
}

export class SeriesContest {
  readonly #table: FlowTable;
  readonly #newcomers: Newcomers;
  readonly #recent: RecentBytes;
  readonly #waiting: WaitingFlows;
  readonly #admissions: AdmissionBudget;
  readonly #budget: ExpositionBudget;
  readonly #renderLabels: RenderLabels;
  /** Newcomers, largest first: ranked by minus their recent bytes. */
  readonly #challengers = new MinHeap();
  /** Holders of whose counts those who scrape have seen all, by what it takes to beat them, smallest first. */
  readonly #seenHolders = new MinHeap();
  /** The others. */
  readonly #unseenHolders = new MinHeap();
  #allWin = false;
  #nowMs = 0;
  /** After next(): the series that the winner takes from their holders; none where there was room. */
  displaced: readonly number[] = NONE;

  constructor(options: ContestOptions, parts: SeriesContestParts) {
    this.#table = parts.table;
    this.#newcomers = parts.newcomers;
    this.#recent = parts.recent;
    this.#waiting = new WaitingFlows(options);
    this.#admissions = new AdmissionBudget(options.maxNewSeriesPerMinute);
    this.#budget = parts.budget;
    this.#renderLabels = parts.renderLabels;
  }

  /**
   * Fills newcomers.recentBytes.
   *
   * @param keys of the drain that the newcomers came with.
   * @param nowMs on the clock of table.lastSeenMs.
   * @param seen what those who scrape have seen.
   */
  async begin(keys: Uint32Array, nowMs: number, seen: Seen, pacer: Pacer): Promise<void> {
    const newcomers = this.#newcomers;
    this.#moveTo(nowMs);
    this.#allWin = newcomers.count <= this.#sureRoom();
    this.#challengers.reset(newcomers.count);
    await pacer.run(newcomers.count, CHALLENGER_NS, (from, to) => {
      for (let i = from; i < to; i++) this.#challenge(keys, newcomers.rows[i] ?? 0);
    });
    if (this.#allWin) return; // no order is needed
    await this.rankHolders(nowMs, seen, pacer);
    await this.#challengers.heapify(pacer);
  }

  /** Puts the holders in order, for popSmallest(). */
  async rankHolders(nowMs: number, seen: Seen, pacer: Pacer): Promise<void> {
    const table = this.#table;
    this.#moveTo(nowMs);
    this.#seenHolders.reset(table.count);
    this.#unseenHolders.reset(table.count);
    await pacer.run(table.count, HOLDER_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const series = table.inUse[i] ?? 0;
        const idleMs = nowMs - (table.lastSeenMs[series] ?? 0);
        const holders = table.hasUnseenCounts(series, seen.ends) ? this.#unseenHolders : this.#seenHolders;
        holders.append(series, this.#recent.toBeat(table.recentBytes[series] ?? 0, idleMs));
      }
    });
    await this.#seenHolders.heapify(pacer);
    await this.#unseenHolders.heapify(pacer);
  }

  /** Where the holder stands that is the next to give way. */
  get #weakest(): MinHeap {
    const [seen, unseen] = [this.#seenHolders, this.#unseenHolders];
    return unseen.length === 0 || seen.topRank() <= SEEN_FIRST_FACTOR * unseen.topRank() ? seen : unseen;
  }

  /** The holder that is beaten most easily, which is to end; what it carried is remembered. */
  popSmallest(): number {
    const series = this.#weakest.pop();
    this.#rememberHolder(series);
    return series;
  }

  /** The newcomer (its row in the drain) that gets the next series; -1 when no other wins. */
  next(keys: Uint32Array): number {
    const challengers = this.#challengers;
    const table = this.#table;
    this.displaced = NONE;
    if (challengers.length === 0) return -1;
    if (this.#allWin) return challengers.popUnordered();
    const hasPlace = table.count < table.maxSeries;
    const freeBytes = this.#budget.flowLimitBytes - table.expositionBytes;
    // Labels are measured only where it matters.
    const fits = freeBytes >= table.seriesBytes(table.labels.maxLabelBytes);
    if (hasPlace && fits) return this.#popWinner(keys);
    const neededBytes = fits ? 0 : this.#bytesOf(keys, challengers.itemAt(0)) - freeBytes;
    if (hasPlace && neededBytes <= 0) return this.#popWinner(keys);
    this.#budget.bound.note(hasPlace ? 'max_exposition_bytes' : 'max_series');
    return this.#displace(neededBytes) ? this.#popWinner(keys) : -1;
  }

  /**
   * Fills `displaced`, with one holder at least, so that so many more bytes are free; false where the largest
   * newcomer may not do that.
   */
  #displace(neededBytes: number): boolean {
    const table = this.#table;
    const rank = -this.#challengers.topRank();
    if (!(rank > this.#weakest.topRank())) return false;
    if (this.#admissions.isSpent) {
      this.#budget.bound.note('max_new_series_per_minute');
      return false;
    }
    const displaced: number[] = [];
    for (let freed = 0; freed < neededBytes || displaced.length === 0; ) {
      const holders = this.#weakest;
      if (displaced.length === MOST_DISPLACED || !(rank > holders.topRank())) {
        this.#budget.bound.note('max_exposition_bytes');
        return false; // no other newcomer is larger, so the contest is over
      }
      const series = holders.pop();
      displaced.push(series);
      freed += table.seriesBytes(table.labelLength[series] ?? 0);
    }
    this.#admissions.spendOne();
    for (const series of displaced) this.#rememberHolder(series);
    this.displaced = displaced;
    return true;
  }

  #bytesOf(keys: Uint32Array, row: number): number {
    const { labels } = this.#table;
    return this.#table.seriesBytes(labels.measure(this.#renderLabels, keys, row * FLOW_ROW_WORDS));
  }

  /** Newcomers that get a series for sure, whatever their labels. */
  #sureRoom(): number {
    const table = this.#table;
    const mostBytes = table.seriesBytes(table.labels.maxLabelBytes);
    const freeBytes = this.#budget.flowLimitBytes - table.expositionBytes;
    const places = table.maxSeries - table.count;
    return mostBytes === 0 ? places : Math.min(places, Math.floor(freeBytes / mostBytes));
  }

  /** Series that may begin where nobody ends one. */
  get mostWinners(): number {
    const { length } = this.#challengers;
    const leastBytes = this.#table.seriesBytes(0);
    const freeBytes = Math.max(0, this.#budget.flowLimitBytes - this.#table.expositionBytes);
    return leastBytes === 0 ? length : Math.min(length, Math.ceil(freeBytes / leastBytes) + 1);
  }

  /** Newcomers that next() has not given a series to (yet). */
  get leftCount(): number {
    return this.#challengers.length;
  }

  /** Number i of those, by its row in the drain, in no particular order. */
  leftAt(i: number): number {
    return this.#challengers.itemAt(i);
  }

  #moveTo(nowMs: number): void {
    this.#admissions.passTime(nowMs - this.#nowMs);
    this.#waiting.moveTo(nowMs);
    this.#nowMs = nowMs;
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
