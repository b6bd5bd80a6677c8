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
import type { SeriesKeeper } from './series-keeper.js';
import { FIRST, SeriesOrder } from './series-order.js';

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
  readonly #order = new SeriesOrder();
  /** Of the last row that had one. */
  #series = FIRST;
  #withFlow = 0;
  #unwanted = 0;

  constructor(parts: RowSorterParts) {
    this.#parts = parts;
  }

  begin(): void {
    this.#series = FIRST;
    this.#order.reserve(this.#parts.keeper.table.room);
    this.#withFlow = 0;
    this.#unwanted = 0;
  }

  /** Of the rows with a flow since begin(), the share that was wanted; 1 where there were none. */
  get wantedShare(): number {
    return this.#withFlow === 0 ? 1 : 1 - this.#unwanted / this.#withFlow;
  }

  /** Gives each row to its series (interval columns only), to the newcomers, or to the books. */
  sort(rows: FlowRows, from: number, to: number): void {
    const { keys } = rows;
    const { keep, mergeKey, newcomers, keeper } = this.#parts;
    const { table, books } = keeper;
    const { intervalPackets, intervalBytes } = table;
    const order = this.#order;
    let before = this.#series;
    for (let i = from; i < to; i++) {
      const packets = rows.packets[i] ?? 0;
      const bytes = rows.bytes[i] ?? 0;
      if (packets === 0 && bytes === 0) continue;
      const wordOffset = i * FLOW_ROW_WORDS;
      const kind = kindOf(keys, wordOffset);
      if (!hasFlow(kind)) {
        const frameReason = protocolOf(keys, wordOffset);
        books.addWithoutFlow(interfaceIdOf(keys, wordOffset), kind, frameReason, packets, bytes);
        continue;
      }
      this.#withFlow++;
      if (mergeKey !== undefined && !this.#merge(keys, wordOffset, packets, bytes)) continue;
      let series = order.after(before);
      if (!table.isOf(series, keys, wordOffset)) {
        const hash = this.#parts.hash(keys, wordOffset);
        series = table.find(keys, wordOffset, hash);
        if (series < 0) {
          // What has a series was wanted when it began; what was merged has been asked for.
          if (mergeKey !== undefined || keep(keys, wordOffset)) newcomers.add(rows, i, hash);
          else {
            this.#unwanted++;
            books.addUnshown(interfaceIdOf(keys, wordOffset), kind, 'filtered', packets, bytes);
          }
          continue;
        }
        order.learn(before, series);
      }
      before = series;
      intervalPackets[series] = (intervalPackets[series] ?? 0) + packets;
      intervalBytes[series] = (intervalBytes[series] ?? 0) + bytes;
    }
    this.#series = before;
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
