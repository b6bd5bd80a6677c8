// SPDX-License-Identifier: Apache-2.0
// What the accounts judge by, made of options that may change while their table and books go on: where rows
// go, who gets a series, and which series a change ends.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import type { Pacer } from '../pacer.js';
import { Admission, type AdmissionParts } from './admission.js';
import type { FlowFilter } from './filter.js';
import type { RecentBytes } from './recent-bytes.js';
import { RowSorter, type RowSorterParts } from './row-sorter.js';
import type { ContestOptions } from './series-contest.js';
import type { SeriesKeeper, SeriesKeeperOptions } from './series-keeper.js';

/**
 * Which series a change ends: none; those of flows that the filter does not want any more (where keys are
 * merged, none: what they count no more, they are silent of, and expire); or all, as labels change.
 */
export type SeriesToEnd = 'none' | 'unwanted' | 'all';

export interface KeepingOptions extends SeriesKeeperOptions, ContestOptions {}

/** In the longest silence that a series outlasts, what its flow carried before is halved so often. */
const HALF_LIVES = 4;
/** Price of a step for the pacer, nanoseconds. */
const END_NS = 300;

export function keepingOptions(
  options: Omit<KeepingOptions, 'zeroFirst' | 'idleLimitMs' | 'halfLifeMs'> & {
    readonly newSeries: 'zero_first' | 'at_value';
    readonly idleTimeoutMs: number;
    readonly intervalMs: number;
  },
): KeepingOptions {
  const idleLimitMs = Math.max(options.idleTimeoutMs, 2 * options.intervalMs);
  const zeroFirst = options.newSeries === 'zero_first';
  return { ...options, idleLimitMs, zeroFirst, halfLifeMs: idleLimitMs / HALF_LIVES };
}

export interface Judges {
  readonly recent: RecentBytes;
  readonly admission: Admission;
  readonly sorter: RowSorter;
}

/**
 * By a table that has its options already. former: goes on to rank flows, with what it remembers of them,
 * and lets begin as many as it would have.
 */
export function createJudges(
  options: KeepingOptions,
  parts: Omit<AdmissionParts, 'recent'> & RowSorterParts,
  former: Pick<Judges, 'recent'> & Partial<Judges>,
): Judges {
  const { recent, admission = new Admission(options, { ...parts, recent }) } = former;
  return { recent, admission, sorter: new RowSorter(parts) };
}

/** From the end: a series that ends is replaced in the list by one that was looked at before. */
export async function endSeries(
  toEnd: SeriesToEnd,
  parts: { readonly keeper: SeriesKeeper; readonly keep: FlowFilter; readonly pacer: Pacer },
): Promise<void> {
  if (toEnd === 'none') return;
  const { keeper, keep, pacer } = parts;
  const { table } = keeper;
  const { count } = table;
  await pacer.run(count, END_NS, (from, to) => {
    for (let i = count - 1 - from; i >= count - to; i--) {
      const series = table.inUse[i] ?? 0;
      if (toEnd === 'all' || !keep(table.keys, series * FLOW_ROW_WORDS)) keeper.end(series, 'reloaded');
    }
  });
}
