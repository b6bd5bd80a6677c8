// SPDX-License-Identifier: Apache-2.0
// Starts, feeds and ends series, and keeps the books in step: here a count enters a series and its
// interface's total together, is pending while the series is held at 0, and leaves it for its reason whole.

import type { FlowRows } from '../abi/records.js';
import { FLOW_ROW_WORDS } from '../abi/records.js';
import { interfaceIdOf, kindOf } from '../abi/row-key.js';
import type { Seen } from './audience.js';
import { Books } from './books.js';
import { FlowTable, type FlowTableOptions, NOT_HELD } from './flow-table.js';
import type { KeyHash } from './key-hash.js';
import type { RenderLabels } from './label-arena.js';
import type { Newcomers } from './newcomers.js';
import type { RecentBytes } from './recent-bytes.js';
import { NONE_ENDED, type SeriesEndReason, type SeriesView } from './views.js';

/**
 * Called just before a series ends: all columns of `series` are still whole, and are so
 * during the call only (copy the labels to send a stale marker later). Must not throw.
 */
export type OnSeriesEnd = (table: SeriesView, series: number, reason: SeriesEndReason) => void;

export interface SeriesKeeperOptions extends FlowTableOptions {
  /** Whether a new series shows 0 until it is released. */
  readonly zeroFirst: boolean;
  /** So long at most a series shows 0, and one that is to end waits for those who scrape. */
  readonly holdMaxMs: number;
  /** A series idle for longer ends. */
  readonly idleLimitMs: number;
}

export interface SeriesKeeperParts {
  readonly hash: KeyHash;
  readonly renderLabels: RenderLabels;
  readonly recent: RecentBytes;
}

/** A series as the former process left it, when the clock of table.lastSeenMs begins anew at 0. */
export interface FormerSeries {
  readonly packets: number;
  readonly bytes: number;
  /** Number of its ledger here. */
  readonly ledger: number;
  readonly startedMs: number;
  readonly idleMs: number;
  readonly recentBytes: number;
  /** NOT_HELD where it showed what it had counted. */
  readonly holdLeftMs: number;
}

export class SeriesKeeper {
  readonly table: FlowTable;
  readonly books = new Books();
  /** Series that ended since the last beginInterval(). */
  ended: Record<SeriesEndReason, number> = { ...NONE_ENDED };
  onSeriesEnd: OnSeriesEnd | undefined;

  #options: SeriesKeeperOptions;
  #renderLabels: RenderLabels;
  #recent: RecentBytes;
  /** Number of the refresh that is under way. */
  #refresh = 0;

  constructor(options: SeriesKeeperOptions, parts: SeriesKeeperParts) {
    this.#options = options;
    this.table = new FlowTable(options, parts);
    this.#renderLabels = parts.renderLabels;
    this.#recent = parts.recent;
  }

  /** Goes by these from now on; labels of another kind come only into an empty table. */
  reconfigure(options: SeriesKeeperOptions, parts: Omit<SeriesKeeperParts, 'hash'>): void {
    this.#options = options;
    this.table.reconfigure(options);
    this.#renderLabels = parts.renderLabels;
    this.#recent = parts.recent;
  }

  /** refresh: its number, which answers to scrapers tell. */
  beginInterval(refresh: number): void {
    this.#refresh = refresh;
    this.table.intervalPackets.fill(0);
    this.table.intervalBytes.fill(0);
    this.ended = { ...NONE_ENDED };
  }

  /** The interval brought something for this series; once an interval. `nowMs`: table.lastSeenMs. */
  settle(series: number, nowMs: number): void {
    const table = this.table;
    const idleMs = nowMs - (table.lastSeenMs[series] ?? 0);
    const recentBytes = this.#recent.after(table.recentBytes[series] ?? 0, idleMs);
    table.recentBytes[series] = recentBytes + (table.intervalBytes[series] ?? 0);
    table.lastSeenMs[series] = nowMs;
    this.#addInterval(series);
  }

