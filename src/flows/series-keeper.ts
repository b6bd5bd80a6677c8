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
 * Called just before a series gives up its row: all columns of `slot` are still whole, and are so
 * during the call only (copy the labels to send a stale marker later). Must not throw.
 */
export type OnSeriesEnd = (series: SeriesView, slot: number, reason: SeriesEndReason) => void;

export interface SeriesKeeperParts {
  readonly hash: KeyHash;
  readonly renderLabels: RenderLabels;
  readonly recent: RecentBytes;
  readonly onSeriesEnd?: OnSeriesEnd;
}

export class SeriesKeeper {
  readonly table: FlowTable;
  readonly books = new Books();
  /** Series that ended since the last beginInterval(). */
  ended: Record<SeriesEndReason, number> = { expired: 0, max_series: 0 };

  readonly #renderLabels: RenderLabels;
  readonly #recent: RecentBytes;
  readonly #onSeriesEnd: OnSeriesEnd | undefined;

  constructor(options: FlowTableOptions, parts: SeriesKeeperParts) {
    this.table = new FlowTable(options, parts);
    this.#renderLabels = parts.renderLabels;
    this.#recent = parts.recent;
    this.#onSeriesEnd = parts.onSeriesEnd;
  }

  beginInterval(): void {
    this.table.intervalPackets.fill(0);
    this.table.intervalBytes.fill(0);
    this.ended = { expired: 0, max_series: 0 };
  }

  /** The interval brought something for this series; once an interval. `nowMs`: table.lastSeenMs. */
  settle(slot: number, nowMs: number): void {
    const table = this.table;
    const idleMs = nowMs - (table.lastSeenMs[slot] ?? 0);
    const recentBytes = this.#recent.after(table.recentBytes[slot] ?? 0, idleMs);
    table.recentBytes[slot] = recentBytes + (table.intervalBytes[slot] ?? 0);
    table.lastSeenMs[slot] = nowMs;
    this.#addInterval(slot);
  }

  /** What the interval columns of a series say becomes part of its totals. */
  #addInterval(slot: number): void {
    const table = this.table;
    const packets = table.intervalPackets[slot] ?? 0;
    const bytes = table.intervalBytes[slot] ?? 0;
    table.totalPackets[slot] = (table.totalPackets[slot] ?? 0) + packets;
    table.totalBytes[slot] = (table.totalBytes[slot] ?? 0) + bytes;
    this.books.addCarried(table.ledger[slot] ?? 0, packets, bytes);
  }

  /**
   * Gives a series to the newcomer in row `row` of the drain; the table has room. `startedMs` is wall
   * clock, `seenMs` the clock of table.lastSeenMs.
   */
  start(drain: FlowRows, newcomers: Newcomers, row: number, startedMs: number, seenMs: number): void {
    const table = this.table;
    const wordOffset = row * FLOW_ROW_WORDS;
    const slot = table.add(drain.keys, wordOffset, this.#renderLabels);
    const interfaceId = interfaceIdOf(drain.keys, wordOffset);
    table.ledger[slot] = this.books.ledgerNumber(interfaceId, kindOf(drain.keys, wordOffset));
    table.startedMs[slot] = startedMs;
    table.lastSeenMs[slot] = seenMs;
    table.recentBytes[slot] = newcomers.recentBytes[row] ?? 0;
    table.intervalPackets[slot] = newcomers.packets[row] ?? 0;
    table.intervalBytes[slot] = newcomers.bytes[row] ?? 0;
    table.totalPackets[slot] = 0;
    table.totalBytes[slot] = 0;
    this.#addInterval(slot);
  }

  /** Frees the row of a series; what it showed goes to the reason. */
  end(slot: number, reason: SeriesEndReason): void {
    const table = this.table;
    this.#onSeriesEnd?.(table, slot, reason);
    const packets = table.totalPackets[slot] ?? 0;
    const bytes = table.totalBytes[slot] ?? 0;
    this.books.addOther(table.ledger[slot] ?? 0, reason, packets, bytes);
    table.remove(slot);
    this.ended[reason]++;
  }
}
