// SPDX-License-Identifier: Apache-2.0
// The equation of the books with its numbers, and whether they are equal as they stand here: the page adds up
// by itself. Pure.

import type { Books, BooksRow } from './answers.js';
import { countText } from './quantity.js';

export type BooksUnit = 'bytes' | 'packets';

export interface Equation {
  readonly seen: string;
  readonly shown: string;
  readonly pending: string;
  readonly other: string;
  readonly isEqual: boolean;
  /** What is missing on the right, to the unit. */
  readonly difference: number;
}

export function equationOf({ sum }: Pick<Books, 'sum'>, unit: BooksUnit): Equation {
  return equate(sum.seen[unit], sum.shown[unit], sum.pending[unit], sum.other[unit]);
}

export function equationOfRow(row: BooksRow, unit: BooksUnit): Equation {
  const other = row.other.reduce((all, one) => all + one[unit], 0);
  return equate(row.seen[unit], row.shown[unit], row.pending[unit], other);
}

function equate(seen: number, shown: number, pending: number, other: number): Equation {
  const difference = seen - shown - pending - other;
  return {
    seen: countText(seen),
    shown: countText(shown),
    pending: countText(pending),
    other: countText(other),
    isEqual: difference === 0,
    difference,
  };
}

/** `max_series 300, filter 12`, the largest first. */
export function reasonsText({ other }: BooksRow, unit: BooksUnit): string {
  return [...other]
    .filter((one) => one[unit] > 0)
    .sort((a, b) => b[unit] - a[unit])
    .map((one) => `${one.reason} ${countText(one[unit])}`)
    .join(', ');
}
