// SPDX-License-Identifier: Apache-2.0
// Bits, the lowest of each byte first, as deflate has them (RFC 1951, section 3.1.1), in chunks of bytes. Written
// without a branch that a CPU could only guess: each time four bytes, of which those that are full stay.

import type { ChunkList } from '../chunk-list.js';

/** What put() takes: with the bits of a byte that is not full they are fewer than 32. */
const MOST_BITS = 24;
/** May be written behind the end. */
const SPARE_BYTES = 4;

export class BitWriter {
  readonly #list: ChunkList;
  #out: DataView;
  #end: number;
  /** Of the byte that is not full. */
  #pending = 0;
  #pendingBits = 0;

  /** Nobody else writes to the list. */
  constructor(list: ChunkList) {
    this.#list = list;
    this.#out = viewOf(list.current);
    this.#end = list.end;
  }

  /** Makes room for so many bytes. */
  reserve(bytes: number): void {
    if (this.#end + bytes + SPARE_BYTES <= this.#out.byteLength) return;
    this.#list.end = this.#end;
    this.#list.startChunk(bytes + SPARE_BYTES);
    this.#out = viewOf(this.#list.current);
    this.#end = 0;
  }

  /** bits: below 2^count; count: at most 24. There must be room. */
  put(bits: number, count: number): void {
    const pending = this.#pending | (bits << this.#pendingBits);
    const pendingBits = this.#pendingBits + count;
    this.#out.setInt32(this.#end, pending, true);
    this.#end += pendingBits >>> 3;
    this.#pending = pending >>> (pendingBits & 24);
    this.#pendingBits = pendingBits & 7;
  }

  /** Of each of text's bytes `from` to `to - 1` its code: codes[byte] = bits | count << 16. */
  putCodes(codes: Int32Array, text: Uint8Array, from: number, to: number): void {
    const out = this.#out;
    let end = this.#end;
    let pending = this.#pending;
    let pendingBits = this.#pendingBits;
    for (let at = from; at < to; ) {
      const code = codes[text[at++] ?? 0] ?? 0;
      let bits = code & 0xffff;
      let count = code >>> 16;
      if (at < to) {
        const next = codes[text[at] ?? 0] ?? 0;
        if (count + (next >>> 16) <= MOST_BITS) {
          bits |= (next & 0xffff) << count;
          count += next >>> 16;
          at++;
        }
      }
      pending |= bits << pendingBits;
      pendingBits += count;
      out.setInt32(end, pending, true);
      end += pendingBits >>> 3;
      pending >>>= pendingBits & 24;
      pendingBits &= 7;
    }
    this.#end = end;
    this.#pending = pending;
    this.#pendingBits = pendingBits;
  }

  /** Fills the last byte up with zeros; nothing follows. */
  end(): void {
    if (this.#pendingBits > 0) this.put(0, 8 - this.#pendingBits);
    this.#list.end = this.#end;
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}
