// SPDX-License-Identifier: Apache-2.0
// Lines of flows as deflate: what zlib looks for in the text is known here without it, as each line is the one
// before with other addresses and another value. So the text itself is never made.
//
//   \nPREFIX same labels | other labels | same labels "} " | VALUE      match, literals, match, literals
//
// A match goes on over what stands between two of them where both have the same distance.

import type { FlowFamily, FlowRowLabels } from '../../metrics/flow-families.js';
import type { Pacer } from '../../pacer.js';
import { writeNumber } from '../flow-series.js';
import type { BitWriter } from './bit-writer.js';
import {
  BLOCK_HEAD_BYTES,
  type DeflateCode,
  MAX_DISTANCE_BYTES,
  MAX_MATCH_BYTES,
  MIN_MATCH_BYTES,
} from './deflate-code.js';
import type { JoinableCrc } from './joinable-crc.js';
import { type LabelDiffs, SHIFT_MOST_BYTES, SHIFT_ORIGIN, STRETCH_BYTES } from './label-diffs.js';

const LINE_FEED = 0x0a;
const END_OF_LINE = Uint8Array.of(LINE_FEED);
/** A literal takes at most 15 bits; a match, of three bytes at least, 43. */
const BYTES_OF_LITERAL = 2;
/** The first block, by codes that nobody has measured, is short; each has so many times the lines of the one before. */
const FIRST_BLOCK_LINES = 128;
const BLOCK_GROWTH = 8;
/** New codes take 0.4 ms to make. */
const BLOCK_LINES = 32_768;
const COUNTED_LINES = 4096;
/** Price of a line, nanoseconds. */
const LINE_NS = 150;
const MOST_VALUE_BYTES = 32;

export interface FlowLinesParts {
  readonly writer: BitWriter;
  readonly code: DeflateCode;
  readonly crc: JoinableCrc;
}

/** What all lines of a family have, and the line before. */
interface FamilyLines {
  readonly values: Float64Array;
  readonly prefix: Buffer;
  readonly prefixCrc: number;
  /** Bytes of the line before; 0 before the first. */
  lineBytes: number;
  labelBytes: number;
  value: number;
  valueBytes: number;
  /** Offset in the present piece of the diffs. */
  at: number;
}

export class FlowLinesGzip {
  readonly #writer: BitWriter;
  readonly #code: DeflateCode;
  readonly #crcs: JoinableCrc;
  readonly #afterLabels: Buffer;
  readonly #value = Buffer.alloc(MOST_VALUE_BYTES);
  #crc = 0;
  #bytes = 0;
  #blockLines = FIRST_BLOCK_LINES;
  #linesLeft = FIRST_BLOCK_LINES;
  /** Symbols are counted at the end of each block alone: counting all takes half as long as writing them. */
  #isCounting = true;
  /** Of a match that is known and not yet written; 0 bytes where there is none. */
  #matchBytes = 0;
  #matchDistance = 0;

  /** afterLabels: what stands behind the labels in each line. */
  constructor(afterLabels: Buffer, { writer, code, crc }: FlowLinesParts) {
    this.#afterLabels = afterLabels;
    this.#writer = writer;
    this.#code = code;
    this.#crcs = crc;
    code.forget();
    writer.reserve(BLOCK_HEAD_BYTES);
    code.beginBlock(writer);
  }

  /** Of the text so far. */
  get crc(): number {
    return this.#crc;
  }

  /** Of the text so far. */
  get bytes(): number {
    return this.#bytes;
  }

  writeText(text: Uint8Array): void {
    this.#writer.reserve(BYTES_OF_LITERAL * text.length);
    this.#putLiterals(text, 0, text.length);
    this.#crc = this.#crcs.of(text, 0, text.length, this.#crc);
    this.#bytes += text.length;
  }

