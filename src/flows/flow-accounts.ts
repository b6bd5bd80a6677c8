// SPDX-License-Identifier: Apache-2.0
// One refresh: the counts of one drain become series and books. Every packet that comes in is
// booked twice in the same breath, once as carried by its interface, once in a series or under the
// reason why it has none; so the books balance after each step, even if a part fails between two.

import { isDeepStrictEqual } from 'node:util';
import { type Framing, hasFlow, KINDS_OF_FRAMING } from '../abi/kinds.js';
import type { FlowRows, OverflowRow } from '../abi/records.js';
import { Pacer } from '../pacer.js';
import type { StateColumns, StateProblem } from '../state-columns.js';
import type {
  FlowAccounts,
  FlowAccountsChange,
  FlowAccountsOptions,
  FlowAccountsParts,
} from './accounts-contract.js';
import {
  type AccountsExport,
  type AccountsImport,
  type AccountsTaken,
  exportAccounts,
  importAccounts,
} from './accounts-state.js';
import { type Audience, NO_AUDIENCE, type Seen } from './audience.js';
import { createJudges, endSeries, type Judges, keepingOptions, type SeriesToEnd } from './judges.js';
import { createKeyHash, type KeyHash } from './key-hash.js';
import { Newcomers } from './newcomers.js';
import { RecentBytes } from './recent-bytes.js';
import { type OnSeriesEnd, SeriesKeeper } from './series-keeper.js';
import { type BooksView, type IntervalSummary, NONE_ENDED, type SeriesView } from './views.js';

export type {
  FlowAccounts,
  FlowAccountsChange,
  FlowAccountsOptions,
  FlowAccountsParts,
} from './accounts-contract.js';

/** Prices of a step for the pacer, nanoseconds, measured with 100,000 flows and warm code. */
const ROW_NS = 100;
const SETTLE_NS = 20;
const DROP_NS = 1000;

export function createFlowAccounts(options: FlowAccountsOptions, parts: FlowAccountsParts): FlowAccounts {
  return new Accounts(options, parts);
}

class Accounts implements FlowAccounts {
  readonly #hash: KeyHash;
  readonly #keeper: SeriesKeeper;
  readonly #newcomers = new Newcomers();
  readonly #pacer: Pacer;
  readonly #audience: Audience;
  #options: FlowAccountsOptions;
  #parts: FlowAccountsParts;
  #judges: Judges;

  #pending = false;
  #refresh = 0;
  #refreshedMs: number | undefined;
  /** Sum of the clock's steps forward: what idle times are measured by. */
  #elapsedMs = 0;
  /** Holders that this interval brought something for. */
  #seen = 0;

  constructor(options: FlowAccountsOptions, parts: FlowAccountsParts) {
    this.#hash = parts.hash ?? createKeyHash(options.hashSeed);
    this.#options = options;
    this.#parts = parts;
    this.#pacer = new Pacer(parts.yieldToLoop);
    this.#audience = parts.audience ?? NO_AUDIENCE;
    const keeping = keepingOptions(options);
    const recent = new RecentBytes(keeping.halfLifeMs);
    this.#keeper = new SeriesKeeper(keeping, { ...parts, recent, hash: this.#hash });
    this.#judges = createJudges(keeping, this.#judging(), { recent });
  }

  #judging() {
    const [hash, keeper, newcomers, pacer] = [this.#hash, this.#keeper, this.#newcomers, this.#pacer];
    return { ...this.#parts, hash, keeper, newcomers, pacer };
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

  beginAnew(): Promise<void> {
    return this.#alone('beginAnew', async () => {
      await this.#pacer.run(this.series.count, DROP_NS, (from, to) => this.#keeper.drop(to - from));
      this.#keeper.books.beginAnew();
    });
  }

  fit(): Promise<number> {
    return this.#alone('fit', () => this.#judges.admission.fit(this.#elapsedMs, this.#audience.seen()));
  }

  reconfigure(options: FlowAccountsOptions, parts: FlowAccountsChange, toEnd: SeriesToEnd) {
    return this.#alone('reconfigure', async () => {
      const keeper = this.#keeper;
      keeper.ended = { ...NONE_ENDED };
      const merges = parts.mergeKey !== undefined;
      const ends = merges && toEnd === 'unwanted' ? 'none' : toEnd;
      await endSeries(ends, { keeper, keep: parts.keep, pacer: this.#pacer });
      const before = keepingOptions(this.#options);
      this.#options = { ...options, hashSeed: this.#options.hashSeed };
      this.#parts = { ...this.#parts, ...parts };
      const keeping = keepingOptions(this.#options);
      const isRanked = toEnd !== 'all' && isDeepStrictEqual(before, keeping);
      const former = isRanked ? this.#judges : { recent: new RecentBytes(keeping.halfLifeMs) };
      this.#judges = createJudges(keeping, this.#judging(), former);
      keeper.reconfigure(keeping, { ...parts, recent: this.#judges.recent });
      await this.#judges.admission.fit(this.#elapsedMs, this.#audience.seen());
      return keeper.ended;
    });
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
    const lastMs = this.#refreshedMs ?? nowMs - this.#options.intervalMs;
    this.#refreshedMs = nowMs;
    this.#elapsedMs += Math.max(0, nowMs - lastMs);
    this.#seen = 0;

    for (const { interfaceId, kind, frameReason, packets, bytes } of overflow) {
      if (packets === 0 && bytes === 0) continue;
      if (hasFlow(kind)) {
        this.#parts.budget?.bound.note('max_flows');
        books.addUnshown(interfaceId, kind, 'map_full', packets, bytes);
      } else books.addWithoutFlow(interfaceId, kind, frameReason, packets, bytes);
    }
    this.#keeper.beginInterval(this.#refresh);
    await this.#newcomers.begin(rows.length, pacer);
    this.#parts.networkBytes?.beginInterval();
    this.#judges.sorter.begin();
    await this.#sort(rows);
    // From the end: a series that ends is replaced in the list by one that was looked at before.
    const holders = table.count;
    const seen = this.#audience.seen();
    await pacer.run(holders, SETTLE_NS, (from, to) => this.#settle(holders - from, holders - to, seen));
    // Newcomers' first packets came after the last refresh: that is where their series begin.
    const admitted = await this.#judges.admission.run(rows, Math.min(lastMs, nowMs), this.#elapsedMs, seen);
    await table.labels.compact(table, pacer);
    return {
      rows: rows.length,
      wantedShare: this.#judges.sorter.wantedShare,
      flows: this.#seen + this.#newcomers.count,
      newcomers: this.#newcomers.count,
      admitted,
      ended: this.#keeper.ended,
      series: table.count,
    };
  }

  async #sort(rows: FlowRows): Promise<void> {
    const pacer = this.#pacer;
    for (let from = 0; from < rows.length; ) {
      const to = Math.min(rows.length, from + pacer.stepsLeft(ROW_NS));
      await this.#newcomers.makeRoom(to - from, pacer);
      this.#judges.sorter.sort(rows, from, to);
      await pacer.spend((to - from) * ROW_NS);
      from = to;
    }
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
