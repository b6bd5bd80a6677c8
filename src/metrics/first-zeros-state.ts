// SPDX-License-Identifier: Apache-2.0
// Which counters of RoCE pairs show their values, as columns of a state: in the next process these must not stand at
// 0 again. Those that stood at 0 wait for their scrapers anew.

import type { Pacer } from '../pacer.js';
import type { RocePairView } from '../roce/views.js';
import { ColumnReader, jsonColumn, type StateColumns, type StateProblem } from '../state-columns.js';
import type { FirstZeros } from './first-zeros.js';
import { pairPartNames } from './roce-part-names.js';

/** Prices of a pair, nanoseconds (bench/state.ts). */
const PAIR_NS = 2000;
const ROW_NS = 200;

/** Of one pair: numbers of the names of its counters that show their values. */
interface PairShown {
  /** How many counters it had, all of which showed their values: as long as it has no more, nothing changes. */
  readonly settled: number | undefined;
  readonly numbers: readonly number[];
}

/** Knows what it has said of a pair: next to all pairs are as they were a refresh before. */
export class FirstZerosExport {
  readonly #zeros: FirstZeros;
  readonly #pacer: Pacer;
  readonly #numbers = new Map<string, number>();
  readonly #known = new WeakMap<RocePairView, PairShown>();

  constructor(zeros: FirstZeros, pacer: Pacer) {
    this.#zeros = zeros;
    this.#pacer = pacer;
  }

  /** After the pairs of this refresh are what they are: `pairs` in the order of their own state. */
  async run(pairs: readonly RocePairView[]): Promise<StateColumns> {
    const { showsAll } = this.#zeros;
    const ofPairs: (readonly number[])[] = [];
    let count = 0;
    await this.#pacer.run(showsAll ? 0 : pairs.length, PAIR_NS, (from, to) => {
      for (const pair of pairs.slice(from, to)) {
        const numbers = this.#numbersOf(pair);
        count += numbers.length;
        ofPairs.push(numbers);
      }
    });
    const rows = new Uint32Array(2 * count);
    let end = 0;
    await this.#pacer.run(ofPairs.length, ROW_NS, (from, to) => {
      for (let place = from; place < to; place++) {
        for (const number of ofPairs[place] ?? []) {
          rows[end++] = place;
          rows[end++] = number;
        }
      }
    });
    const facts = { showsAll, parts: [...this.#numbers.keys()] };
    return { 'zeros.facts': jsonColumn(facts), 'zeros.shown': rows };
  }

  #numbersOf(pair: RocePairView): readonly number[] {
    const settled = this.#zeros.settledParts(pair);
    const known = this.#known.get(pair);
    if (known !== undefined && settled !== undefined && known.settled === settled) return known.numbers;
    const numbers = this.#zeros.shownParts(pair).map((part) => {
      const number = this.#numbers.get(part) ?? this.#numbers.size;
      this.#numbers.set(part, number);
      return number;
    });
    this.#known.set(pair, { settled, numbers });
    return numbers;
  }
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
