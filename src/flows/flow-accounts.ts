// SPDX-License-Identifier: Apache-2.0
// One refresh: the counts of one drain become series and books. Every packet that comes in is
// booked twice in the same breath, once as carried by its interface, once in a series or under the
// reason why it has none; so the books balance after each step, even if a part fails between two.

import { type Framing, hasFlow, KINDS_OF_FRAMING } from '../abi/kinds.js';
import type { FlowRows, OverflowRow } from '../abi/records.js';
import { Pacer } from '../pacer.js';
import type { StateColumns, StateProblem } from '../state-columns.js';
import {
  type AccountsExport,
  type AccountsImport,
  type AccountsTaken,
  exportAccounts,
  importAccounts,
} from './accounts-state.js';
import { Admission } from './admission.js';
import { type Audience, NO_AUDIENCE, type Seen } from './audience.js';
import type { ExpositionBudget, LineCost } from './exposition-budget.js';
import type { FlowFilter } from './filter.js';
import { createKeyHash, type KeyHash } from './key-hash.js';
import type { MergeKey } from './key-merger.js';
import type { RenderLabels } from './label-arena.js';
import type { NetworkBytes } from './network-bytes.js';
import { Newcomers } from './newcomers.js';
import { RecentBytes } from './recent-bytes.js';
import { RowSorter } from './row-sorter.js';
import { type OnSeriesEnd, SeriesKeeper } from './series-keeper.js';
import type { BooksView, IntervalSummary, SeriesView } from './views.js';

export interface FlowAccountsOptions {
  /** Flows that may hold a series at the same time. */
  readonly maxSeries: number;
  /** Series that may begin in a minute in the place of others, when there is no room. */
  readonly maxNewSeriesPerMinute: number;
  /** A series idle for longer ends; never less than two intervals. */
  readonly idleTimeoutMs: number;
  readonly intervalMs: number;
  /** zero_first: a new series shows 0 until those who scrape have seen it, so that they can subtract. */
  readonly newSeries: 'zero_first' | 'at_value';
  /** So long at most a new series shows 0, and one that ends waits for those who scrape. */
  readonly holdMaxMs: number;
  /** 32 random bits, new in every process: the table cannot be aimed at. */
  readonly hashSeed: number;
  /** The most that renderLabels writes. */
  readonly maxLabelBytes: number;
  /** Of a series in an exposition, beside its labels in each line; it counts against the budget of the parts. */
  readonly lineCost?: LineCost;
}

export interface FlowAccountsParts {
  readonly keep: FlowFilter;
  readonly renderLabels: RenderLabels;
  /** Makes keys of rows equal that labels do not tell apart; nothing unless told. */
  readonly mergeKey?: MergeKey | undefined;
  /** Adds up what networks carry, where keys are merged. */
  readonly networkBytes?: NetworkBytes | undefined;
  /** Lets the event loop turn once (setImmediate). */
  yieldToLoop(): Promise<void>;
  /** Whom series wait for; nobody unless told. */
  readonly audience?: Audience;
  /** Of the bytes of an exposition, which bound series too; they may take any number unless told. */
  readonly budget?: ExpositionBudget;
  /** Stands in for the hash keyed by hashSeed. */
  readonly hash?: KeyHash;
}

export interface FlowAccounts {
  /** Whole between two refreshes; not to be read while apply() is pending. */
  readonly series: SeriesView;
  readonly books: BooksView;
  /** Opens the books of an interface, so that what comes in on it counts up from a 0 that was shown. */
  openInterface(interfaceId: number, framing: Framing): void;
  /** Who is called when a series ends; one, and before the first apply(). */
  onSeriesEnd(listener: OnSeriesEnd): void;
  /**
   * Adds up one drain. `rows` and `overflow` must stay as they are until it settles. When a part
   * throws, it rejects, and what was not booked by then is missing from all sums alike.
   *
   * @param nowMs wall clock, milliseconds. It may jump: backwards counts as standing still;
   *   forwards can at worst end series that were idle in this very interval, and makes what all flows
   *   carried before count for less.
   * @param refresh number of this refresh, as the audience tells it; unless told, one more than before.
   * @throws Error (rejects) when the former call is still pending.
   */
  apply(
    rows: FlowRows,
    overflow: readonly OverflowRow[],
    nowMs: number,
    refresh?: number,
  ): Promise<IntervalSummary>;
  /**
   * Renders the labels of all series anew, after what they show of this host has changed; counts stay as
   * they are. When a part throws, it rejects, and all series keep the labels they had.
   *
   * @throws Error (rejects) when an apply() is pending.
   */
  relabel(): Promise<void>;
  /**
   * After what else is shown has grown: ends the smallest series until an exposition is within its budget.
   * Resolves with their number.
   *
   * @throws Error (rejects) when an apply() is pending.
   */
  fit(): Promise<number>;
  /**
   * All that goes on in the next process. The columns are copies.
   *
   * @throws Error (rejects) when an apply() is pending.
   */
  exportState(options: AccountsExport): Promise<StateColumns>;
  /** Goes on from what a former process exported, or changes nothing. Once, before the first apply(). */
  importState(columns: StateColumns, options: AccountsImport): Promise<AccountsTaken | StateProblem>;
}

