// SPDX-License-Identifier: Apache-2.0
// How the labels of each row differ from those of the row before it: found once, and used for the lines of every
// family, as all have the same rows in the same order.
//
//   of a row: for each stretch | bytes as before | 128 + shift | literals | the literals ... |
//             until all its labels are told. Shift: offset in these labels less that in those before.

import type { FlowRowLabels } from '../../metrics/flow-families.js';
import type { Pacer } from '../../pacer.js';
import { ChunkPool } from '../chunk-pool.js';
import type { JoinableCrc } from './joinable-crc.js';

export const SHIFT_ORIGIN = 128;
export const SHIFT_MOST_BYTES = 127;
/** Before the literals of a stretch. */
export const STRETCH_BYTES = 3;
/** Shorter ones cost as much as their literals. */
const LEAST_SAME_BYTES = 4;
/** Of a stretch: what a byte can tell. */
const MOST_BYTES = 255;

/** Price of a row, nanoseconds: 0.2 us to compare 190 bytes, as much for their CRC. */
const ROW_NS = 500;
/** Differences of some 1,400 rows. */
const PIECE_BYTES = 64 * 1024;
const QUOTE = 0x22;

export interface DiffPiece {
  readonly diffs: Buffer;
  /** Rows inUse[from] to inUse[to - 1]. */
  readonly from: number;
  readonly to: number;
}

export class LabelDiffs {
  readonly #crcs: JoinableCrc;
  readonly #pool = new ChunkPool(PIECE_BYTES);
  #pieces: DiffPiece[] = [];
  /** Of the row before: of all its labels, and of what stands before the end that it shared with its predecessor. */
  #labelCrc = 0;
  #headCrc = 0;
  #headBytes = 0;
  /** Over the labels. */
  #words: DataView = new DataView(new ArrayBuffer(0));
  /** Of the labels of row inUse[i], and what stands behind them. */
  crcs = new Int32Array(0);

  constructor(crc: JoinableCrc) {
    this.#crcs = crc;
  }

  get pieces(): readonly DiffPiece[] {
    return this.#pieces;
  }

  /** Of these rows; afterLabels: what stands behind the labels in each line. */
  async find(rows: FlowRowLabels, afterLabels: Buffer, pacer: Pacer): Promise<void> {
    this.release();
    const { buffer, byteOffset, byteLength } = rows.labelBytes;
    this.#words = new DataView(buffer, byteOffset, byteLength);
    if (this.crcs.length < rows.count) this.crcs = new Int32Array(rows.count);
    for (let from = 0; from < rows.count; ) {
      const diffs = this.#pool.take(mostBytes(rows, from));
      const to = await this.#fill(diffs, rows, afterLabels, from, pacer);
      this.#pieces.push({ diffs, from, to });
      from = to;
    }
  }

  /** What was found is not read any more. */
  release(): void {
    this.#pool.give(this.#pieces.map(({ diffs }) => diffs));
    this.#pieces = [];
  }

  /** Returns the row that the piece has no room for. */
  async #fill(diffs: Buffer, rows: FlowRowLabels, afterLabels: Buffer, from: number, pacer: Pacer) {
    let end = 0;
    let index = from;
    const afterLabelsCrc = this.#crcs.of(afterLabels);
    while (index < rows.count) {
      const to = Math.min(rows.count, index + pacer.stepsLeft(ROW_NS));
      const first = index;
      for (; index < to && end + mostBytes(rows, index) <= diffs.length; index++) {
        end = this.#writeDiff(diffs, end, rows, index);
        this.crcs[index] = this.#crcs.append(this.#labelCrc, afterLabelsCrc, afterLabels.length);
      }
      await pacer.spend((index - first) * ROW_NS);
      if (index < to) break;
    }
    return index;
  }

  /** Returns the offset after it. */
  #writeDiff(out: Buffer, offset: number, rows: FlowRowLabels, index: number): number {
    const { labelBytes, labelOffset, labelLength, inUse } = rows;
    const row = inUse[index] ?? 0;
    const before = index === 0 ? undefined : inUse[index - 1];
    const start = labelOffset[row] ?? 0;
    const end = start + (labelLength[row] ?? 0);
    const startBefore = before === undefined ? 0 : (labelOffset[before] ?? 0);
    const endBefore = before === undefined ? 0 : startBefore + (labelLength[before] ?? 0);
    const words = this.#words;
    let at = start;
    let atBefore = startBefore;
    let to = offset;
    let tail = 0;
    while (at < end) {
      const shift = at - start - (atBefore - startBefore) + SHIFT_ORIGIN;
      const most = Math.min(end - at, endBefore - atBefore, MOST_BYTES);
      let same = 0;
      while (same + 4 <= most && words.getInt32(at + same) === words.getInt32(atBefore + same)) same += 4;
      while (same < most && labelBytes[at + same] === labelBytes[atBefore + same]) same++;
      const isTold = same >= LEAST_SAME_BYTES && shift >= 0 && shift <= MOST_BYTES;
      out[to] = isTold ? same : 0;
      out[to + 1] = shift;
      const literals = to + 2;
      to += STRETCH_BYTES;
      if (!isTold) for (let i = 0; i < same; i++) out[to++] = labelBytes[at + i] ?? 0;
      at += same;
      atBefore += same;
      if (at === end && atBefore === endBefore) tail = same;
      // The rest of a value has no like in the value before.
      if (same < MOST_BYTES) {
        const mostTo = literals + 1 + MOST_BYTES;
        while (at < end && to < mostTo && labelBytes[at] !== QUOTE) out[to++] = labelBytes[at++] ?? 0;
        while (atBefore < endBefore && labelBytes[atBefore] !== QUOTE) atBefore++;
        if (atBefore === endBefore) while (at < end && to < mostTo) out[to++] = labelBytes[at++] ?? 0;
      }
      out[literals] = to - literals - 1;
    }
    this.#noteCrc(labelBytes, start, end, startBefore, endBefore, tail);
    return to;
  }

  /** The end is that of the row before, so that only what stands before it need be read. */
  #noteCrc(
    labels: Uint8Array,
    start: number,
    end: number,
    startBefore: number,
    endBefore: number,
    tailBytes: number,
  ): void {
    const head = end - tailBytes;
    const headBefore = endBefore - tailBytes;
    const crc = this.#crcs.of(labels, start, head);
    if (tailBytes === 0) this.#labelCrc = crc;
    else {
      const crcBefore =
        this.#headBytes === headBefore - startBefore
          ? this.#headCrc
          : this.#crcs.of(labels, startBefore, headBefore);
      this.#labelCrc = this.#crcs.append(crc ^ crcBefore, this.#labelCrc, tailBytes);
    }
    this.#headBytes = head - start;
    this.#headCrc = crc;
  }
}

/** No stretch is without a byte of the labels but the first. */
function mostBytes(rows: FlowRowLabels, index: number): number {
  return (1 + STRETCH_BYTES) * (1 + (rows.labelLength[rows.inUse[index] ?? 0] ?? 0));
}
