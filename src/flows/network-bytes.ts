// SPDX-License-Identifier: Apache-2.0
// How evenly the last interval's bytes spread over networks: whether one rail carries what eight should.

import { destinationNetworkOf, NETWORK_MAX, sourceNetworkOf } from '../abi/row-key.js';
import { ColumnReader, jsonColumn, type StateColumns, type StateProblem } from '../state-columns.js';

/** The busiest network's bytes over the mean of all in use that have carried any: 1 is even; 0 while idle. */
export interface NetworkImbalance {
  readonly src: number;
  readonly dst: number;
}

/** Numbers of the networks in use; another object when others are. */
export interface NumbersInUse {
  hasNumber(number: number): boolean;
}

export class NetworkBytes {
  readonly #networks: { readonly current: NumbersInUse };
  readonly #src = new Side();
  readonly #dst = new Side();
  #inUse: NumbersInUse;

  constructor(networks: { readonly current: NumbersInUse }) {
    this.#networks = networks;
    this.#inUse = networks.current;
  }

  /** A name that is gone is no network any more: it would stand among the idle ones for ever. */
  beginInterval(): void {
    this.#src.clear();
    this.#dst.clear();
    const { current } = this.#networks;
    if (current === this.#inUse) return;
    this.#inUse = current;
    this.#src.keepOnly(current);
    this.#dst.keepOnly(current);
  }

  /** Of a flow whose networks stand in its key. */
  add(keys: Uint32Array, wordOffset: number, bytes: number): void {
    this.#src.add(sourceNetworkOf(keys, wordOffset), bytes);
    this.#dst.add(destinationNetworkOf(keys, wordOffset), bytes);
  }

  /** Names of the networks that have carried bytes: for the next process they are idle ones, where they are in use. */
  exportState(nameOf: (number: number) => string): StateColumns {
    const names = ({ known }: Side): string[] => known.map((number) => nameOf(number));
    return { 'rails.facts': jsonColumn({ src: names(this.#src), dst: names(this.#dst) }) };
  }

  /** Before the first interval. */
  importState(columns: StateColumns, numberOf: (name: string) => number): StateProblem | undefined {
    const reader = new ColumnReader(columns, 'rails.');
    const facts = reader.json('facts');
    const [src, dst] = [reader.texts(facts['src'], 'src'), reader.texts(facts['dst'], 'dst')];
    if (reader.problem !== undefined) return { problem: reader.problem };
    const inUse = (names: readonly string[]): number[] =>
      names.map((name) => numberOf(name)).filter((number) => this.#inUse.hasNumber(number));
    this.#src.know(inUse(src));
    this.#dst.know(inUse(dst));
    return undefined;
  }

  get imbalance(): NetworkImbalance {
    return { src: this.#src.imbalance, dst: this.#dst.imbalance };
  }
}

/** Addresses without a network (number 0) are no rail. */
class Side {
  readonly #bytes = new Float64Array(NETWORK_MAX + 1);
  /** Numbers that have carried bytes since they came into use. */
  #known: number[] = [];
  readonly #isKnown = new Uint8Array(NETWORK_MAX + 1);

  clear(): void {
    for (const number of this.#known) this.#bytes[number] = 0;
  }

  keepOnly(inUse: NumbersInUse): void {
    this.#isKnown.fill(0);
    this.#known = this.#known.filter((number) => inUse.hasNumber(number));
    for (const number of this.#known) this.#isKnown[number] = 1;
  }

  get known(): readonly number[] {
    return this.#known;
  }

  know(numbers: readonly number[]): void {
    for (const number of numbers) {
      if (number === 0 || this.#isKnown[number] !== 0) continue;
      this.#isKnown[number] = 1;
      this.#known.push(number);
    }
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
