// SPDX-License-Identifier: Apache-2.0
// Finds an entry of some key column by its key: open addressing, linear probing, no tombstones. It
// holds hashes and entry numbers only; the keys stay where they are, FLOW_ROW_WORDS words an entry.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import type { Pacer } from '../pacer.js';
import { SpareRoom } from '../spare-room.js';

const MIN_CELLS = 16;
/** Prices for the pacer, measured with a million entries: of a cell that moves, and of a word that is cleared. */
const MOVE_NS = 20;
const WORD_NS = 1;

export class KeyIndex {
  /** Two words a cell, so that a probe costs one cache line: hash, entry + 1 (0 = empty). */
  #cells = new Uint32Array(2 * MIN_CELLS);
  #mask = MIN_CELLS - 1;
  #size = 0;
  readonly #spare = new SpareRoom();

  get size(): number {
    return this.#size;
  }

  /** Entries it has memory for. */
  get room(): number {
    return this.#cells.length / 4;
  }

  /** Row of `keys` whose key equals the one at `words[wordOffset]`, or -1. */
  find(keys: Uint32Array, words: Uint32Array, wordOffset: number, hash: number): number {
    const cells = this.#cells;
    const mask = this.#mask;
    for (let cell = hash & mask; ; cell = (cell + 1) & mask) {
      const tagged = cells[2 * cell + 1] ?? 0;
      if (tagged === 0) return -1;
      if (cells[2 * cell] !== hash) continue;
      if (sameKey(keys, (tagged - 1) * FLOW_ROW_WORDS, words, wordOffset)) return tagged - 1;
    }
  }

  /**
   * For each hash the entry in the first cell that has it, or -1: whether the key is the same, the caller sees, and
   * asks find() where not. In a loop so small that the CPU waits for several cells at once.
   */
  findCandidates(hashes: Uint32Array, candidates: Int32Array, count: number): void {
    const cells = this.#cells;
    const mask = this.#mask;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i] ?? 0;
      let cell = hash & mask;
      while (cells[2 * cell + 1] !== 0 && cells[2 * cell] !== hash) cell = (cell + 1) & mask;
      candidates[i] = (cells[2 * cell + 1] ?? 0) - 1;
    }
  }

  /** The entry with the key of `entry`, a row of `keys`; where there is none, that is entered and returned. */
  findOrInsert(keys: Uint32Array, entry: number, hash: number): number {
    this.reserve(this.#size + 1);
    const cells = this.#cells;
    const mask = this.#mask;
    for (let cell = hash & mask; ; cell = (cell + 1) & mask) {
      const tagged = cells[2 * cell + 1] ?? 0;
      if (tagged === 0) {
        cells[2 * cell] = hash;
        cells[2 * cell + 1] = entry + 1;
        this.#size++;
        return entry;
      }
      if (cells[2 * cell] !== hash) continue;
      if (sameKey(keys, (tagged - 1) * FLOW_ROW_WORDS, keys, entry * FLOW_ROW_WORDS)) return tagged - 1;
    }
  }

  /** Enters an entry whose key is not in yet. */
  insert(entry: number, hash: number): void {
    this.reserve(this.#size + 1);
    place(this.#cells, this.#mask, entry + 1, hash);
    this.#size++;
  }

  /** Takes an entry out; the cells behind it move up, so that no search ends early. */
  remove(entry: number, hash: number): void {
    const cells = this.#cells;
    const mask = this.#mask;
    let hole = hash & mask;
    while (cells[2 * hole + 1] !== entry + 1) {
      if (cells[2 * hole + 1] === 0) throw new Error(`key index: entry ${entry} is not in it`);
      hole = (hole + 1) & mask;
    }
    for (let cell = (hole + 1) & mask; cells[2 * cell + 1] !== 0; cell = (cell + 1) & mask) {
      const home = cells[2 * cell] ?? 0;
      // A cell may fill the hole unless its home lies behind the hole.
      if (((cell - home) & mask) < ((cell - hole) & mask)) continue;
      cells[2 * hole] = home;
      cells[2 * hole + 1] = cells[2 * cell + 1] ?? 0;
      hole = cell;
    }
    cells[2 * hole + 1] = 0;
    this.#size--;
  }

  /** Makes room for `entries` entries at a load of one half at most. */
  reserve(entries: number): void {
    const old = this.#cells;
    if (4 * entries <= old.length) return;
    this.#allot(entries);
    placeAll(old, 0, old.length / 2, this.#cells, this.#mask);
  }

  /** The same in turns of the event loop; nobody may use the index before it resolves. */
  async grow(entries: number, pacer: Pacer): Promise<void> {
    const old = this.#cells;
    if (4 * entries <= old.length) return;
    this.#allot(entries);
    await pacer.run(old.length / 2, MOVE_NS, (from, to) => placeAll(old, from, to, this.#cells, this.#mask));
  }

  /** Forgets all entries, and keeps the memory that those of late have needed; nobody may use it before it resolves. */
  async clear(pacer: Pacer): Promise<void> {
    const kept = this.#spare.keep(this.#size, this.room);
    const wasEmpty = this.#size === 0;
    this.#size = 0;
    const cells = this.#cells;
    if (kept < this.room) this.#allot(kept);
    else if (!wasEmpty) await pacer.run(cells.length, WORD_NS, (from, to) => cells.fill(0, from, to));
  }

  /** Empty cells for so many entries. */
  #allot(entries: number): void {
    let count = MIN_CELLS;
    while (count < 2 * entries) count *= 2;
    this.#cells = new Uint32Array(2 * count);
    this.#mask = count - 1;
  }
}

/** Cells `from` to `to` of the old ones. */
function placeAll(old: Uint32Array, from: number, to: number, cells: Uint32Array, mask: number): void {
  for (let i = 2 * from; i < 2 * to; i += 2) {
    const tagged = old[i + 1] ?? 0;
    if (tagged !== 0) place(cells, mask, tagged, old[i] ?? 0);
  }
}

function place(cells: Uint32Array, mask: number, tagged: number, hash: number): void {
  let cell = hash & mask;
  while (cells[2 * cell + 1] !== 0) cell = (cell + 1) & mask;
  cells[2 * cell] = hash;
  cells[2 * cell + 1] = tagged;
}

/** Whether two keys are equal, each of FLOW_ROW_WORDS words from its offset. */
export function sameKey(a: Uint32Array, aOffset: number, b: Uint32Array, bOffset: number): boolean {
  for (let i = 0; i < FLOW_ROW_WORDS; i++) {
    if (a[aOffset + i] !== b[bOffset + i]) return false;
  }
  return true;
}
