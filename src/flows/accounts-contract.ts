// SPDX-License-Identifier: Apache-2.0
// What flow accounts are given, and what they do for others; flow-accounts.ts does it.

import type { Framing } from '../abi/kinds.js';
import type { FlowRows, OverflowRow } from '../abi/records.js';
import type { StateColumns, StateProblem } from '../state-columns.js';
import type { AccountsExport, AccountsImport, AccountsTaken } from './accounts-state.js';
import type { Audience } from './audience.js';
import type { ExpositionBudget, LineCost } from './exposition-budget.js';
import type { FlowFilter } from './filter.js';
import type { SeriesToEnd } from './judges.js';
import type { KeyHash } from './key-hash.js';
import type { MergeKey } from './key-merger.js';
import type { RenderLabels } from './label-arena.js';
import type { NetworkBytes } from './network-bytes.js';
import type { OnSeriesEnd } from './series-keeper.js';
import type { BooksView, IntervalSummary, SeriesEndReason, SeriesView } from './views.js';

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
   * Ends all series and sets the books to 0, as if nothing had been counted yet.
   *
   * @throws Error (rejects) when an apply() is pending.
   */
  beginAnew(): Promise<void>;
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
  /**
   * Goes by other options and parts from now on: those that are left out of the parameters, and hashSeed, stay.
   * Labels of another kind (renderLabels, mergeKey, maxLabelBytes) need all series to end: their flows begin
   * anew as others do. Resolves with how many ended; their counts went to the reason, and the books go on.
   *
   * @throws Error (rejects) when an apply() is pending.
   */
  reconfigure(
    options: FlowAccountsOptions,
    parts: FlowAccountsChange,
    toEnd: SeriesToEnd,
  ): Promise<Readonly<Record<SeriesEndReason, number>>>;
}

/** What may change of the parts of running accounts. */
export type FlowAccountsChange = Pick<
  FlowAccountsParts,
  'keep' | 'renderLabels' | 'mergeKey' | 'networkBytes'
>;
