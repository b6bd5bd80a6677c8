// SPDX-License-Identifier: Apache-2.0
// Whether an exposition has room for a pair, and for what a pair comes to show by a row: the lines that it
// would have more. A pair grows, also by what its sender makes up, so each row is looked at.

import { ROCE_CELL, ROCE_TRANSPORT } from '../abi/roce-records.js';
import { detailOf, dscpOf, pkeyOf, roceVersionOf, transportOf } from '../abi/roce-row-key.js';
import type { ExpositionBudget, LineCost } from '../flows/exposition-budget.js';
import { DEFAULT_PKEY, hasPsn, OTHER_PARTITIONS, PAIR_PARTITIONS_MAX, type RocePair } from './roce-pair.js';
import type { RocePath } from './roce-path.js';
import type { RocePathView } from './views.js';

/** What comes to be shown as a whole: of every path, of every pair, and with the first packet that has it. */
export type PairItem =
  | 'path'
  | 'pair'
  | 'traffic'
  | 'psn'
  | 'partition'
  | 'malformed'
  /** An operation without sizes, and one with. */
  | 'operation'
  | 'sizedOperation';
export type PairCosts = Readonly<Record<PairItem, LineCost>>;

export interface PairRoomParts {
  readonly budget: ExpositionBudget;
  readonly costs: PairCosts;
  /** Bytes of the labels of a path, or of a pair, without the value of host_ip. */
  labelBytes(path: RocePathView, queuePair: number | undefined): number;
}

/** Cells that show once they are above 0. */
const CELL_ITEMS: readonly { readonly cell: number; readonly item: PairItem }[] = [
  { cell: ROCE_CELL.sends, item: 'operation' },
  { cell: ROCE_CELL.writes, item: 'sizedOperation' },
  { cell: ROCE_CELL.reads, item: 'sizedOperation' },
  { cell: ROCE_CELL.compareSwaps, item: 'operation' },
  { cell: ROCE_CELL.fetchAdds, item: 'operation' },
  { cell: ROCE_CELL.atomicWrites, item: 'operation' },
  { cell: ROCE_CELL.flushes, item: 'operation' },
  { cell: ROCE_CELL.lengthMalformed, item: 'malformed' },
];

export class PairRoom {
  readonly #parts: PairRoomParts;
  /** what #measureRow() found. */
  #lines = 0;
  #bytes = 0;

  constructor(parts: PairRoomParts) {
    this.#parts = parts;
  }

