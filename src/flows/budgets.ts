// SPDX-License-Identifier: Apache-2.0
// What bounds the number of series, by name, and which of it has left something without one since it was
// last asked. It decides nothing.

/** Order and spelling are the label values. */
export const BUDGETS = [
  'max_series',
  'max_new_series_per_minute',
  'max_exposition_bytes',
  'max_pairs',
  'max_flows',
] as const;
export type Budget = (typeof BUDGETS)[number];

export class BoundBudgets {
  readonly #bound = new Set<Budget>();

  /** The budget left something without a series, or ended one. */
  note(budget: Budget): void {
    this.#bound.add(budget);
  }

  /** All noted since the last call. */
  take(): ReadonlySet<Budget> {
    const bound = new Set(this.#bound);
    this.#bound.clear();
    return bound;
  }
}
