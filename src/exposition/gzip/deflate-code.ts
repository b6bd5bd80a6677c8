// SPDX-License-Identifier: Apache-2.0
// The two Huffman codes of a deflate block (RFC 1951, sections 3.2.5 to 3.2.7), made of how often each symbol came
// in the block before: so each token is written as soon as it is known. Every symbol has a code.

import type { BitWriter } from './bit-writer.js';
import { huffmanCodes, huffmanLengths } from './huffman-lengths.js';

export const MIN_MATCH_BYTES = 3;
export const MAX_MATCH_BYTES = 258;
/** Matches farther back are possible, but not needed: lines are shorter. */
export const MAX_DISTANCE_BYTES = 1024;

const END_OF_BLOCK = 256;
const LITERAL_SYMBOLS = 286;
const DISTANCE_SYMBOLS = 30;
const MAX_CODE_BITS = 15;
const MAX_CODE_LENGTH_BITS = 7;
/** The order in which a block tells the bits of the codes that its codes are told in. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] as const;
const CODE_LENGTH_SYMBOLS = 19;
/** What a block's head takes at most. */
export const BLOCK_HEAD_BYTES = 320;

/** Before anything is known of what comes. */
const FIRST_WEIGHTS = { any: 1, text: 20, digit: 400, match: 20, distance: 20 } as const;

interface Ranges {
  /** Symbol of a length or distance. */
  readonly symbolOf: Uint16Array;
  /** By the same: the bits behind the symbol's code, and how many they are. */
  readonly extra: Uint16Array;
  readonly extraBits: Uint8Array;
}

export class DeflateCode {
  /** By byte: for BitWriter.putCodes(). */
  readonly literalCodes = new Int32Array(256);
  /** By length of the match, its further bits included: up to 20. */
  readonly matchBits = new Int32Array(MAX_MATCH_BYTES + 1);
  readonly matchCount = new Uint8Array(MAX_MATCH_BYTES + 1);
  /** By distance, its further bits included: up to 23. */
  readonly distanceBits = new Int32Array(MAX_DISTANCE_BYTES + 1);
  readonly distanceCount = new Uint8Array(MAX_DISTANCE_BYTES + 1);
  /** How often each came since the block began; whoever writes counts. */
  readonly literals = new Uint32Array(256);
  readonly matches = new Uint32Array(MAX_MATCH_BYTES + 1);
  readonly distances = new Uint32Array(MAX_DISTANCE_BYTES + 1);
  readonly #lengthRanges = lengthRanges();
  readonly #distanceRanges = distanceRanges();
  #endBits = 0;
  #endCount = 0;

  constructor() {
    this.forget();
  }

  /** Of the next block nothing is known. */
  forget(): void {
    this.literals.fill(0);
    this.literals.fill(FIRST_WEIGHTS.text, 0x20, 0x7f);
    this.literals.fill(FIRST_WEIGHTS.digit, 0x30, 0x3a);
    this.matches.fill(FIRST_WEIGHTS.match);
    this.distances.fill(0);
    this.distances.fill(FIRST_WEIGHTS.distance, 128, 512);
  }

