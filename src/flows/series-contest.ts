// SPDX-License-Identifier: Apache-2.0
// Who gets a series when there are more newcomers than room: the biggest of this interval, and
// beyond the room only those that carried clearly more than the smallest holder. It only judges;
// entering, ending and booking are the caller's.

import type { Pacer } from '../pacer.js';
import type { FlowTable } from './flow-table.js';
import { MinHeap } from './min-heap.js';
import type { Newcomers } from './newcomers.js';

/**
 * A newcomer must have carried more than this many times the holder's bytes. Two flows of about
 * the same size would otherwise take the series from each other at every interval, and a counter
 * that starts anew each time is worth less than none.
 */
const DISPLACE_FACTOR = 2;
/** Measured. */
const FILL_NS = 5;

export class SeriesContest {
  /** Newcomers, biggest first: ranked by minus their bytes. */
  readonly #challengers = new MinHeap();
  /** Holders, smallest first; idle ones before all others, the longest idle first. */
  readonly #holders = new MinHeap();
  #room = 0;
  #allWin = false;
  /** After next(): the row of the holder whose series the winner takes, -1 when there was room. */
  displacedRow = -1;

  /**
   * @param nowMs on the clock of table.lastSeenMs.
   */
  async begin(newcomers: Newcomers, table: FlowTable, nowMs: number, pacer: Pacer): Promise<void> {
    const challengers = this.#challengers;
    const holders = this.#holders;
    this.#room = table.maxSeries - table.count;
    challengers.reset(newcomers.count);
    holders.reset(table.count);
    await pacer.run(newcomers.count, FILL_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const row = newcomers.rows[i] ?? 0;
        challengers.append(row, -(newcomers.bytes[row] ?? 0));
      }
    });
    this.#allWin = newcomers.count <= this.#room;
    if (this.#allWin) return; // no order is needed
    await pacer.run(table.count, FILL_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const row = table.slots[i] ?? 0;
        const bytes = table.intervalBytes[row] ?? 0;
        holders.append(row, bytes > 0 ? bytes : (table.lastSeenMs[row] ?? 0) - nowMs - 1);
      }
    });
    await challengers.heapify(pacer);
    await holders.heapify(pacer);
  }

  /** The newcomer (its row in the drain) that gets the next series; -1 when no other wins. */
  next(): number {
    const challengers = this.#challengers;
    this.displacedRow = -1;
    if (challengers.length === 0) return -1;
    if (this.#allWin) return challengers.popUnordered();
    if (this.#room > 0) {
      this.#room--;
      return challengers.pop();
    }
    const holderBytes = Math.max(0, this.#holders.topRank());
    if (!(-challengers.topRank() > DISPLACE_FACTOR * holderBytes)) return -1;
    this.displacedRow = this.#holders.pop();
    return challengers.pop();
  }

  /** Newcomers that next() has not given a series to (yet). */
  get leftCount(): number {
    return this.#challengers.length;
  }

  /** Number i of those, by its row in the drain, in no particular order. */
  leftAt(i: number): number {
    return this.#challengers.itemAt(i);
  }
}
