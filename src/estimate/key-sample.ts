// SPDX-License-Identifier: Apache-2.0
// Some of the different keys that came, each with the same chance however often it came: those whose hashes
// are the smallest.

import { FLOW_ROW_WORDS } from '../abi/records.js';

/** The mean of so many label lengths is within 1 % of that of all. */
const MOST_KEYS = 256;

export class KeySample {
  /** FLOW_ROW_WORDS words a key. */
  readonly keys = new Uint32Array(MOST_KEYS * FLOW_ROW_WORDS);
  readonly #places = new Map<number, number>();
  #largest = -1;

  /** Keys in `keys`. */
  get length(): number {
    return this.#places.size;
  }

  /** The first FLOW_ROW_WORDS words of `key`; two keys of one hash count as one. */
  add(hash: number, key: Uint32Array): void {
    if (this.#places.size < MOST_KEYS) {
      if (this.#places.has(hash)) return;
      this.#keep(hash, this.#places.size, key);
      this.#largest = Math.max(this.#largest, hash);
    } else if (hash < this.#largest && !this.#places.has(hash)) {
      const place = this.#places.get(this.#largest) ?? 0;
      this.#places.delete(this.#largest);
      this.#keep(hash, place, key);
      this.#largest = Math.max(...this.#places.keys());
    }
  }

  #keep(hash: number, place: number, key: Uint32Array): void {
    this.#places.set(hash, place);
    this.keys.set(key.subarray(0, FLOW_ROW_WORDS), place * FLOW_ROW_WORDS);
  }
}
