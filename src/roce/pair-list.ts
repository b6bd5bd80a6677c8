// SPDX-License-Identifier: Apache-2.0
// The pairs that live and their paths: who enters, who leaves, and where the totals of the latter go. Who
// gets a pair, and when it is idle for too long, is for the table to say.

import { ROCE_CELL } from '../abi/roce-records.js';
import { MinHeap } from '../flows/min-heap.js';
import type { Pacer } from '../pacer.js';
import type { OtherCounts } from './other-counts.js';
import type { PairRoom } from './pair-room.js';
import { PathIndex } from './path-index.js';
import type { RocePair } from './roce-pair.js';
import type { RocePath } from './roce-path.js';
import type { RoceOtherReason } from './views.js';

/** Prices of a step, nanoseconds. */
const RANK_NS = 20;
const END_NS = 1000;

export class PairList {
  readonly pairs: RocePair[] = [];
  readonly paths: RocePath<RocePair>[] = [];
  readonly #index = new PathIndex<RocePath<RocePair>>();
  readonly #others: OtherCounts;
  readonly #room: PairRoom | undefined;
  readonly #bySize = new MinHeap();

  constructor(parts: { readonly others: OtherCounts; readonly room: PairRoom | undefined }) {
    this.#others = parts.others;
    this.#room = parts.room;
  }

  findPath(hash: number, key: Uint32Array): RocePath<RocePair> | undefined {
    return this.#index.find(hash, key);
  }

  /** A pair that has room, and its path with it where that is new. */
  add(pair: RocePair, isPathNew: boolean): void {
    const { path } = pair;
    if (isPathNew) {
      path.place = this.paths.push(path) - 1;
      this.#index.insert(path);
    }
    pair.place = this.pairs.push(pair) - 1;
    path.pairs.set(pair.queuePair, pair);
  }

  /** Its totals go to the reason, and its path with it where it was the last. */
  end(pair: RocePair, reason: RoceOtherReason): void {
    const { path } = pair;
    this.bookEnded(pair, reason);
    takeOut(this.pairs, pair);
    this.#room?.endPair(pair);
    path.pairs.delete(pair.queuePair);
    if (path.pairs.size > 0) return;
    takeOut(this.paths, path);
    this.#room?.endPath(path);
    this.#index.remove(path);
  }

  /** The totals of a pair that is in no list, or no more, go to the reason. */
  bookEnded(pair: RocePair, reason: RoceOtherReason): void {
    const toOthers = (version: number, packets: number, bytes: number): void =>
      this.#others.add(pair.path.interfaceId, version, reason, packets, bytes);
    for (const { version, packets, bytes } of pair.traffic) toOthers(version, packets, bytes);
    toOthers(0, pair.malformedPackets, pair.malformedBytes);
  }

  async endAll(reason: RoceOtherReason, pacer: Pacer): Promise<void> {
    for (let pair = this.pairs.at(-1); pair !== undefined; pair = this.pairs.at(-1)) {
      this.end(pair, reason);
      if (pacer.note(END_NS)) await pacer.turn();
    }
  }

  /** Ends all, and forgets what is in no pair: as if nothing had been counted yet. */
  async beginAnew(pacer: Pacer): Promise<void> {
    for (let last = this.pairs.at(-1); last !== undefined; last = this.pairs.at(-1)) {
      this.end(last, 'expired');
      if (pacer.note(END_NS)) await pacer.turn();
    }
    this.#others.clear();
  }

  /** Ends those that carried the fewest bytes until the others have room; returns how many. */
  async endSmallest(pacer: Pacer): Promise<number> {
    const room = this.#room;
    if (room === undefined || room.hasRoom() || this.pairs.length === 0) return 0;
    const pairs = this.pairs.slice();
    const heap = this.#bySize;
    heap.reset(pairs.length);
    await pacer.run(pairs.length, RANK_NS, (from, to) => {
      for (let i = from; i < to; i++) heap.append(i, pairs[i]?.cells[ROCE_CELL.bytes] ?? 0);
    });
    await heap.heapify(pacer);
    let ended = 0;
    while (heap.length > 0 && !room.hasRoom()) {
      this.end(pairs[heap.pop()] as RocePair, 'max_pairs'); // it has the places of these alone
      ended++;
      if (pacer.note(END_NS)) await pacer.turn();
    }
    return ended;
  }
}

/** The last one takes its place. */
function takeOut<T extends { place: number }>(list: T[], one: T): void {
  const last = list.pop();
  if (last === undefined || last === one) return;
  list[one.place] = last;
  last.place = one.place;
}
