// SPDX-License-Identifier: Apache-2.0
// The pair table as others know it: how it is to be, what it needs, and what it does.

import type { RoceOverflowRow, RoceRows } from '../abi/roce-records.js';
import type { KeyHash } from '../flows/key-hash.js';
import type { StateColumns, StateProblem } from '../state-columns.js';
import type { PairRoomParts } from './pair-room.js';
import type { PairsExport, PairsImport, PairsTaken } from './pair-state.js';
import type { RocePairsView, RocePairView } from './views.js';

/** May change between two calls, where reconfigure() is told. */
export interface RocePairsOptions {
  /** Pairs that may live at the same time. */
  readonly maxPairs: number;
  /** A pair idle for longer ends; never less than two intervals. */
  readonly idleTimeoutMs: number;
  readonly intervalMs: number;
  /** Pairs differ by destination queue pair too. */
  readonly perQueuePair: boolean;
  /** Leading bits of addresses that are kept. */
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
  /** 32 random bits, new in every process: the table cannot be aimed at. */
  readonly hashSeed: number;
}

export interface RocePairsParts {
  /** Lets the event loop turn once (setImmediate). */
  yieldToLoop(): Promise<void>;
  /** Whether a pair may end that last changed in this refresh and is idle for so much too long; unless told, it may. */
  mayEnd?(pair: RocePairView, changedIn: number, overdueMs: number): boolean;
  /** What an exposition has room for; pairs may show any number of lines unless told. */
  readonly room?: PairRoomParts;
  /** Stands in for the hash keyed by hashSeed. */
  readonly hash?: KeyHash;
}

export interface RocePairs {
  /** Whole between two refreshes; not to be read while apply() is pending. */
  readonly view: RocePairsView;
  /**
   * Adds up one drain. `rows` and `overflow` must stay as they are until it settles. When a part
   * throws, it rejects, and what was not booked by then is missing from all sums alike.
   *
   * @param nowMs wall clock, milliseconds. It may jump: backwards counts as standing still;
   *   forwards can at worst end pairs that were idle in this very interval.
   * @param refresh number of this refresh, for mayEnd(); unless told, one more than before.
   * @throws Error (rejects) when the former call is still pending.
   */
  apply(rows: RoceRows, overflow: readonly RoceOverflowRow[], nowMs: number, refresh?: number): Promise<void>;
  /**
   * After what else is shown has grown: ends the smallest pairs where they have more than they may. Resolves
   * with their number.
   *
   * @throws Error (rejects) when another call is still pending.
   */
  fit(): Promise<number>;
  /**
   * After options have changed. endsAll: addresses or labels are others now, so all pairs end and begin anew.
   *
   * @throws Error (rejects) when another call is still pending.
   */
  reconfigure(endsAll: boolean): Promise<void>;
  /**
   * Ends all pairs and forgets what was in none, as if nothing had been counted yet.
   *
   * @throws Error (rejects) when another call is still pending.
   */
  beginAnew(): Promise<void>;
  /** As those of flow accounts (flows/flow-accounts.ts). */
  exportState(options: PairsExport): Promise<StateColumns>;
  importState(columns: StateColumns, options: PairsImport): Promise<PairsTaken | StateProblem>;
}
