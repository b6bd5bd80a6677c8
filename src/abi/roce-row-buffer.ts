// SPDX-License-Identifier: Apache-2.0
// Decodes kernel RoCE streams and slots into the columns of roce-records.ts. Bytes in, columns out; no I/O.
// A slot stays what it is, 60 bytes, until somebody asks for its cells, which are 576.

import { SpareRoom } from '../spare-room.js';
import { numberFromU64 } from './flow-row-buffer.js';
import {
  PORT_BUCKETS,
  PORT_SPREAD_KEY_SIZE,
  type PortSpread,
  ROCE_CELLS,
  ROCE_KEY,
  ROCE_KEY_WORDS,
  ROCE_SHAPE,
  type RoceRows,
} from './roce-records.js';
import { fillShapeCells, fillStreamTail, type ShapeCounts } from './roce-shape.js';

const IFINDEX_WORD = ROCE_KEY.ifindex / 4;
const SHAPE_WORDS = ROCE_SHAPE.size / 4;
const SPREAD_KEY_WORDS = PORT_SPREAD_KEY_SIZE / 4;
const FIRST_CAPACITY_ROWS = 64;
/** Packets, bytes, bytes of strayed ones, and the source port of a slot. */
const SLOT_COUNTS = 4;
/** In the place of cells: the row is of a slot. */
const OF_SLOT = -1;

/** Columns that grow; clear() keeps the memory that the drains of late have needed. */
export class RoceRowBuffer implements RoceRows {
  length = 0;
  keys = new Uint32Array(FIRST_CAPACITY_ROWS * ROCE_KEY_WORDS);
  readonly spreads: PortSpread[] = [];

  /** By row: which cells are its own, or OF_SLOT. */
  #places = new Int32Array(FIRST_CAPACITY_ROWS);
  #shapes = new Uint32Array(FIRST_CAPACITY_ROWS * SHAPE_WORDS);
  #counts = new Float64Array(FIRST_CAPACITY_ROWS * SLOT_COUNTS);
  #cells = new Float64Array(FIRST_CAPACITY_ROWS * ROCE_CELLS);
  #streams = 0;

  readonly #cellsOfRow = new Float64Array(ROCE_CELLS);
  readonly #spareRows = new SpareRoom();
  readonly #spareStreams = new SpareRoom();
  readonly #opcodeFacts: Uint8Array;

  /** opcodeFacts: as fillShapeCells() has them. */
  constructor(opcodeFacts: Uint8Array) {
    this.#opcodeFacts = opcodeFacts;
  }

