// SPDX-License-Identifier: Apache-2.0
// What flows without a series carried lately, so that one that stays larger than a holder wins in the
// end, however little of it falls into one interval. Bounded and forgetful: sets of four places, and
// when one is full its smallest flow is forgotten. It knows flows by two hashes, not by their keys: two
// that agree in both are taken for one, which is rare, and no count depends on it.

import { createKeyHash, type KeyHash } from './key-hash.js';

const WAYS = 4;
const MIN_SETS = 4096;
/** Weights grow by 2 every half-life; they are brought down long before a double ends at 2^1023. */
const MAX_HALF_LIVES = 400;

export interface WaitingFlowsOptions {
  /** Twice as many flows are remembered, 12 bytes each; nothing is allocated before the first. */
  readonly maxSeries: number;
  readonly halfLifeMs: number;
  /** 32 random bits, new in every process. */
  readonly hashSeed: number;
}

export class WaitingFlows {
  /** Chooses the set. */
  readonly #setHash: KeyHash;
  /** Tells the flows of a set apart: with the set's hash for that, a scan's flows met twice in 15 s. */
  readonly #tagHash: KeyHash;
  readonly #halfLifeMs: number;
  readonly #sets: number;
  #tags = new Uint32Array(0);
  /**
   * Bytes times the weight of their time; 0 = free. Weights grow where bytes should fade, so that time
   * passes without a change to any place, and the smaller of two is the same at any time.
   */
  #weighted = new Float64Array(0);
  #originMs = 0;
  #weight = 1;

  constructor(options: WaitingFlowsOptions) {
    this.#setHash = createKeyHash(options.hashSeed);
    this.#tagHash = createKeyHash(~options.hashSeed);
    this.#halfLifeMs = options.halfLifeMs;
    let sets = MIN_SETS;
    while (WAYS * sets < 2 * options.maxSeries) sets *= 2;
    this.#sets = sets;
  }

  /** What is added and taken from now on is of this time, which never goes back. */
  moveTo(nowMs: number): void {
    const halfLives = (nowMs - this.#originMs) / this.#halfLifeMs;
    if (halfLives <= MAX_HALF_LIVES) {
      this.#weight = 2 ** halfLives;
      return;
    }
    const share = 2 ** -halfLives;
    for (let i = 0; i < this.#weighted.length; i++) this.#weighted[i] = (this.#weighted[i] ?? 0) * share;
    this.#originMs = nowMs;
    this.#weight = 1;
  }

  /** Recent bytes of the flow whose key stands at words[wordOffset], 0 if none; it is forgotten then. */
  take(words: Uint32Array, wordOffset: number): number {
    if (this.#weighted.length === 0) return 0;
    const first = this.#firstPlace(words, wordOffset);
    const tag = this.#tagHash(words, wordOffset);
    for (let place = first; place < first + WAYS; place++) {
      const weighted = this.#weighted[place] ?? 0;
      if (weighted === 0 || this.#tags[place] !== tag) continue;
      this.#weighted[place] = 0;
      return weighted / this.#weight;
    }
    return 0;
  }

  /**
   * The flow carried so much more: returns its recent bytes with what is remembered of it. Where there is
   * no place for it, as all flows of its set are larger, that is nothing.
   */
  add(words: Uint32Array, wordOffset: number, bytes: number): number {
    if (this.#weighted.length === 0) {
      this.#weighted = new Float64Array(WAYS * this.#sets);
      this.#tags = new Uint32Array(WAYS * this.#sets);
    }
    const first = this.#firstPlace(words, wordOffset);
    const tag = this.#tagHash(words, wordOffset);
    const added = bytes * this.#weight;
    let smallest = first;
    let least = Number.POSITIVE_INFINITY;
    for (let place = first; place < first + WAYS; place++) {
      const weighted = this.#weighted[place] ?? 0;
      if (weighted > 0 && this.#tags[place] === tag) {
        this.#weighted[place] = weighted + added;
        return weighted / this.#weight + bytes;
      }
      if (weighted < least) {
        smallest = place;
        least = weighted;
      }
    }
    if (added > least) {
      this.#weighted[smallest] = added;
      this.#tags[smallest] = tag;
    }
    return bytes;
  }

  #firstPlace(words: Uint32Array, wordOffset: number): number {
    return WAYS * (this.#setHash(words, wordOffset) & (this.#sets - 1));
  }
}
