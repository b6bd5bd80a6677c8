// SPDX-License-Identifier: Apache-2.0
// What each RoCE pair carried in the last refresh, while somebody looks: differences of its totals, which are
// all that the table has. The 100 largest are followed.

import { ROCE_CELL } from '../abi/roce-records.js';
import type { Pacer } from '../pacer.js';
import type { RocePairView } from '../roce/views.js';
import { FOLLOWED_MAX, FollowedRows } from './followed-rows.js';
import { LargestRows } from './largest-rows.js';
import type { TimedRefresh } from './rate-history.js';

/** Places of a pair's numbers; the first one is its size. */
export const PAIR_NUMBER = {
  payloadBytes: 0,
  bytes: 1,
  packets: 2,
  cePackets: 3,
  cnpPackets: 4,
  naks: 5,
  rnrNaks: 6,
  psnGaps: 7,
  retransmitted: 8,
  psnGapPackets: 9,
  /** Packets of which the ECN bits are known. */
  ecnPackets: 10,
} as const;
export const PAIR_NUMBERS = Object.keys(PAIR_NUMBER).length;
/** Those that have a history: the first so many. */
export const PAIR_HISTORY_NUMBERS = 9;

const ECN_CODEPOINTS = 4;
const CE = 3;
const NAK_CODES = 6;
/** Price of a pair for the pacer, nanoseconds. */
const PAIR_NS = 400;

interface Noted {
  readonly totals: Float64Array;
  /** In the last refresh; meaningless while isNew. */
  readonly grown: Float64Array;
  /** It was there before anybody looked, and nobody knows since when it has what it has. */
  isNew: boolean;
  /** Number of the last note(). */
  seenIn: number;
}

export class PairRates {
  readonly followed = new FollowedRows<RocePairView>(PAIR_HISTORY_NUMBERS);
  readonly #pacer: Pacer;
  readonly #noted = new Map<RocePairView, Noted>();
  #notes = 0;

  constructor(pacer: Pacer) {
    this.#pacer = pacer;
  }

  /** Pairs whose counts are kept. */
  get size(): number {
    return this.#noted.size;
  }

  /** What the pair carried in the last refresh, by PAIR_NUMBER; undefined where that is not known. */
  grownOf(pair: RocePairView): Float64Array | undefined {
    const noted = this.#noted.get(pair);
    return noted === undefined || noted.isNew ? undefined : noted.grown;
  }

  /** A refresh is over; pairs must stay as they are until it resolves. */
  async note(pairs: readonly RocePairView[], refresh: TimedRefresh): Promise<void> {
    const isFirst = this.#notes === 0;
    this.#notes++;
    const largest = new LargestRows(FOLLOWED_MAX);
    await this.#pacer.run(pairs.length, PAIR_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const pair = pairs[i];
        if (pair === undefined) continue;
        const { grown } = this.#noteOne(pair, isFirst);
        largest.offer(
          i,
          this.followed.rankOf(pair, grown[PAIR_NUMBER.payloadBytes] ?? 0),
          grown[PAIR_NUMBER.bytes] ?? 0,
        );
      }
    });
    await this.#forgetEnded(pairs.length);
    if (isFirst) return;
    const chosen = largest.take().flatMap((i) => pairs[i] ?? []);
    this.followed.add(chosen, refresh, (pair, values, at) => {
      const { grown } = this.#noted.get(pair) ?? {};
      if (grown === undefined) return;
      for (let i = 0; i < PAIR_HISTORY_NUMBERS; i++) values[at + i] = grown[i] ?? 0;
    });
  }

  /** Nobody looks any more. */
  clear(): void {
    this.#noted.clear();
    this.#notes = 0;
    this.followed.clear();
  }

  #noteOne(pair: RocePairView, isFirst: boolean): Noted {
    const noted = this.#noted.get(pair) ?? {
      totals: new Float64Array(PAIR_NUMBERS),
      grown: new Float64Array(PAIR_NUMBERS),
      isNew: isFirst,
      seenIn: 0,
    };
    if (noted.seenIn === 0) this.#noted.set(pair, noted);
    else noted.isNew = false;
    noted.seenIn = this.#notes;
    const { totals, grown } = noted;
    grown.set(totals);
    readPairTotals(pair, totals);
    for (let i = 0; i < PAIR_NUMBERS; i++) {
      grown[i] = noted.isNew ? 0 : Math.max(0, (totals[i] ?? 0) - (grown[i] ?? 0));
    }
    return noted;
  }

  async #forgetEnded(pairCount: number): Promise<void> {
    if (this.#noted.size <= pairCount) return;
    for (const [pair, { seenIn }] of this.#noted) {
      if (seenIn === this.#notes) continue;
      this.#noted.delete(pair);
      this.followed.end(pair);
      if (this.#pacer.note(PAIR_NS)) await this.#pacer.turn();
    }
  }
}

/** Since the pair began, by PAIR_NUMBER. */
export function readPairTotals(pair: RocePairView, totals: Float64Array): void {
  const { cells } = pair;
  let payloadBytes = 0;
  for (const traffic of pair.traffic) payloadBytes += traffic.payloadBytes;
  let gaps = 0;
  let gapPackets = 0;
  let retransmitted = 0;
  for (const psn of pair.psn.values()) {
    gaps += psn.gaps;
    gapPackets += psn.gapPackets;
    retransmitted += psn.retransmitted;
  }
  totals[PAIR_NUMBER.payloadBytes] = payloadBytes;
  totals[PAIR_NUMBER.bytes] = cells[ROCE_CELL.bytes] ?? 0;
  totals[PAIR_NUMBER.packets] = cells[ROCE_CELL.packets] ?? 0;
  totals[PAIR_NUMBER.cePackets] = cells[ROCE_CELL.ecn + CE] ?? 0;
  totals[PAIR_NUMBER.cnpPackets] = pair.cnpPackets;
  totals[PAIR_NUMBER.naks] = sumOfCells(cells, ROCE_CELL.naks, NAK_CODES);
  totals[PAIR_NUMBER.rnrNaks] = cells[ROCE_CELL.rnrNaks] ?? 0;
  totals[PAIR_NUMBER.psnGaps] = gaps;
  totals[PAIR_NUMBER.psnGapPackets] = gapPackets;
  totals[PAIR_NUMBER.retransmitted] = retransmitted;
  totals[PAIR_NUMBER.ecnPackets] = sumOfCells(cells, ROCE_CELL.ecn, ECN_CODEPOINTS);
}

function sumOfCells(cells: Float64Array, first: number, count: number): number {
  let sum = 0;
  for (let i = first; i < first + count; i++) sum += cells[i] ?? 0;
  return sum;
}
