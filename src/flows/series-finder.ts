// SPDX-License-Identifier: Apache-2.0
// Finds the series of rows, a lot at a time. Two ways, as the table is larger than the CPU's caches and reading it
// is what takes the time. It stores nothing that counts.
//
// In order: a flow keeps its place in the kernel from interval to interval, so the series that came after the last one
// comes after it again. One comparison of keys decides, and the table is read nearly in the order in which it lies.
//
// By search, where that guess fails for most rows (flows move between slots and maps, and the maps of the two halves
// have orders of their own): each step is done for the whole lot in a loop so small that the CPU waits for several rows'
// memory at once. Row by row that takes three times as long.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import type { FlowTable } from './flow-table.js';
import type { KeyHash } from './key-hash.js';
import type { RowLot } from './row-lot.js';

/** In the place of a series: none was met in this drain yet. */
const FIRST = -1;

export class SeriesFinder {
  readonly #table: FlowTable;
  readonly #hash: KeyHash;
  /** Which series came after which one last, at series + 1, so that FIRST has a place. */
  #after = new Uint32Array(1);
  /** Of the last row that had one. */
  #before = FIRST;
  /** Whether the order held for most rows of the lot before. */
  #isInOrder = true;

  constructor(table: FlowTable, hash: KeyHash) {
    this.#table = table;
    this.#hash = hash;
  }

  /** A drain begins. What was learnt of the order stays. */
  begin(): void {
    this.#before = FIRST;
    const { room } = this.#table;
    if (this.#after.length > room) return;
    const after = new Uint32Array(room + 1);
    after.set(this.#after);
    this.#after = after;
  }

  /** Fills lot.series: -1 where the flow of a row has none, and lot.hashes at least there. */
  find(keys: Uint32Array, lot: RowLot): void {
    if (!this.#isInOrder) this.#search(keys, lot);
    const rightGuesses = this.#follow(keys, lot, this.#isInOrder);
    this.#isInOrder = 2 * rightGuesses >= lot.count;
  }

  /** Guesses, where asked for, and searches where the guess is wrong; learns, and returns how often it was right. */
  #follow(keys: Uint32Array, { rows, hashes, series, count }: RowLot, guesses: boolean): number {
    const table = this.#table;
    const after = this.#after;
    let before = this.#before;
    let right = 0;
    for (let i = 0; i < count; i++) {
      const guess = after[before + 1] ?? 0;
      let found = series[i] ?? FIRST;
      if (guesses) {
        const wordOffset = (rows[i] ?? 0) * FLOW_ROW_WORDS;
        found = guess;
        if (!table.isOf(guess, keys, wordOffset)) {
          const hash = this.#hash(keys, wordOffset);
          hashes[i] = hash;
          found = table.find(keys, wordOffset, hash);
        }
        series[i] = found;
      }
      if (found === guess) right++;
      else if (found >= 0) after[before + 1] = found;
      if (found >= 0) before = found;
    }
    this.#before = before;
    return right;
  }

  #search(keys: Uint32Array, { rows, hashes, series, count }: RowLot): void {
    const table = this.#table;
    for (let i = 0; i < count; i++) hashes[i] = this.#hash(keys, (rows[i] ?? 0) * FLOW_ROW_WORDS);
    table.findCandidates(hashes, series, count);
    for (let i = 0; i < count; i++) {
      const candidate = series[i] ?? FIRST;
      if (candidate < 0) continue;
      const wordOffset = (rows[i] ?? 0) * FLOW_ROW_WORDS;
      if (!table.hasKey(candidate, keys, wordOffset))
        series[i] = table.find(keys, wordOffset, hashes[i] ?? 0);
    }
  }
}
