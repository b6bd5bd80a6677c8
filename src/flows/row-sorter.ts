// SPDX-License-Identifier: Apache-2.0
// Where each row of a drain goes: to its series, to the newcomers, or, where nobody wants it or it has no flow,
// to the books. Hot: once a row.

import { hasFlow } from '../abi/kinds.js';
import { FLOW_ROW_WORDS, type FlowRows } from '../abi/records.js';
import { interfaceIdOf, kindOf, protocolOf } from '../abi/row-key.js';
import type { FlowFilter } from './filter.js';
import type { KeyHash } from './key-hash.js';
import type { MergeKey } from './key-merger.js';
import type { NetworkBytes } from './network-bytes.js';
import type { Newcomers } from './newcomers.js';
import { LOT_ROWS, RowLot } from './row-lot.js';
import { SeriesFinder } from './series-finder.js';
import type { SeriesKeeper } from './series-keeper.js';

export interface RowSorterParts {
  readonly keep: FlowFilter;
  readonly mergeKey?: MergeKey | undefined;
  readonly networkBytes?: NetworkBytes | undefined;
  readonly hash: KeyHash;
  readonly keeper: SeriesKeeper;
  readonly newcomers: Newcomers;
}

export class RowSorter {
  readonly #parts: RowSorterParts;
  readonly #finder: SeriesFinder;
  readonly #lot = new RowLot();
  #withFlow = 0;
  #unwanted = 0;

  constructor(parts: RowSorterParts) {
    this.#parts = parts;
    this.#finder = new SeriesFinder(parts.keeper.table, parts.hash);
  }

  /** A drain begins. */
  begin(): void {
    this.#finder.begin();
    this.#withFlow = 0;
    this.#unwanted = 0;
  }

  /** Of the rows with a flow since begin(), the share that was wanted; 1 where there were none. */
  get wantedShare(): number {
    return this.#withFlow === 0 ? 1 : 1 - this.#unwanted / this.#withFlow;
  }

  /** Gives each row to its series (interval columns only), to the newcomers, or to the books. */
  sort(rows: FlowRows, from: number, to: number): void {
    for (let at = from; at < to; at += LOT_ROWS) {
      this.#collect(rows, at, Math.min(to, at + LOT_ROWS));
      this.#finder.find(rows.keys, this.#lot);
      this.#countKnown(rows);
      this.#countOthers(rows);
    }
  }

  /** Rows of flows that may have a series become the lot; others are booked. */
  #collect(rows: FlowRows, from: number, to: number): void {
    const { keys } = rows;
    const { mergeKey, keeper } = this.#parts;
    const lot = this.#lot;
    lot.count = 0;
    for (let i = from; i < to; i++) {
      const packets = rows.packets[i] ?? 0;
      const bytes = rows.bytes[i] ?? 0;
      if (packets === 0 && bytes === 0) continue;
      const wordOffset = i * FLOW_ROW_WORDS;
      const kind = kindOf(keys, wordOffset);
      if (!hasFlow(kind)) {
        const frameReason = protocolOf(keys, wordOffset);
        const interfaceId = interfaceIdOf(keys, wordOffset);
        keeper.books.addWithoutFlow(interfaceId, kind, frameReason, packets, bytes);
        continue;
      }
      this.#withFlow++;
      if (mergeKey !== undefined && !this.#merge(keys, wordOffset, packets, bytes)) continue;
      lot.rows[lot.count++] = i;
    }
  }

  #countKnown({ packets, bytes }: FlowRows): void {
    const { intervalPackets, intervalBytes } = this.#parts.keeper.table;
    const { rows, series, count } = this.#lot;
    for (let i = 0; i < count; i++) {
      const known = series[i] ?? -1;
      if (known < 0) continue;
      const row = rows[i] ?? 0;
      intervalPackets[known] = (intervalPackets[known] ?? 0) + (packets[row] ?? 0);
      intervalBytes[known] = (intervalBytes[known] ?? 0) + (bytes[row] ?? 0);
    }
  }

  /** Those without a series: to the newcomers, where somebody wants them. */
  #countOthers(drain: FlowRows): void {
    const { keys, packets, bytes } = drain;
    const { keep, mergeKey, newcomers, keeper } = this.#parts;
    const { rows, hashes, series, count } = this.#lot;
    newcomers.expect(this.#lot);
    for (let i = 0; i < count; i++) {
      if ((series[i] ?? -1) >= 0) continue;
      const row = rows[i] ?? 0;
      const wordOffset = row * FLOW_ROW_WORDS;
      // What has a series was wanted when it began; what was merged has been asked for.
      if (mergeKey !== undefined || keep(keys, wordOffset)) {
        newcomers.add(drain, row, hashes[i] ?? 0);
        continue;
      }
      this.#unwanted++;
      const interfaceId = interfaceIdOf(keys, wordOffset);
      const kind = kindOf(keys, wordOffset);
      keeper.books.addUnshown(interfaceId, kind, 'filtered', packets[row] ?? 0, bytes[row] ?? 0);
    }
  }

  /** Whether the flow is wanted, and then merges its key; else books it. */
  #merge(keys: Uint32Array, wordOffset: number, packets: number, bytes: number): boolean {
    const { keep, mergeKey, networkBytes, keeper } = this.#parts;
    const { books } = keeper;
    const from = books.ledgerNumber(interfaceIdOf(keys, wordOffset), kindOf(keys, wordOffset));
    if (!keep(keys, wordOffset)) {
      this.#unwanted++;
      books.addCarried(from, packets, bytes);
      books.addOther(from, 'filtered', packets, bytes);
      return false;
    }
    mergeKey?.(keys, wordOffset);
    const to = books.ledgerNumber(interfaceIdOf(keys, wordOffset), kindOf(keys, wordOffset));
    networkBytes?.add(keys, wordOffset, bytes);
    if (to !== from) books.addMerged(from, to, packets, bytes);
    return true;
  }
}
