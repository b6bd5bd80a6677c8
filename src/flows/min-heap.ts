// SPDX-License-Identifier: Apache-2.0
// A binary heap of rows or series by a number each, smallest first. Ranking takes only as many pops
// as there are winners, where a sort would order 100,000 rows of which nearly all lose.

import type { Pacer } from '../pacer.js';
import { SpareRoom } from '../spare-room.js';

/** Measured with 100,000 items. */
const SIFT_NS = 15;

export class MinHeap {
  #items = new Uint32Array(0);
  #ranks = new Float64Array(0);
  #length = 0;
  readonly #spare = new SpareRoom();

  get length(): number {
    return this.#length;
  }

  /** Items it has memory for. */
  get room(): number {
    return this.#items.length;
  }

  /** Empties it and makes room for `capacity` items. */
  reset(capacity: number): void {
    this.#length = 0;
    const room = this.#spare.fit(capacity, this.room);
    if (room === this.room) return;
    this.#items = new Uint32Array(room);
    this.#ranks = new Float64Array(room);
  }

  /** Appends without order: call heapify() before top() and pop(). */
  append(item: number, rank: number): void {
    this.#items[this.#length] = item;
    this.#ranks[this.#length] = rank;
    this.#length++;
  }

  async heapify(pacer: Pacer): Promise<void> {
    const inner = this.#length >>> 1;
    await pacer.run(inner, SIFT_NS, (from, to) => {
      for (let i = from; i < to; i++) this.#siftDown(inner - 1 - i);
    });
  }

  /** Rank of the smallest item; Infinity when empty. */
  topRank(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : (this.#ranks[0] ?? 0);
  }

  /** Takes out the item of the smallest rank. Call only when length > 0. */
  pop(): number {
    const item = this.#items[0] ?? 0;
    this.#length--;
    this.#items[0] = this.#items[this.#length] ?? 0;
    this.#ranks[0] = this.#ranks[this.#length] ?? 0;
    this.#siftDown(0);
    return item;
  }

  /** Takes out the item appended last, as long as heapify() was not called. Only when length > 0. */
  popUnordered(): number {
    this.#length--;
    return this.#items[this.#length] ?? 0;
  }

  /** Item i of those still in it, in no particular order. */
  itemAt(i: number): number {
    return this.#items[i] ?? 0;
  }

  #siftDown(start: number): void {
    const items = this.#items;
    const ranks = this.#ranks;
    const length = this.#length;
    const item = items[start] ?? 0;
    const rank = ranks[start] ?? 0;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && (ranks[child + 1] ?? 0) < (ranks[child] ?? 0)) child++;
      const childRank = ranks[child] ?? 0;
      if (childRank >= rank) break;
      items[at] = items[child] ?? 0;
      ranks[at] = childRank;
      at = child;
    }
    items[at] = item;
    ranks[at] = rank;
  }
}
