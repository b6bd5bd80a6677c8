// SPDX-License-Identifier: Apache-2.0
// Two addresses on an interface: the pairs between them, and how the traffic of the present interval
// spreads over queue pairs and source ports.

import type { RocePathView } from './views.js';

/** Queue pairs 0 (subnet management) and 1 (connection management) belong to no application. */
export const MANAGEMENT_QUEUE_PAIR_MAX = 1;

/** Pair: what the table keeps by queue pair. */
export class RocePath<Pair = unknown> implements RocePathView {
  readonly interfaceId: number;
  readonly addresses: Uint32Array;
  readonly hash: number;
  /** By queue pair; by 0 alone where they are not told apart. */
  readonly pairs = new Map<number, Pair>();
  /** Place in the table's list. */
  place = 0;
  /** Lines of an exposition, and their bytes, as PairRoom has them. */
  shownLines = 0;
  shownBytes = 0;

  readonly #bytesOf = new Map<number, number>();
  readonly #bytesOfPort = new Map<number, number>();
  #bytes = 0;
  #mostBytes = 0;
  #portBytes = 0;
  #mostPortBytes = 0;

  /** addresses is kept: nobody else may write to it. */
  constructor(interfaceId: number, addresses: Uint32Array, hash: number) {
    this.interfaceId = interfaceId;
    this.addresses = addresses;
    this.hash = hash;
  }

  get queuePairs(): number {
    return this.#bytesOf.size;
  }

  get sourcePorts(): number {
    return this.#bytesOfPort.size;
  }

  get sourcePortImbalance(): number {
    return this.#portBytes === 0 ? 0 : (this.#mostPortBytes * this.#bytesOfPort.size) / this.#portBytes;
  }

  get busiestShare(): number {
    return this.#bytes === 0 ? 0 : this.#mostBytes / this.#bytes;
  }

  beginInterval(): void {
    if (this.#bytesOf.size === 0) return;
    this.#bytesOf.clear();
    this.#bytesOfPort.clear();
    this.#portBytes = 0;
    this.#mostPortBytes = 0;
    this.#bytes = 0;
    this.#mostBytes = 0;
  }

  /** Packets to a queue pair of an application; sourcePort is undefined for RoCE v1, which has none. */
  addToInterval(queuePair: number, sourcePort: number | undefined, bytes: number): void {
    const sum = (this.#bytesOf.get(queuePair) ?? 0) + bytes;
    this.#bytesOf.set(queuePair, sum);
    this.#bytes += bytes;
    if (sum > this.#mostBytes) this.#mostBytes = sum;
    if (sourcePort === undefined) return;
    const portSum = (this.#bytesOfPort.get(sourcePort) ?? 0) + bytes;
    this.#bytesOfPort.set(sourcePort, portSum);
    this.#portBytes += bytes;
    if (portSum > this.#mostPortBytes) this.#mostPortBytes = portSum;
  }
}
