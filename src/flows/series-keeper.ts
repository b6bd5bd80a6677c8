// SPDX-License-Identifier: Apache-2.0
// Starts, feeds and ends series, and keeps the books in step: here a count enters a series and its
// interface's total together, and leaves the series for its reason whole.

import type { FlowRows } from '../abi/records.js';
import { FLOW_ROW_WORDS } from '../abi/records.js';
import { interfaceIdOf, kindOf } from '../abi/row-key.js';
import { Books } from './books.js';
import { FlowTable, type FlowTableOptions } from './flow-table.js';
import type { KeyHash } from './key-hash.js';
import type { RenderLabels } from './label-arena.js';
import type { Newcomers } from './newcomers.js';
import type { RecentBytes } from './recent-bytes.js';
import type { SeriesView } from './views.js';

/** Why a series ended: its flow was idle, or a bigger flow took its place. */
export type SeriesEndReason = 'expired' | 'max_series';

/**
 * Called just before a series ends: all columns of `series` are still whole, and are so
 * during the call only (copy the labels to send a stale marker later). Must not throw.
 */
export type OnSeriesEnd = (table: SeriesView, series: number, reason: SeriesEndReason) => void;

export interface SeriesKeeperParts {
  readonly hash: KeyHash;
  readonly renderLabels: RenderLabels;
  readonly recent: RecentBytes;
}

export class SeriesKeeper {
  readonly table: FlowTable;
  readonly books = new Books();
  /** Series that ended since the last beginInterval(). */
  ended: Record<SeriesEndReason, number> = { expired: 0, max_series: 0 };
  onSeriesEnd: OnSeriesEnd | undefined;

  readonly #renderLabels: RenderLabels;
  readonly #recent: RecentBytes;

  constructor(options: FlowTableOptions, parts: SeriesKeeperParts) {
    this.table = new FlowTable(options, parts);
    this.#renderLabels = parts.renderLabels;
    this.#recent = parts.recent;
  }

  beginInterval(): void {
    this.table.intervalPackets.fill(0);
    this.table.intervalBytes.fill(0);
    this.ended = { expired: 0, max_series: 0 };
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
    this.books.addCarried(table.ledger[series] ?? 0, packets, bytes);
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
    this.#addInterval(series);
  }

  /** Frees a series; what it showed goes to the reason. */
  end(series: number, reason: SeriesEndReason): void {
    const table = this.table;
    this.onSeriesEnd?.(table, series, reason);
    const packets = table.totalPackets[series] ?? 0;
    const bytes = table.totalBytes[series] ?? 0;
    this.books.addOther(table.ledger[series] ?? 0, reason, packets, bytes);
    table.remove(series);
    this.ended[reason]++;
  }
}
