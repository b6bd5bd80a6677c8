// SPDX-License-Identifier: Apache-2.0
// One row of a driver's table: its string, and what we call it. The tables are facts from the drivers' own sources.

import type { MEANINGS, Meaning } from './meanings.js';

/** One word for each label of the meaning. `{p}` stands for the digit that it stands for in the string. */
type LabelWords<Labels extends readonly string[]> = { readonly [Index in keyof Labels]: string };

type RowOf<M extends Meaning> = M extends Meaning
  ? readonly [
      /** As the driver writes it; `{p}` is a digit from 0 to 7, the priority. */
      string: string,
      meaning: M,
      labels: LabelWords<(typeof MEANINGS)[M]>,
      /** What one of the driver's units is of ours; 1 where it is left out. */
      factor?: number,
    ]
  : never;

export type CounterRow = RowOf<Meaning>;

export interface DriverTable {
  /** Of the driver's name as ethtool says it. */
  readonly drivers: readonly string[];
  /** Files of the kernel that the strings are from. */
  readonly source: string;
  readonly rows: readonly CounterRow[];
}

/** Of counters of microseconds. */
export const MICROSECOND = 1e-6;
/** Of shares in percent. */
export const PERCENT = 0.01;