  /** What the interval columns of a series say becomes part of its totals. */
  #addInterval(series: number): void {
    const table = this.table;
    const packets = table.intervalPackets[series] ?? 0;
    const bytes = table.intervalBytes[series] ?? 0;
    table.totalPackets[series] = (table.totalPackets[series] ?? 0) + packets;
    table.totalBytes[series] = (table.totalBytes[series] ?? 0) + bytes;
    const ledger = table.ledger[series] ?? 0;
    this.books.addCarried(ledger, packets, bytes);
    if (this.isHeld(series)) this.books.addPending(ledger, packets, bytes);
    else this.#show(series);
  }

  /** Whether the series shows 0, as it is new. */
  isHeld(series: number): boolean {
    return this.table.holdEndsMs[series] !== NOT_HELD;
  }

  /**
   * For each series once an interval, after settle(): lets it show what it counted, or ends it, where it is
   * time for that and those who scrape have seen what it showed.
   */
  look(series: number, hasNews: boolean, seen: Seen, nowMs: number): void {
    const { shownSince, holdEndsMs, lastSeenMs } = this.table;
    if (this.isHeld(series)) {
      const isSeen = (shownSince[series] ?? 0) <= seen.beginnings;
      if (isSeen || nowMs >= (holdEndsMs[series] ?? 0)) this.#release(series);
    }
    if (hasNews) return;
    const overdueMs = nowMs - (lastSeenMs[series] ?? 0) - this.#options.idleLimitMs;
    if (overdueMs <= 0) return;
    const isSeen = !this.isHeld(series) && (shownSince[series] ?? 0) <= seen.ends;
    const nobodyWaits = seen.ends === Number.POSITIVE_INFINITY || overdueMs > this.#options.holdMaxMs;
    if (isSeen || nobodyWaits) this.end(series, 'expired');
  }

  #release(series: number): void {
    this.#takeFromPending(series);
    this.table.holdEndsMs[series] = NOT_HELD;
    this.#show(series);
  }

  #show(series: number): void {
    const table = this.table;
    table.shownPackets[series] = table.totalPackets[series] ?? 0;
    table.shownBytes[series] = table.totalBytes[series] ?? 0;
    table.shownSince[series] = this.#refresh;
  }

  #takeFromPending(series: number): void {
    const { ledger, totalPackets, totalBytes } = this.table;
    this.books.addPending(ledger[series] ?? 0, -(totalPackets[series] ?? 0), -(totalBytes[series] ?? 0));
  }

  /**
   * Gives a series to the newcomer in row `row` of the drain; the table has room. `startedMs` is wall
   * clock, `seenMs` the clock of table.lastSeenMs.
   */
  start(drain: FlowRows, newcomers: Newcomers, row: number, startedMs: number, seenMs: number): void {
    const table = this.table;
    const wordOffset = row * FLOW_ROW_WORDS;
    const series = table.add(drain.keys, wordOffset, this.#renderLabels);
    const interfaceId = interfaceIdOf(drain.keys, wordOffset);
    table.ledger[series] = this.books.ledgerNumber(interfaceId, kindOf(drain.keys, wordOffset));
    table.startedMs[series] = startedMs;
    table.lastSeenMs[series] = seenMs;
    table.recentBytes[series] = newcomers.recentBytes[row] ?? 0;
    table.intervalPackets[series] = newcomers.packets[row] ?? 0;
    table.intervalBytes[series] = newcomers.bytes[row] ?? 0;
    table.totalPackets[series] = 0;
    table.totalBytes[series] = 0;
    table.shownPackets[series] = 0;
    table.shownBytes[series] = 0;
    table.shownSince[series] = this.#refresh;
    table.holdEndsMs[series] = this.#options.zeroFirst ? seenMs + this.#options.holdMaxMs : NOT_HELD;
    this.#addInterval(series);
  }

  /** Frees the last `count` series of the list, whose counts are to be in no sum: beginAnew() of the books follows. */
  drop(count: number): void {
    for (let i = 0; i < count; i++) {
      const series = this.table.inUse[this.table.count - 1];
      if (series === undefined) return;
      this.onSeriesEnd?.(this.table, series, 'expired');
      this.table.remove(series);
    }
  }

  /** A series of a former process goes on, in the first interval at the earliest; the table has room. */
  restore(
    key: Uint32Array,
    { packets, bytes, ledger, startedMs, idleMs, recentBytes, holdLeftMs }: FormerSeries,
  ): void {
    const table = this.table;
    const series = table.add(key, 0, this.#renderLabels);
    const isHeld = this.#options.zeroFirst && holdLeftMs !== NOT_HELD;
    table.ledger[series] = ledger;
    table.startedMs[series] = startedMs;
    table.lastSeenMs[series] = -idleMs;
    table.recentBytes[series] = recentBytes;
    table.intervalPackets[series] = 0;
    table.intervalBytes[series] = 0;
    table.totalPackets[series] = packets;
    table.totalBytes[series] = bytes;
    table.shownPackets[series] = isHeld ? 0 : packets;
    table.shownBytes[series] = isHeld ? 0 : bytes;
    // Who has seen what of the former process is not known here.
    table.shownSince[series] = this.#refresh + 1;
    table.holdEndsMs[series] = isHeld ? holdLeftMs : NOT_HELD;
    if (isHeld) this.books.addPending(ledger, packets, bytes);
  }

  /** Frees a series; what it counted goes to the reason. */
  end(series: number, reason: SeriesEndReason): void {
    const table = this.table;
    this.onSeriesEnd?.(table, series, reason);
    if (this.isHeld(series)) this.#takeFromPending(series);
    const packets = table.totalPackets[series] ?? 0;
    const bytes = table.totalBytes[series] ?? 0;
    this.books.addOther(table.ledger[series] ?? 0, reason, packets, bytes);
    table.remove(series);
    this.ended[reason]++;
  }
}
