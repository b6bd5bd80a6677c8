// SPDX-License-Identifier: Apache-2.0
// The flows of one drain that hold no series, merged over its rows. A scratch table, used again
// every interval; a newcomer is known by the number of its first row in the drain.

import type { FlowRows } from '../abi/records.js';
import type { Pacer } from '../pacer.js';
import { SpareRoom } from '../spare-room.js';
import { KeyIndex } from './key-index.js';
import { LOT_ROWS, type RowLot } from './row-lot.js';

export class Newcomers {
  count = 0;
  /** rows[0..count-1]: first row of each newcomer, in the order of the drain. */
  rows = new Uint32Array(0);
  /** By row number: what this interval brought. */
  packets = new Float64Array(0);
  bytes = new Float64Array(0);
  /** Likewise: what the contest ranks them by; it fills this in. */
  recentBytes = new Float64Array(0);

  readonly #index = new KeyIndex();
  readonly #spare = new SpareRoom();
  readonly #hashes = new Uint32Array(LOT_ROWS);
  readonly #candidates = new Int32Array(LOT_ROWS);

  /** Forgets the former drain and makes room for one of `rowCount` rows, but for the index: see makeRoom(). */
  async begin(rowCount: number, pacer: Pacer): Promise<void> {
    this.count = 0;
    await this.#index.clear(pacer);
    const room = this.#spare.fit(rowCount, this.rows.length);
    if (room === this.rows.length) return;
    this.rows = new Uint32Array(room);
    this.packets = new Float64Array(room);
    this.bytes = new Float64Array(room);
    this.recentBytes = new Float64Array(room);
  }

  /** Room for so many more, before they are added: where a million have to move the event loop turns meanwhile. */
  makeRoom(more: number, pacer: Pacer): Promise<void> {
    return this.#index.grow(this.#index.size + more, pacer);
  }

  /** Rows of the lot are about to be added: has the CPU fetch their cells all at once. */
  expect({ hashes, series, count }: RowLot): void {
    let others = 0;
    for (let i = 0; i < count; i++) if ((series[i] ?? 0) < 0) this.#hashes[others++] = hashes[i] ?? 0;
    this.#index.findCandidates(this.#hashes, this.#candidates, others);
  }

  /** Adds row number `row` of the drain, whose key has this hash. */
  add(drain: FlowRows, row: number, hash: number): void {
    const packets = drain.packets[row] ?? 0;
    const bytes = drain.bytes[row] ?? 0;
    const first = this.#index.findOrInsert(drain.keys, row, hash);
    if (first !== row) {
      this.packets[first] = (this.packets[first] ?? 0) + packets;
      this.bytes[first] = (this.bytes[first] ?? 0) + bytes;
      return;
    }
    this.rows[this.count] = row;
    this.packets[row] = packets;
    this.bytes[row] = bytes;
    this.count++;
  }
}