/** In the longest silence that a series outlasts, what its flow carried before is halved so often. */
const HALF_LIVES = 4;

/** Prices of a step for the pacer, nanoseconds, measured with 100,000 flows and warm code. */
const ROW_NS = 100;
const SETTLE_NS = 20;

export function createFlowAccounts(options: FlowAccountsOptions, parts: FlowAccountsParts): FlowAccounts {
  return new Accounts(options, parts);
}

class Accounts implements FlowAccounts {
  readonly #hash: KeyHash;
  readonly #keeper: SeriesKeeper;
  readonly #newcomers = new Newcomers();
  readonly #sorter: RowSorter;
  readonly #networkBytes: NetworkBytes | undefined;
  readonly #admission: Admission;
  readonly #pacer: Pacer;
  readonly #renderLabels: RenderLabels;
  readonly #parts: FlowAccountsParts;
  readonly #audience: Audience;
  readonly #budget: ExpositionBudget | undefined;
  readonly #intervalMs: number;

  #pending = false;
  #refresh = 0;
  #refreshedMs: number | undefined;
  /** Sum of the clock's steps forward: what idle times are measured by. */
  #elapsedMs = 0;
  /** Holders that this interval brought something for. */
  #seen = 0;

  constructor(options: FlowAccountsOptions, parts: FlowAccountsParts) {
    this.#hash = parts.hash ?? createKeyHash(options.hashSeed);
    const idleLimitMs = Math.max(options.idleTimeoutMs, 2 * options.intervalMs);
    const halfLifeMs = idleLimitMs / HALF_LIVES;
    const recent = new RecentBytes(halfLifeMs);
    const zeroFirst = options.newSeries === 'zero_first';
    const keeping = { ...options, idleLimitMs, zeroFirst };
    this.#keeper = new SeriesKeeper(keeping, { ...parts, recent, hash: this.#hash });
    this.#networkBytes = parts.networkBytes;
    this.#sorter = new RowSorter({
      ...parts,
      hash: this.#hash,
      keeper: this.#keeper,
      newcomers: this.#newcomers,
    });
    this.#pacer = new Pacer(parts.yieldToLoop);
    this.#budget = parts.budget;
    const admitting = { keeper: this.#keeper, newcomers: this.#newcomers, recent, pacer: this.#pacer };
    this.#admission = new Admission({ ...options, halfLifeMs }, { ...parts, ...admitting });
    this.#renderLabels = parts.renderLabels;
    this.#parts = parts;
    this.#audience = parts.audience ?? NO_AUDIENCE;
    this.#intervalMs = options.intervalMs;
  }

  get series(): SeriesView {
    return this.#keeper.table;
  }

  get books(): BooksView {
    return this.#keeper.books;
  }

  openInterface(interfaceId: number, framing: Framing): void {
    for (const kind of KINDS_OF_FRAMING[framing] ?? []) this.#keeper.books.ledgerNumber(interfaceId, kind);
  }

  onSeriesEnd(listener: OnSeriesEnd): void {
    this.#keeper.onSeriesEnd = listener;
  }

  async apply(
    rows: FlowRows,
    overflow: readonly OverflowRow[],
    nowMs: number,
    refresh = this.#refresh + 1,
  ): Promise<IntervalSummary> {
    if (this.#pending) throw new Error('flow accounts: apply() was called while the former call is pending');
    this.#pending = true;
    this.#refresh = refresh;
    try {
      return await this.#add(rows, overflow, nowMs);
    } finally {
      this.#keeper.books.closeMerged();
      this.#pending = false;
    }
  }

  relabel(): Promise<void> {
    return this.#alone('relabel', () => this.#keeper.table.relabel(this.#renderLabels, this.#pacer));
  }

  fit(): Promise<number> {
    return this.#alone('fit', () => this.#admission.fit(this.#elapsedMs, this.#audience.seen()));
  }

  exportState(options: AccountsExport): Promise<StateColumns> {
    const times = { elapsedMs: this.#elapsedMs, refreshedMs: this.#refreshedMs };
    return this.#alone('exportState', () => exportAccounts(this.#keeper, times, options, this.#pacer));
  }

  importState(columns: StateColumns, options: AccountsImport): Promise<AccountsTaken | StateProblem> {
    return this.#alone('importState', async () => {
      const { keep, mergeKey } = this.#parts;
      const taken = await importAccounts(columns, options, {
        keeper: this.#keeper,
        keep,
        isMerged: mergeKey !== undefined,
        hash: this.#hash,
        pacer: this.#pacer,
      });
      if ('problem' in taken) return taken;
      const { refreshedMs, ...rest } = taken;
      this.#refreshedMs = refreshedMs;
      return rest;
    });
  }

  async #alone<T>(name: string, task: () => Promise<T>): Promise<T> {
    if (this.#pending) throw new Error(`flow accounts: ${name}() was called while another call is pending`);
    this.#pending = true;
    try {
      return await task();
    } finally {
      this.#pending = false;
    }
  }

  async #add(rows: FlowRows, overflow: readonly OverflowRow[], nowMs: number): Promise<IntervalSummary> {
    const { table, books } = this.#keeper;
    const pacer = this.#pacer;
    const lastMs = this.#refreshedMs ?? nowMs - this.#intervalMs;
    this.#refreshedMs = nowMs;
    this.#elapsedMs += Math.max(0, nowMs - lastMs);
    this.#seen = 0;

    for (const { interfaceId, kind, frameReason, packets, bytes } of overflow) {
      if (packets === 0 && bytes === 0) continue;
      if (hasFlow(kind)) {
        this.#budget?.bound.note('max_flows');
        books.addUnshown(interfaceId, kind, 'map_full', packets, bytes);
      } else books.addWithoutFlow(interfaceId, kind, frameReason, packets, bytes);
    }
    this.#keeper.beginInterval(this.#refresh);
    this.#newcomers.begin(rows.length);
    this.#networkBytes?.beginInterval();
    this.#sorter.begin();
    await pacer.run(rows.length, ROW_NS, (from, to) => this.#sorter.sort(rows, from, to));
    // From the end: a series that ends is replaced in the list by one that was looked at before.
    const holders = table.count;
    const seen = this.#audience.seen();
    await pacer.run(holders, SETTLE_NS, (from, to) => this.#settle(holders - from, holders - to, seen));
    // Newcomers' first packets came after the last refresh: that is where their series begin.
    const admitted = await this.#admission.run(rows, Math.min(lastMs, nowMs), this.#elapsedMs, seen);
    await table.labels.compact(table, pacer);
    return {
      rows: rows.length,
      wantedShare: this.#sorter.wantedShare,
      flows: this.#seen + this.#newcomers.count,
      newcomers: this.#newcomers.count,
      admitted,
      ended: this.#keeper.ended,
      series: table.count,
    };
  }

  /** Holders `from - 1` down to `to` of the list: totals, interface totals, what is shown, expiry. */
  #settle(from: number, to: number, seen: Seen): void {
    const { table } = this.#keeper;
    for (let i = from - 1; i >= to; i--) {
      const series = table.inUse[i] ?? 0;
      const hasNews = (table.intervalPackets[series] ?? 0) > 0 || (table.intervalBytes[series] ?? 0) > 0;
      if (hasNews) {
        this.#seen++;
        this.#keeper.settle(series, this.#elapsedMs);
      }
      this.#keeper.look(series, hasNews, seen, this.#elapsedMs);
    }
  }
}
