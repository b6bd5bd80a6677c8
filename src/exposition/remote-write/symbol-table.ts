// SPDX-License-Identifier: Apache-2.0
// The symbols of one remote write 2.0 request: each text once, "" first, kept as the bytes of the
// field already. Works on bytes, not strings: 50 ns a look-up of an address, where a Map takes 180.

import { GrowingBytes } from './series-batch.js';
import { V2_TAG, writeVarint } from './wire.js';

const FIRST_BYTES = 64 * 1024;
const FIRST_SLOTS = 1024;
const FIRST_REFS = 512;
/** FNV-1a's prime. */
const PRIME = 0x01000193;

export class SymbolTable {
  /** Differs by process: who chooses addresses cannot choose where they meet. */
  readonly #seed = Math.floor(Math.random() * 0x1_0000_0000) | 0;
  /** Request.symbols, tags and lengths included. */
  readonly #out = new GrowingBytes(FIRST_BYTES);
  #end = 0;
  #count = 0;
  /** Open addressing: the ref, 0 where the slot is free (ref 0 is "", which is never looked up). */
  #slots = new Int32Array(FIRST_SLOTS);
  /** By ref. */
  #start = new Uint32Array(FIRST_REFS);
  #length = new Uint32Array(FIRST_REFS);
  #hash = new Int32Array(FIRST_REFS);

  constructor() {
    this.clear();
  }

  clear(): void {
    this.#slots.fill(0);
    this.#out.bytes[0] = V2_TAG.symbol;
    this.#out.bytes[1] = 0;
    this.#end = 2;
    this.#count = 1;
  }

  /** Bytes of all symbols so far, as they stand in the request. */
  get bytes(): number {
    return this.#end;
  }

  /** A view of those bytes, until the next ref() or clear(). */
  view(): Buffer {
    return this.#out.bytes.subarray(0, this.#end);
  }

  /** The number of the text source[start .. end], UTF-8; a new one where it is not in yet. */
  ref(source: Buffer, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return 0;
    let hash = this.#seed;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (source[at] ?? 0), PRIME);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const ref = this.#slots[slot] ?? 0;
      if (ref === 0) return this.#insert(slot, hash, source, start, end);
      if (this.#hash[ref] === hash && this.#length[ref] === length && this.#equals(ref, source, start))
        return ref;
      slot = (slot + 1) & mask;
    }
  }

  #equals(ref: number, source: Buffer, start: number): boolean {
    const at = this.#start[ref] ?? 0;
    const length = this.#length[ref] ?? 0;
    const out = this.#out.bytes;
    for (let i = 0; i < length; i++) if (out[at + i] !== source[start + i]) return false;
    return true;
  }

  #insert(slot: number, hash: number, source: Buffer, start: number, end: number): number {
    const length = end - start;
    this.#out.reserve(this.#end, this.#end + 1 + 5 + length);
    const out = this.#out.bytes;
    out[this.#end] = V2_TAG.symbol;
    const at = writeVarint(out, this.#end + 1, length);
    source.copy(out, at, start, end);
    this.#end = at + length;

    const ref = this.#count++;
    if (ref >= this.#start.length) this.#growRefs();
    this.#start[ref] = at;
    this.#length[ref] = length;
    this.#hash[ref] = hash;
    this.#slots[slot] = ref;
    if (2 * this.#count > this.#slots.length) this.#growSlots();
    return ref;
  }

  #growRefs(): void {
    const columns = [this.#start, this.#length].map((column) => {
      const larger = new Uint32Array(2 * column.length);
      larger.set(column);
      return larger;
    });
    const hash = new Int32Array(2 * this.#hash.length);
    hash.set(this.#hash);
    [this.#start, this.#length] = columns as [Uint32Array<ArrayBuffer>, Uint32Array<ArrayBuffer>];
    this.#hash = hash;
  }

  #growSlots(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let ref = 1; ref < this.#count; ref++) {
      let slot = (this.#hash[ref] ?? 0) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = ref;
    }
    this.#slots = slots;
  }
}
