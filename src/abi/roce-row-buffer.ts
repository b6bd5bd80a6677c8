// SPDX-License-Identifier: Apache-2.0
// Decodes kernel RoCE streams into the columns of roce-records.ts. Bytes in, columns out; no I/O.

import { SpareRoom } from '../spare-room.js';
import { numberFromU64 } from './flow-row-buffer.js';
import { ROCE_CELLS, ROCE_KEY, ROCE_KEY_WORDS, type RoceRows } from './roce-records.js';

const IFINDEX_WORD = ROCE_KEY.ifindex / 4;
const FIRST_CAPACITY_ROWS = 64;

/** Columns that grow; clear() keeps the memory that the drains of late have needed. */
export class RoceRowBuffer implements RoceRows {
  length = 0;
  keys = new Uint32Array(FIRST_CAPACITY_ROWS * ROCE_KEY_WORDS);
  cells = new Float64Array(FIRST_CAPACITY_ROWS * ROCE_CELLS);

  readonly #spare = new SpareRoom();

  clear(): void {
    const room = this.keys.length / ROCE_KEY_WORDS;
    const kept = Math.max(FIRST_CAPACITY_ROWS, this.#spare.keep(this.length, room));
    this.length = 0;
    if (kept < room) this.#resize(kept);
  }

  /** Appends `count` struct roce_key and as many struct roce_count. */
  append(
    keyBytes: Uint8Array,
    countBytes: Uint8Array,
    count: number,
    interfaceIdOf: (ifindex: number) => number,
  ): void {
    this.#reserve(count);
    const keys = new Uint32Array(keyBytes.buffer, keyBytes.byteOffset, count * ROCE_KEY_WORDS);
    const counts = new Uint32Array(countBytes.buffer, countBytes.byteOffset, count * ROCE_CELLS * 2);
    const firstKey = this.length * ROCE_KEY_WORDS;
    const firstCell = this.length * ROCE_CELLS;
    this.keys.set(keys, firstKey);
    for (let word = IFINDEX_WORD; word < keys.length; word += ROCE_KEY_WORDS) {
      this.keys[firstKey + word] = interfaceIdOf(keys[word] ?? 0);
    }
    for (let cell = 0; cell < count * ROCE_CELLS; cell++) {
      this.cells[firstCell + cell] = numberFromU64(counts, 2 * cell);
    }
    this.length += count;
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    let capacity = this.keys.length / ROCE_KEY_WORDS;
    if (needed <= capacity) return;
    while (capacity < needed) capacity *= 2;
    this.#resize(capacity);
  }

  #resize(capacity: number): void {
    const keys = new Uint32Array(capacity * ROCE_KEY_WORDS);
    keys.set(this.keys.subarray(0, this.length * ROCE_KEY_WORDS));
    const cells = new Float64Array(capacity * ROCE_CELLS);
    cells.set(this.cells.subarray(0, this.length * ROCE_CELLS));
    this.keys = keys;
    this.cells = cells;
  }
}
