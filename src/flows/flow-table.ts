// SPDX-License-Identifier: Apache-2.0
// The flows that hold a series: columns of numbers, the raw keys, and the way from a key to its row.
// It stores and finds; who gets a series and where counts go is decided elsewhere.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import type { Pacer } from '../pacer.js';
import type { KeyHash } from './key-hash.js';
import { KeyIndex } from './key-index.js';
import { LabelArena, type RenderLabels } from './label-arena.js';
import type { SeriesView } from './views.js';

const FIRST_ROWS = 1024;
/** Measured, growing to 100,000 rows. */
const INDEX_ROW_NS = 20;
const KEY_NS = 10;

export interface FlowTableOptions {
  /** Rows at most. Memory grows with use: 124 bytes a row, 16-32 in the index, and the labels. */
  readonly maxSeries: number;
  readonly maxLabelBytes: number;
}

/** Columns are replaced when the table grows: read them anew after reserve(). */
export class FlowTable implements SeriesView {
  readonly maxSeries: number;
  readonly labels: LabelArena;

  count = 0;
  /** A permutation of all rows: those in use come first. */
  slots = new Uint32Array(0);
  totalPackets = new Float64Array(0);
  totalBytes = new Float64Array(0);
  intervalPackets = new Float64Array(0);
  intervalBytes = new Float64Array(0);
  startedMs = new Float64Array(0);
  keys = new Uint32Array(0);
  labelOffset = new Uint32Array(0);
  labelLength = new Uint32Array(0);
  /** On the caller's clock. */
  lastSeenMs = new Float64Array(0);
  /** As of lastSeenMs; see RecentBytes. */
  recentBytes = new Float64Array(0);
  /** The caller's number for the flow's (interface, kind). */
  ledger = new Uint32Array(0);

  readonly #hash: KeyHash;
  readonly #index = new KeyIndex();
  /** Inverse of slots. */
  #position = new Uint32Array(0);

  constructor(options: FlowTableOptions, parts: { readonly hash: KeyHash }) {
    this.maxSeries = options.maxSeries;
    this.labels = new LabelArena(options.maxLabelBytes);
    this.#hash = parts.hash;
  }

  get labelBytes(): Uint8Array {
    return this.labels.bytes;
  }

  /** Row of the flow whose key stands at words[wordOffset] and has this hash, or -1. */
  find(words: Uint32Array, wordOffset: number, hash: number): number {
    return this.#index.find(this.keys, words, wordOffset, hash);
  }

  /**
   * Enters a flow that is not in yet, renders its labels and returns its row; all other columns of
   * the row are the caller's to fill. reserve() and labels.reserve() come first.
   *
   * @throws RangeError when all rows are in use.
   */
  add(words: Uint32Array, wordOffset: number, renderLabels: RenderLabels): number {
    if (this.count >= this.slots.length) {
      throw new RangeError(`flow table: all ${this.slots.length} rows are in use`);
    }
    const labelOffset = this.labels.usedBytes;
    const labelLength = this.labels.append(renderLabels, words, wordOffset);
    const row = this.slots[this.count] ?? 0;
    for (let i = 0; i < FLOW_ROW_WORDS; i++) this.keys[row * FLOW_ROW_WORDS + i] = words[wordOffset + i] ?? 0;
    this.#index.insert(row, this.#hash(words, wordOffset));
    this.labelOffset[row] = labelOffset;
    this.labelLength[row] = labelLength;
    this.count++;
    return row;
  }

  /** Renders the labels of all rows anew. */
  async relabel(renderLabels: RenderLabels, pacer: Pacer): Promise<void> {
    await this.labels.renderAll(
      (row, out, outOffset) => renderLabels(this.keys, row * FLOW_ROW_WORDS, out, outOffset),
      this,
      pacer,
    );
  }

  /** Frees a row. The last row of the dense list takes its place there. */
  remove(row: number): void {
    this.#index.remove(row, this.#hash(this.keys, row * FLOW_ROW_WORDS));
    this.labels.discard(this.labelLength[row] ?? 0);
    this.count--;
    const hole = this.#position[row] ?? 0;
    const last = this.slots[this.count] ?? 0;
    this.slots[hole] = last;
    this.#position[last] = hole;
    this.slots[this.count] = row;
    this.#position[row] = this.count;
  }

  /**
   * Makes room for `rows` rows, as far as maxSeries allows. The loop may turn between the columns:
   * to 100,000 rows all of them together took 8 ms (new pages, and the garbage collector that such
   * allocations call). slots comes last: its length is what counts.
   */
  async reserve(rows: number, pacer: Pacer): Promise<void> {
    const old = this.slots.length;
    if (rows <= old || old >= this.maxSeries) return;
    const length = Math.min(this.maxSeries, Math.max(FIRST_ROWS, 2 * old, rows));
    this.#index.reserve(length);
    await pacer.spend(INDEX_ROW_NS * length);
    this.keys = grownWords(this.keys, length * FLOW_ROW_WORDS);
    await pacer.spend(KEY_NS * length);
    this.totalPackets = grownDoubles(this.totalPackets, length);
    this.totalBytes = grownDoubles(this.totalBytes, length);
    this.intervalPackets = grownDoubles(this.intervalPackets, length);
    this.intervalBytes = grownDoubles(this.intervalBytes, length);
    this.startedMs = grownDoubles(this.startedMs, length);
    this.lastSeenMs = grownDoubles(this.lastSeenMs, length);
    this.recentBytes = grownDoubles(this.recentBytes, length);
    await pacer.spend(KEY_NS * length);
    this.labelOffset = grownWords(this.labelOffset, length);
    this.labelLength = grownWords(this.labelLength, length);
    this.ledger = grownWords(this.ledger, length);
    this.#position = grownWords(this.#position, length);
    const slots = grownWords(this.slots, length);
    for (let row = old; row < length; row++) {
      slots[row] = row;
      this.#position[row] = row;
    }
    this.slots = slots;
    await pacer.spend(KEY_NS * length);
  }
}

function grownDoubles(column: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(length);
  grown.set(column);
  return grown;
}

function grownWords(column: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(length);
  grown.set(column);
  return grown;
}