  /** Whether a new pair fits, with its first row; it takes its lines then, but for those of the row. */
  takePair(
    pair: RocePair,
    isPathNew: boolean,
    perQueuePair: boolean,
    keys: Uint32Array,
    wordOffset: number,
    cells: Float64Array,
  ): boolean {
    const { costs, labelBytes } = this.#parts;
    const { path } = pair;
    const pathLabelBytes = isPathNew ? labelBytes(path, undefined) : 0;
    pair.labelBytes = perQueuePair ? labelBytes(path, pair.queuePair) : labelBytes(path, undefined);
    this.#measureRow(pair, keys, wordOffset, cells);
    const [rowLines, rowBytes] = [this.#lines, this.#bytes];
    this.#lines = 0;
    this.#bytes = 0;
    if (isPathNew) this.#add(costs.path, pathLabelBytes);
    const [pathLines, pathBytes] = [this.#lines, this.#bytes];
    this.#add(costs.pair, pair.labelBytes);
    if (!this.#fits(this.#lines + rowLines, this.#bytes + rowBytes)) return false;
    path.shownLines += pathLines;
    path.shownBytes += pathBytes;
    pair.shownLines = this.#lines - pathLines;
    pair.shownBytes = this.#bytes - pathBytes;
    this.#take(this.#lines, this.#bytes);
    return true;
  }

  /** A pair of a former process takes its lines, whether or not there is room: endSmallest() comes after. */
  takeFormerPair(pair: RocePair, isPathNew: boolean, perQueuePair: boolean): void {
    const { costs, labelBytes } = this.#parts;
    const { path } = pair;
    this.#lines = 0;
    this.#bytes = 0;
    if (isPathNew) this.#add(costs.path, labelBytes(path, undefined));
    path.shownLines += this.#lines;
    path.shownBytes += this.#bytes;
    this.#take(this.#lines, this.#bytes);
    this.#lines = 0;
    this.#bytes = 0;
    pair.labelBytes = labelBytes(path, perQueuePair ? pair.queuePair : undefined);
    this.#add(costs.pair, pair.labelBytes);
    const { length: combinations } = pair.traffic;
    for (let i = 0; i < combinations; i++) this.#add(costs.traffic, pair.labelBytes);
    for (let i = 0; i < pair.psn.size; i++) this.#add(costs.psn, pair.labelBytes);
    for (let i = 0; i < pair.partitions.size; i++) this.#add(costs.partition, pair.labelBytes);
    for (let i = 0; i < pair.malformed.size; i++) this.#add(costs.malformed, pair.labelBytes);
    for (const { cell, item } of CELL_ITEMS) {
      if (pair.cells[cell] !== 0) this.#add(costs[item], pair.labelBytes);
    }
    pair.shownLines = this.#lines;
    pair.shownBytes = this.#bytes;
    this.#take(this.#lines, this.#bytes);
  }

  /** Whether the pair may show what the row brings. Followed by takeRow(), where the pair adds it. */
  fitsRow(pair: RocePair, keys: Uint32Array, wordOffset: number, cells: Float64Array): boolean {
    this.#measureRow(pair, keys, wordOffset, cells);
    return this.#lines === 0 || this.#fits(this.#lines, this.#bytes);
  }

  takeRow(pair: RocePair): void {
    if (this.#lines === 0) return;
    pair.shownLines += this.#lines;
    pair.shownBytes += this.#bytes;
    this.#take(this.#lines, this.#bytes);
  }

  /** Whether the pairs there are have no more than they may; where not, it is said that the budget binds. */
  hasRoom(): boolean {
    return this.#fits(0, 0);
  }

  endPair(pair: RocePair): void {
    this.#take(-pair.shownLines, -pair.shownBytes);
  }

  endPath(path: RocePath): void {
    this.#take(-path.shownLines, -path.shownBytes);
  }

  #take(lines: number, bytes: number): void {
    const { budget } = this.#parts;
    budget.pairLines += lines;
    budget.pairBytes += bytes;
  }

  #fits(lines: number, bytes: number): boolean {
    const { budget } = this.#parts;
    if (bytes + lines * budget.hostIpBytes <= budget.pairFreeBytes) return true;
    budget.bound.note('max_exposition_bytes');
    return false;
  }

  #add({ lines, bytes }: LineCost, labelBytes: number): void {
    this.#lines += lines;
    this.#bytes += bytes + lines * labelBytes;
  }

  /** What the pair does not show yet, and would with this row. */
  #measureRow(pair: RocePair, keys: Uint32Array, wordOffset: number, cells: Float64Array): void {
    const { costs } = this.#parts;
    this.#lines = 0;
    this.#bytes = 0;
    const transport = transportOf(keys, wordOffset);
    if (transport === ROCE_TRANSPORT.malformed) {
      if (!pair.malformed.has(detailOf(keys, wordOffset))) this.#add(costs.malformed, pair.labelBytes);
    } else {
      const version = roceVersionOf(keys, wordOffset);
      const dscp = dscpOf(keys, wordOffset);
      if (!pair.hasTraffic(version, transport, dscp)) this.#add(costs.traffic, pair.labelBytes);
      if (hasPsn(transport) && !pair.psn.has(transport)) this.#add(costs.psn, pair.labelBytes);
      if (isPartitionNew(pair, pkeyOf(keys, wordOffset))) this.#add(costs.partition, pair.labelBytes);
    }
    for (const { cell, item } of CELL_ITEMS) {
      if (pair.cells[cell] !== 0 || (cells[cell] ?? 0) === 0) continue;
      this.#add(costs[item], pair.labelBytes);
    }
  }
}

function isPartitionNew(pair: RocePair, pkey: number): boolean {
  if (pkey === DEFAULT_PKEY || pair.partitions.has(pkey)) return false;
  return pair.partitions.size < PAIR_PARTITIONS_MAX || !pair.partitions.has(OTHER_PARTITIONS);
}
