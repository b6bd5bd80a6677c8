// SPDX-License-Identifier: Apache-2.0
// The flows that hold a series: columns of numbers, the raw keys, and the way from a key to its series.
// It stores and finds; who gets a series and where counts go is decided elsewhere.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import type { Pacer } from '../pacer.js';
import type { LineCost } from './exposition-budget.js';
import type { KeyHash } from './key-hash.js';
import { KeyIndex, sameKey } from './key-index.js';
import { LabelArena, type RenderLabels } from './label-arena.js';
import type { SeriesView } from './views.js';

const FIRST_SERIES = 1024;
const NO_LINES: LineCost = { lines: 0, bytes: 0 };
/** In holdEndsMs. */
export const NOT_HELD = -1;
/** Measured, growing to 100,000 series. */
const KEY_NS = 10;

export interface FlowTableOptions {
  /** Series at most. Memory grows with use: 160 bytes a series (4 of them the SeriesFinder's), 16-32 in the index, and the labels. */
  readonly maxSeries: number;
  readonly maxLabelBytes: number;
  /** Of a series in an exposition; nothing unless told. */
  readonly lineCost?: LineCost;
}

/** Columns are replaced when the table grows: read them anew after reserve(). */
export class FlowTable implements SeriesView {
  maxSeries: number;
  readonly labels: LabelArena;
  #lineCost: LineCost;

  count = 0;
  /** A permutation of all series: those in use come first. */
  inUse = new Uint32Array(0);
  totalPackets = new Float64Array(0);
  totalBytes = new Float64Array(0);
  shownPackets = new Float64Array(0);
  shownBytes = new Float64Array(0);
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
  /** When the series is to show more than 0 at the latest, on the clock of lastSeenMs; NOT_HELD once it does. */
  holdEndsMs = new Float64Array(0);
  /** Number of the refresh since which the series has shown what it shows. */
  shownSince = new Float64Array(0);
  /** The caller's number for the flow's (interface, kind). */
  ledger = new Uint32Array(0);

  readonly #hash: KeyHash;
  readonly #index = new KeyIndex();
  /** Inverse of inUse. */
  #position = new Uint32Array(0);

  constructor(options: FlowTableOptions, parts: { readonly hash: KeyHash }) {
    this.maxSeries = options.maxSeries;
    this.labels = new LabelArena(options.maxLabelBytes);
    this.#lineCost = options.lineCost ?? NO_LINES;
    this.#hash = parts.hash;
  }

  /** More series than maxSeries stay until the caller ends them. */
  reconfigure({ maxSeries, maxLabelBytes, lineCost = NO_LINES }: FlowTableOptions): void {
    this.maxSeries = maxSeries;
    this.labels.maxLabelBytes = maxLabelBytes;
    this.#lineCost = lineCost;
  }

  get labelBytes(): Uint8Array {
    return this.labels.bytes;
  }

  /** No exposition has more bytes of these series. */
  get expositionBytes(): number {
    const { lines, bytes } = this.#lineCost;
    return this.count * bytes + lines * (this.labels.usedBytes - this.labels.wasteBytes);
  }

  /** The same of one series with labels of this length. */
  seriesBytes(labelLength: number): number {
    return this.#lineCost.bytes + this.#lineCost.lines * labelLength;
  }

  /**
   * Whether a series has counted what those do not know who have seen all that was shown until the refresh of this
   * number. One that is held at 0 has shown nothing: it has not.
   */
  hasUnseenCounts(series: number, seenRefresh: number): boolean {
    return this.holdEndsMs[series] === NOT_HELD && (this.shownSince[series] ?? 0) > seenRefresh;
  }

  /** Series it has memory for. */
  get room(): number {
    return this.inUse.length;
  }

  /** Whether `series`, any number below room, is in use and that of the flow whose key stands at words[wordOffset]. */
  isOf(series: number, words: Uint32Array, wordOffset: number): boolean {
    return (this.#position[series] ?? 0) < this.count && this.hasKey(series, words, wordOffset);
  }

  /** Whether the key of `series`, which is in use, is the one at words[wordOffset]. */
  hasKey(series: number, words: Uint32Array, wordOffset: number): boolean {
    return sameKey(this.keys, series * FLOW_ROW_WORDS, words, wordOffset);
  }

  /** For each hash a series that may be its flow's, or -1 where there is none; as KeyIndex.findCandidates(). */
  findCandidates(hashes: Uint32Array, candidates: Int32Array, count: number): void {
    this.#index.findCandidates(hashes, candidates, count);
  }

  /** Row of the flow whose key stands at words[wordOffset] and has this hash, or -1. */
  find(words: Uint32Array, wordOffset: number, hash: number): number {
    return this.#index.find(this.keys, words, wordOffset, hash);
  }

  /**
   * Enters a flow that is not in yet, renders its labels and returns its series, whose other columns
   * are the caller's to fill. reserve() and labels.reserve() come first.
   *
   * @throws RangeError when all series are in use.
   */
  add(words: Uint32Array, wordOffset: number, renderLabels: RenderLabels): number {
    if (this.count >= this.inUse.length) {
      throw new RangeError(`flow table: all ${this.inUse.length} series are in use`);
    }
    const labelOffset = this.labels.usedBytes;
    const labelLength = this.labels.append(renderLabels, words, wordOffset);
    const series = this.inUse[this.count] ?? 0;
    for (let i = 0; i < FLOW_ROW_WORDS; i++)
      this.keys[series * FLOW_ROW_WORDS + i] = words[wordOffset + i] ?? 0;
    this.#index.insert(series, this.#hash(words, wordOffset));
    this.labelOffset[series] = labelOffset;
    this.labelLength[series] = labelLength;
    this.count++;
    return series;
  }

  /** Frees a series. The last series of the dense list takes its place there. */
  remove(series: number): void {
    this.#index.remove(series, this.#hash(this.keys, series * FLOW_ROW_WORDS));
    this.labels.discard(this.labelLength[series] ?? 0);
    this.count--;
    const hole = this.#position[series] ?? 0;
    const last = this.inUse[this.count] ?? 0;
    this.inUse[hole] = last;
    this.#position[last] = hole;
    this.inUse[this.count] = series;
    this.#position[series] = this.count;
  }

  /**
   * Makes room for `count` series, as far as maxSeries allows. The loop may turn between the columns:
   * to 100,000 series all of them together took 8 ms (new pages, and the garbage collector that such
   * allocations call). inUse comes last: its length is what counts.
   */
  async reserve(count: number, pacer: Pacer): Promise<void> {
    const old = this.inUse.length;
    if (count <= old || old >= this.maxSeries) return;
    const length = Math.min(this.maxSeries, Math.max(FIRST_SERIES, 2 * old, count));
    await this.#index.grow(length, pacer);
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
    this.shownPackets = grownDoubles(this.shownPackets, length);
    this.shownBytes = grownDoubles(this.shownBytes, length);
    this.holdEndsMs = grownDoubles(this.holdEndsMs, length);
    this.shownSince = grownDoubles(this.shownSince, length);
    await pacer.spend(KEY_NS * length);
    this.labelOffset = grownWords(this.labelOffset, length);
    this.labelLength = grownWords(this.labelLength, length);
    this.ledger = grownWords(this.ledger, length);
    this.#position = grownWords(this.#position, length);
    const inUse = grownWords(this.inUse, length);
    for (let series = old; series < length; series++) {
      inUse[series] = series;
      this.#position[series] = series;
    }
    this.inUse = inUse;
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