  /** diffs: of the same rows. */
  async writeFamily(family: FlowFamily, rows: FlowRowLabels, diffs: LabelDiffs, pacer: Pacer): Promise<void> {
    if (rows.count === 0) return;
    const prefix = Buffer.from(`${family.name}{`);
    const prefixCrc = this.#crcs.of(prefix);
    const { values } = family;
    const lines: FamilyLines = {
      values,
      prefix,
      prefixCrc,
      lineBytes: 0,
      labelBytes: 0,
      value: Number.NaN,
      valueBytes: 0,
      at: 0,
    };
    for (const piece of diffs.pieces) {
      lines.at = 0;
      for (let from = piece.from; from < piece.to; ) {
        const to = Math.min(piece.to, from + Math.min(pacer.stepsLeft(LINE_NS), this.#linesLeft));
        this.#writeLines(lines, rows, { diffs: piece.diffs, crcs: diffs.crcs }, from, to);
        this.#linesLeft -= to - from;
        this.#isCounting = this.#linesLeft < COUNTED_LINES;
        if (this.#linesLeft === 0) this.#renewBlock();
        await pacer.spend((to - from) * LINE_NS);
        from = to;
      }
    }
    this.#putLiterals(END_OF_LINE, 0, 1);
  }

  /** The last block, empty, and all bits. */
  end(): void {
    this.#code.endBlock(this.#writer);
    this.#writer.reserve(4);
    this.#writer.put(0b011, 3);
    this.#writer.put(0, 7);
    this.#writer.end();
  }

  /** The line feed of each line is written with the next. */
  #writeLines(
    lines: FamilyLines,
    rows: FlowRowLabels,
    { diffs, crcs }: { readonly diffs: Buffer; readonly crcs: Int32Array },
    from: number,
    to: number,
  ): void {
    const { prefix, prefixCrc, values } = lines;
    const { inUse, labelOffset, labelLength } = rows;
    const afterLabels = this.#afterLabels;
    for (let index = from; index < to; index++) {
      const row = inUse[index] ?? 0;
      const labelBytes = labelLength[row] ?? 0;
      const distance = lines.lineBytes;
      const commonBytes = prefix.length + labelBytes + afterLabels.length;
      this.#writer.reserve(BYTES_OF_LITERAL * (commonBytes + MOST_VALUE_BYTES));
      if (distance > 0 && distance <= MAX_DISTANCE_BYTES - SHIFT_MOST_BYTES) {
        this.#addMatch(1 + prefix.length, distance);
        lines.at = this.#putLabels(diffs, lines.at, labelBytes, distance);
      } else {
        if (distance > 0) this.#putLiterals(END_OF_LINE, 0, 1);
        this.#putLiterals(prefix, 0, prefix.length);
        const offset = labelOffset[row] ?? 0;
        this.#putLiterals(rows.labelBytes, offset, offset + labelBytes);
        lines.at = endOfDiff(diffs, lines.at, labelBytes);
      }
      this.#crc = this.#crcs.append(this.#crc, prefixCrc, prefix.length);
      this.#crc = this.#crcs.append(this.#crc, crcs[index] ?? 0, labelBytes + afterLabels.length);

      const value = values[row] ?? 0;
      const isSame = value === lines.value;
      const valueBytes = isSame ? lines.valueBytes : writeNumber(this.#value, 0, value);
      this.#value[valueBytes] = LINE_FEED;
      if (this.#matchBytes > 0 && this.#matchDistance === distance + labelBytes - lines.labelBytes) {
        this.#matchBytes += afterLabels.length;
        if (isSame) this.#matchBytes += valueBytes;
        else this.#putLiterals(this.#value, 0, valueBytes);
      } else {
        this.#putLiterals(afterLabels, 0, afterLabels.length);
        this.#putLiterals(this.#value, 0, valueBytes);
      }
      this.#crc = this.#crcs.of(this.#value, 0, valueBytes + 1, this.#crc);
      lines.value = value;
      lines.valueBytes = valueBytes;
      lines.labelBytes = labelBytes;
      lines.lineBytes = commonBytes + valueBytes + 1;
      this.#bytes += lines.lineBytes;
    }
  }

  /** Returns where the next row's differences begin. */
  #putLabels(diffs: Buffer, offset: number, labelBytes: number, distance: number): number {
    let at = offset;
    for (let left = labelBytes; left > 0; ) {
      const same = diffs[at] ?? 0;
      const literals = diffs[at + 2] ?? 0;
      if (same > 0) this.#addMatch(same, distance + (diffs[at + 1] ?? 0) - SHIFT_ORIGIN);
      at += STRETCH_BYTES;
      if (literals > 0) this.#putLiterals(diffs, at, at + literals);
      at += literals;
      left -= same + literals;
    }
    return at;
  }

  #addMatch(bytes: number, distance: number): void {
    if (this.#matchBytes > 0 && this.#matchDistance !== distance) this.#putMatch();
    this.#matchBytes += bytes;
    this.#matchDistance = distance;
  }

  #putMatch(): void {
    const code = this.#code;
    const writer = this.#writer;
    const distance = this.#matchDistance;
    while (this.#matchBytes > 0) {
      // What is left over must be a match, too.
      const bytes =
        this.#matchBytes > MAX_MATCH_BYTES
          ? Math.min(MAX_MATCH_BYTES, this.#matchBytes - MIN_MATCH_BYTES)
          : this.#matchBytes;
      writer.put(code.matchBits[bytes] ?? 0, code.matchCount[bytes] ?? 0);
      writer.put(code.distanceBits[distance] ?? 0, code.distanceCount[distance] ?? 0);
      if (this.#isCounting) {
        code.matches[bytes] = (code.matches[bytes] ?? 0) + 1;
        code.distances[distance] = (code.distances[distance] ?? 0) + 1;
      }
      this.#matchBytes -= bytes;
    }
  }

  #putLiterals(text: Uint8Array, from: number, to: number): void {
    if (this.#matchBytes > 0) this.#putMatch();
    const { literalCodes, literals } = this.#code;
    if (this.#isCounting) {
      for (let at = from; at < to; at++) {
        const byte = text[at] ?? 0;
        literals[byte] = (literals[byte] ?? 0) + 1;
      }
    }
    this.#writer.putCodes(literalCodes, text, from, to);
  }

  #renewBlock(): void {
    this.#putMatch();
    this.#writer.reserve(BLOCK_HEAD_BYTES);
    this.#code.endBlock(this.#writer);
    this.#code.beginBlock(this.#writer);
    this.#blockLines = Math.min(BLOCK_LINES, BLOCK_GROWTH * this.#blockLines);
    this.#linesLeft = this.#blockLines;
  }
}

function endOfDiff(diffs: Buffer, offset: number, labelBytes: number): number {
  let at = offset;
  for (let left = labelBytes; left > 0; ) {
    const literals = diffs[at + 2] ?? 0;
    left -= (diffs[at] ?? 0) + literals;
    at += STRETCH_BYTES + literals;
  }
  return at;
}