  /** Makes the codes of the next block, and writes its head. Needs room for BLOCK_HEAD_BYTES. */
  beginBlock(writer: BitWriter): void {
    const literalWeights = new Float64Array(LITERAL_SYMBOLS).fill(FIRST_WEIGHTS.any);
    const distanceWeights = new Float64Array(DISTANCE_SYMBOLS).fill(FIRST_WEIGHTS.any);
    for (let byte = 0; byte < 256; byte++) add(literalWeights, byte, this.literals[byte]);
    for (let length = MIN_MATCH_BYTES; length <= MAX_MATCH_BYTES; length++) {
      add(literalWeights, this.#lengthRanges.symbolOf[length] ?? 0, this.matches[length]);
    }
    for (let distance = 1; distance <= MAX_DISTANCE_BYTES; distance++) {
      add(distanceWeights, this.#distanceRanges.symbolOf[distance] ?? 0, this.distances[distance]);
    }
    this.literals.fill(0);
    this.matches.fill(0);
    this.distances.fill(0);
    const literalLengths = huffmanLengths(literalWeights, MAX_CODE_BITS);
    const distanceLengths = huffmanLengths(distanceWeights, MAX_CODE_BITS);
    writeHead(writer, literalLengths, distanceLengths);
    const literalCodes = huffmanCodes(literalLengths);
    for (let byte = 0; byte < 256; byte++) {
      this.literalCodes[byte] = (literalCodes[byte] ?? 0) | ((literalLengths[byte] ?? 0) << 16);
    }
    this.#endBits = literalCodes[END_OF_BLOCK] ?? 0;
    this.#endCount = literalLengths[END_OF_BLOCK] ?? 0;
    fillRanges(this.matchBits, this.matchCount, this.#lengthRanges, literalCodes, literalLengths);
    const distanceCodes = huffmanCodes(distanceLengths);
    fillRanges(this.distanceBits, this.distanceCount, this.#distanceRanges, distanceCodes, distanceLengths);
  }

  endBlock(writer: BitWriter): void {
    writer.put(this.#endBits, this.#endCount);
  }
}

/** Of a block that is not the last, with codes of its own. */
function writeHead(writer: BitWriter, literalLengths: Uint8Array, distanceLengths: Uint8Array): void {
  writer.put(0b100, 3);
  writer.put(LITERAL_SYMBOLS - 257, 5);
  writer.put(DISTANCE_SYMBOLS - 1, 5);
  writer.put(CODE_LENGTH_SYMBOLS - 4, 4);
  const all = [...literalLengths, ...distanceLengths];
  const weights = new Uint32Array(CODE_LENGTH_SYMBOLS).fill(1);
  for (const bits of all) add(weights, bits, 8);
  const lengths = huffmanLengths(weights, MAX_CODE_LENGTH_BITS);
  const codes = huffmanCodes(lengths);
  for (const symbol of CODE_LENGTH_ORDER) writer.put(lengths[symbol] ?? 0, 3);
  for (const bits of all) writer.put(codes[bits] ?? 0, lengths[bits] ?? 0);
}

function fillRanges(
  bits: Int32Array,
  count: Uint8Array,
  { symbolOf, extra, extraBits }: Ranges,
  codes: Uint16Array,
  lengths: Uint8Array,
): void {
  for (let value = 0; value < bits.length; value++) {
    const symbol = symbolOf[value] ?? 0;
    const codeBits = lengths[symbol] ?? 0;
    bits[value] = (codes[symbol] ?? 0) | ((extra[value] ?? 0) << codeBits);
    count[value] = codeBits + (extraBits[value] ?? 0);
  }
}

/** Section 3.2.5: symbols 257 to 284, four of a size from length 11 on, and 285 for the longest. */
function lengthRanges(): Ranges {
  const ranges = createRanges(MAX_MATCH_BYTES);
  let length = MIN_MATCH_BYTES;
  for (let symbol = 257; symbol < 285; symbol++) {
    const extraBits = Math.max(0, (symbol - 261) >> 2);
    length = fillRange(ranges, length, symbol, extraBits);
  }
  fillRange(ranges, MAX_MATCH_BYTES, 285, 0);
  return ranges;
}

/** Two of a size from distance 5 on. */
function distanceRanges(): Ranges {
  const ranges = createRanges(MAX_DISTANCE_BYTES);
  let distance = 1;
  for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
    distance = fillRange(ranges, distance, symbol, Math.max(0, (symbol - 2) >> 1));
  }
  return ranges;
}

function createRanges(most: number): Ranges {
  return {
    symbolOf: new Uint16Array(most + 1),
    extra: new Uint16Array(most + 1),
    extraBits: new Uint8Array(most + 1),
  };
}

/** Returns the value after the range; what is above the most is left out. */
function fillRange(ranges: Ranges, first: number, symbol: number, extraBits: number): number {
  const end = first + (1 << extraBits);
  for (let value = first; value < Math.min(end, ranges.symbolOf.length); value++) {
    ranges.symbolOf[value] = symbol;
    ranges.extra[value] = value - first;
    ranges.extraBits[value] = extraBits;
  }
  return end;
}

function add(weights: Float64Array | Uint32Array, at: number, weight = 0): void {
  weights[at] = (weights[at] ?? 0) + weight;
}
