// SPDX-License-Identifier: Apache-2.0
// Which counters of RoCE pairs show their values, as columns of a state: in the next process these must not stand at
// 0 again. Those that stood at 0 wait for their scrapers anew.

import type { Pacer } from '../pacer.js';
import type { RocePairView } from '../roce/views.js';
import { ColumnReader, jsonColumn, type StateColumns, type StateProblem } from '../state-columns.js';
import type { FirstZeros } from './first-zeros.js';
import { pairPartNames } from './roce-part-names.js';

/** Price of a pair, nanoseconds (bench/state.ts). */
const PAIR_NS = 5000;

/** After the pairs of this refresh are what they are: `pairs` in the order of their own state. */
export async function exportFirstZeros(
  zeros: FirstZeros,
  pairs: readonly RocePairView[],
  pacer: Pacer,
): Promise<StateColumns> {
  const names = new Map<string, number>();
  const rows: number[] = [];
  if (!zeros.showsAll) {
    await pacer.run(pairs.length, PAIR_NS, (from, to) => {
      for (let place = from; place < to; place++) {
        for (const part of zeros.shownParts(pairs[place] as RocePairView)) {
          const number = names.get(part) ?? names.size;
          names.set(part, number);
          rows.push(place, number);
        }
      }
    });
  }
  const facts = { showsAll: zeros.showsAll, parts: [...names.keys()] };
  return { 'zeros.facts': jsonColumn(facts), 'zeros.shown': Uint32Array.from(rows) };
}

/** Checked, to be taken over once the pairs are there. */
export interface FirstZerosState {
  restore(zeros: FirstZeros, pairs: readonly (RocePairView | undefined)[], pacer: Pacer): Promise<void>;
}

export function readFirstZeros(columns: StateColumns): FirstZerosState | StateProblem {
  const reader = new ColumnReader(columns, 'zeros.');
  const facts = reader.json('facts');
  const showsAll = facts['showsAll'] === true;
  const names = reader.texts(facts['parts'], 'parts');
  const shown = reader.words('shown', 2);
  reader.indexes(shown, 2, 1, names.length, 'shown');
  if (reader.problem !== undefined) return { problem: reader.problem };
  return {
    async restore(zeros, pairs, pacer) {
      let row = 0;
      await pacer.run(pairs.length, PAIR_NS, (from, to) => {
        for (let place = from; place < to; place++) {
          const parts: string[] = [];
          for (; row < shown.length && shown[row] === place; row += 2)
            parts.push(names[shown[row + 1] ?? 0] ?? '');
          const pair = pairs[place];
          if (pair !== undefined) zeros.restore(pair, showsAll ? pairPartNames(pair) : parts);
        }
      });
    },
  };
}
