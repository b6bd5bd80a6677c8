// SPDX-License-Identifier: Apache-2.0
// What a process has of its networks, wherever they come from.

import type { Clock } from '../clock.js';
import type { Logger } from '../log.js';
import type { NetworkNames } from './network-names.js';
import type { NetworkTable } from './network-table.js';

export interface NetworksParts {
  readonly clock: Pick<Clock, 'wallMs' | 'yieldToLoop'>;
  readonly log: Logger;
  /** Those of a follower before this one: names keep their numbers. None unless told. */
  readonly names?: NetworkNames;
  /** Leading bits that are kept of addresses: longer networks would not be found. All unless told. */
  readonly keptBits?: { readonly ipv4: number; readonly ipv6: number };
}

/** Totals since start, and the state now. */
export interface NetworksStats {
  /** That of the start included. */
  readonly loadsSucceeded: number;
  /** A file that is gone, or stays as it is, counts once. */
  readonly loadsFailed: number;
  /** Of the table in use. */
  readonly prefixes: number;
  readonly names: number;
  /** Names that show as "other", as the process has no number left for them. */
  readonly namesBeyond: number;
  /** Whether the file, as it is now, could be loaded. */
  readonly isLastLoadSuccessful: boolean;
  /** Wall clock. */
  readonly lastSuccessMs: number;
}

export interface FollowedNetworks {
  /** Changes in adopt() alone. */
  readonly current: NetworkTable;
  /** Names of the numbers that any table of this process has given. */
  readonly names: NetworkNames;
  readonly stats: NetworksStats;
  /**
   * Looks at the file, and loads it when it has changed and settled: is as the look before has found it.
   * Once a second is meant. Never rejects; done when the load is; while one is under way it is the same one.
   */
  look(): Promise<void>;
  /** Makes current what was loaded last; whether that changed it. */
  adopt(): boolean;
  /** Ends a load under way within a turn of the event loop; none begins after it. */
  stop(): void;
}
