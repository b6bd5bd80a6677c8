// SPDX-License-Identifier: Apache-2.0
// How evenly the last interval's bytes spread over networks: whether one rail carries what eight should.

import { destinationNetworkOf, NETWORK_MAX, sourceNetworkOf } from '../abi/row-key.js';

/** The busiest network's bytes over the mean of all that carried any since the start: 1 is even; 0 while idle. */
export interface NetworkImbalance {
  readonly src: number;
  readonly dst: number;
}

export class NetworkBytes {
  readonly #src = new Side();
  readonly #dst = new Side();

  beginInterval(): void {
    this.#src.clear();
    this.#dst.clear();
  }

  /** Of a flow whose networks stand in its key. */
  add(keys: Uint32Array, wordOffset: number, bytes: number): void {
    this.#src.add(sourceNetworkOf(keys, wordOffset), bytes);
    this.#dst.add(destinationNetworkOf(keys, wordOffset), bytes);
  }

  get imbalance(): NetworkImbalance {
    return { src: this.#src.imbalance, dst: this.#dst.imbalance };
  }
}

/** Addresses without a network (number 0) are no rail. */
class Side {
  readonly #bytes = new Float64Array(NETWORK_MAX + 1);
  /** Numbers that carried bytes since the start. */
  readonly #known: number[] = [];
  readonly #isKnown = new Uint8Array(NETWORK_MAX + 1);

  clear(): void {
    for (const number of this.#known) this.#bytes[number] = 0;
  }

  add(number: number, bytes: number): void {
    if (number === 0 || bytes === 0) return;
    if (this.#isKnown[number] === 0) {
      this.#isKnown[number] = 1;
      this.#known.push(number);
    }
    this.#bytes[number] = (this.#bytes[number] ?? 0) + bytes;
  }

  get imbalance(): number {
    let sum = 0;
    let most = 0;
    for (const number of this.#known) {
      const bytes = this.#bytes[number] ?? 0;
      sum += bytes;
      if (bytes > most) most = bytes;
    }
    return sum === 0 ? 0 : (most * this.#known.length) / sum;
  }
}
