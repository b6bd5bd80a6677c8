// SPDX-License-Identifier: Apache-2.0
// CRC-32 as gzip has it (RFC 1952, section 8): of bytes, and of parts put together whose CRCs are known, at
// the price of some look-ups a part instead of one a byte.

const POLYNOMIAL = 0xedb88320;
/** x^0 and x^8 modulo the polynomial: the highest bit stands for the lowest power. */
const ONE = 0x80000000;
const ONE_BYTE = 0x00800000;
/** Lengths that have a table of their own, 4 KiB each. */
const MAX_SHIFTS = 1024;

export class JoinableCrc {
  /** What a byte makes of a CRC, and what it makes of it with one, two and three further bytes behind it. */
  readonly #table = byteTables();
  /** By length of what is appended. */
  readonly #shifts: (Int32Array | undefined)[] = new Array(MAX_SHIFTS);

  /** Of bytes `from` to `to - 1`; crc: of what stands before them. */
  of(bytes: Uint8Array, from = 0, to = bytes.length, crc = 0): number {
    const table = this.#table;
    let rest = ~crc;
    let at = from;
    for (; at + 4 <= to; at += 4) {
      rest =
        (table[768 + ((rest ^ (bytes[at] ?? 0)) & 255)] ?? 0) ^
        (table[512 + (((rest >>> 8) ^ (bytes[at + 1] ?? 0)) & 255)] ?? 0) ^
        (table[256 + (((rest >>> 16) ^ (bytes[at + 2] ?? 0)) & 255)] ?? 0) ^
        (table[(rest >>> 24) ^ (bytes[at + 3] ?? 0)] ?? 0);
    }
    for (; at < to; at++) rest = (rest >>> 8) ^ (table[(rest ^ (bytes[at] ?? 0)) & 255] ?? 0);
    return ~rest;
  }

  /** Of two parts, by the CRC of each. */
  append(before: number, after: number, afterBytes: number): number {
    const shift =
      afterBytes < MAX_SHIFTS ? (this.#shifts[afterBytes] ?? this.#addShift(afterBytes)) : undefined;
    if (shift === undefined) return multiply(power(afterBytes), before) ^ after;
    return (
      (shift[before & 255] ?? 0) ^
      (shift[256 + ((before >>> 8) & 255)] ?? 0) ^
      (shift[512 + ((before >>> 16) & 255)] ?? 0) ^
      (shift[768 + (before >>> 24)] ?? 0) ^
      after
    );
  }

  /** What so many further bytes make of a CRC: four tables of 256, for its bytes from the lowest on. */
  #addShift(afterBytes: number): Int32Array {
    const shift = new Int32Array(4 * 256);
    const factor = power(afterBytes);
    for (let bit = 0; bit < 32; bit++) {
      const product = multiply(factor, 1 << bit);
      const table = 256 * (bit >>> 3);
      const first = 1 << (bit & 7);
      for (let below = 0; below < first; below++) {
        shift[table + first + below] = product ^ (shift[table + below] ?? 0);
      }
    }
    this.#shifts[afterBytes] = shift;
    return shift;
  }
}

function byteTables(): Int32Array {
  const table = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[byte] = crc;
  }
  for (let at = 256; at < 4 * 256; at++) {
    const crc = table[at - 256] ?? 0;
    table[at] = (crc >>> 8) ^ (table[crc & 255] ?? 0);
  }
  return table;
}

/** x^(8 * bytes). */
function power(bytes: number): number {
  let product = ONE;
  let square = ONE_BYTE;
  for (let rest = bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) product = multiply(square, product);
    square = multiply(square, square);
  }
  return product;
}

/** Of two polynomials, modulo the CRC's. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let mask = ONE; mask !== 0; mask >>>= 1) {
    if (a & mask) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product;
}