  clear(): void {
    const rows = Math.max(FIRST_CAPACITY_ROWS, this.#spareRows.keep(this.length, this.#places.length));
    const room = this.#cells.length / ROCE_CELLS;
    const streams = Math.max(FIRST_CAPACITY_ROWS, this.#spareStreams.keep(this.#streams, room));
    this.length = 0;
    this.#streams = 0;
    this.spreads.length = 0;
    if (rows < this.#places.length) this.#resizeRows(rows);
    if (streams < room) this.#resizeCells(streams);
  }

  cellsOf(row: number): Float64Array {
    const cells = this.#cellsOfRow;
    const place = this.#places[row] ?? OF_SLOT;
    if (place === OF_SLOT) {
      const at = row * SLOT_COUNTS;
      const counts: ShapeCounts = {
        packets: this.#counts[at] ?? 0,
        bytes: this.#counts[at + 1] ?? 0,
        strayedBytes: this.#counts[at + 2] ?? 0,
        srcPort: this.#counts[at + 3] ?? 0,
      };
      fillShapeCells(cells, this.#shapes, row * SHAPE_WORDS, counts, this.#opcodeFacts);
    } else {
      cells.set(this.#cells.subarray(place * ROCE_CELLS, (place + 1) * ROCE_CELLS));
    }
    return cells;
  }

  /** Moves `amount` of a row of append() from one cell to another. */
  moveCell(row: number, from: number, to: number, amount: number): void {
    const place = this.#places[row] ?? OF_SLOT;
    if (place === OF_SLOT) return;
    const at = place * ROCE_CELLS;
    this.#cells[at + from] = (this.#cells[at + from] ?? 0) - amount;
    this.#cells[at + to] = (this.#cells[at + to] ?? 0) + amount;
  }

  /** A cell of a row, without the others; 0 for rows of slots, whose packets are all in order. */
  streamCell(row: number, cell: number): number {
    const place = this.#places[row] ?? OF_SLOT;
    return place === OF_SLOT ? 0 : (this.#cells[place * ROCE_CELLS + cell] ?? 0);
  }

  /** Appends `count` struct roce_key and as many struct roce_count. */
  append(
    keyBytes: Uint8Array,
    countBytes: Uint8Array,
    count: number,
    interfaceIdOf: (ifindex: number) => number,
  ): void {
    this.#reserveRows(count);
    this.#reserveCells(count);
    const keys = new Uint32Array(keyBytes.buffer, keyBytes.byteOffset, count * ROCE_KEY_WORDS);
    const counts = new Uint32Array(countBytes.buffer, countBytes.byteOffset, count * ROCE_CELLS * 2);
    const firstKey = this.length * ROCE_KEY_WORDS;
    const firstCell = this.#streams * ROCE_CELLS;
    this.keys.set(keys, firstKey);
    for (let word = IFINDEX_WORD; word < keys.length; word += ROCE_KEY_WORDS) {
      this.keys[firstKey + word] = interfaceIdOf(keys[word] ?? 0);
    }
    for (let cell = 0; cell < count * ROCE_CELLS; cell++) {
      this.#cells[firstCell + cell] = numberFromU64(counts, 2 * cell);
    }
    for (let i = 0; i < count; i++) this.#places[this.length++] = this.#streams++;
  }

  /**
   * Appends a slot: 8 words of addresses (IPv4 as ::ffff:a.b.c.d), a struct roce_shape at words[shapeOffset], and
   * its counts.
   */
  appendSlot(
    addresses: Uint32Array,
    words: Uint32Array,
    shapeOffset: number,
    interfaceId: number,
    { packets, bytes, strayedBytes, srcPort }: ShapeCounts,
  ): void {
    this.#reserveRows(1);
    const row = this.length++;
    const key = row * ROCE_KEY_WORDS;
    this.keys.set(addresses, key);
    fillStreamTail(this.keys, key + IFINDEX_WORD, words, shapeOffset, interfaceId, this.#opcodeFacts);
    for (let word = 0; word < SHAPE_WORDS; word++) {
      this.#shapes[row * SHAPE_WORDS + word] = words[shapeOffset + word] ?? 0;
    }
    this.#places[row] = OF_SLOT;
    const at = row * SLOT_COUNTS;
    this.#counts[at] = packets;
    this.#counts[at + 1] = bytes;
    this.#counts[at + 2] = strayedBytes;
    this.#counts[at + 3] = srcPort;
  }

  /** Appends `count` keys of PORT_SPREAD_KEY_SIZE bytes and as many struct port_spread. */
  appendSpreads(
    keyBytes: Uint8Array,
    spreadBytes: Uint8Array,
    count: number,
    interfaceIdOf: (ifindex: number) => number,
  ): void {
    const keys = new Uint32Array(keyBytes.buffer, keyBytes.byteOffset, count * SPREAD_KEY_WORDS);
    const words = new Uint32Array(spreadBytes.buffer, spreadBytes.byteOffset, count * PORT_BUCKETS * 2);
    for (let i = 0; i < count; i++) {
      const key = keys.slice(i * SPREAD_KEY_WORDS, (i + 1) * SPREAD_KEY_WORDS);
      key[IFINDEX_WORD] = interfaceIdOf(key[IFINDEX_WORD] ?? 0);
      const bytes = new Float64Array(PORT_BUCKETS);
      for (let bucket = 0; bucket < PORT_BUCKETS; bucket++) {
        bytes[bucket] = numberFromU64(words, 2 * (i * PORT_BUCKETS + bucket));
      }
      this.spreads.push({ key, bytes });
    }
  }

  #reserveRows(more: number): void {
    const needed = this.length + more;
    let capacity = this.#places.length;
    if (needed <= capacity) return;
    while (capacity < needed) capacity *= 2;
    this.#resizeRows(capacity);
  }

  #reserveCells(more: number): void {
    const needed = this.#streams + more;
    let capacity = this.#cells.length / ROCE_CELLS;
    if (needed <= capacity) return;
    while (capacity < needed) capacity *= 2;
    this.#resizeCells(capacity);
  }

  #resizeRows(capacity: number): void {
    const { length } = this;
    const keys = new Uint32Array(capacity * ROCE_KEY_WORDS);
    keys.set(this.keys.subarray(0, length * ROCE_KEY_WORDS));
    this.keys = keys;
    const places = new Int32Array(capacity);
    places.set(this.#places.subarray(0, length));
    this.#places = places;
    const shapes = new Uint32Array(capacity * SHAPE_WORDS);
    shapes.set(this.#shapes.subarray(0, length * SHAPE_WORDS));
    this.#shapes = shapes;
    const counts = new Float64Array(capacity * SLOT_COUNTS);
    counts.set(this.#counts.subarray(0, length * SLOT_COUNTS));
    this.#counts = counts;
  }

  #resizeCells(capacity: number): void {
    const cells = new Float64Array(capacity * ROCE_CELLS);
    cells.set(this.#cells.subarray(0, this.#streams * ROCE_CELLS));
    this.#cells = cells;
  }
}
