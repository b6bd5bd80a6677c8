// SPDX-License-Identifier: Apache-2.0
// Two addresses on an interface: the pairs between them, and how the traffic of the present interval
// spreads over queue pairs and source ports.

import { PortBytes } from './port-bytes.js';
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
  #bytes = 0;
  #mostBytes = 0;
  readonly #ports = new PortBytes();

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
    return this.#ports.count;
  }

  get sourcePortImbalance(): number {
    return this.#ports.busiestShare * this.#ports.count;
  }

  get busiestPortShare(): number {
    return this.#ports.busiestShare;
  }

  get busiestShare(): number {
    return this.#bytes === 0 ? 0 : this.#mostBytes / this.#bytes;
  }

  beginInterval(): void {
    this.#ports.clear();
    if (this.#bytesOf.size === 0) return;
    this.#bytesOf.clear();
    this.#bytes = 0;
    this.#mostBytes = 0;
  }

  /**
   * Packets to a queue pair of an application; sourcePort: of those that have portBytes, undefined for RoCE v1, which
   * has none.
   */
  addToInterval(queuePair: number, bytes: number, sourcePort: number | undefined, portBytes: number): void {
    const sum = (this.#bytesOf.get(queuePair) ?? 0) + bytes;
    this.#bytesOf.set(queuePair, sum);
    this.#bytes += bytes;
    if (sum > this.#mostBytes) this.#mostBytes = sum;
    if (sourcePort !== undefined) this.#ports.add(sourcePort, portBytes);
  }

  /** Bytes of these packets that had other source ports, by the low 8 bits of these. */
  addSpread(bytes: Float64Array): void {
    this.#ports.addSpread(bytes);
  }
}
