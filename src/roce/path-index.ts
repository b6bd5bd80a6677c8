// SPDX-License-Identifier: Apache-2.0
// Finds a path by interface and addresses. Senders choose addresses, so the hash is keyed: whoever does
// not know the seed cannot aim many paths at one place.
import { ADDRESS_WORDS } from './address-masks.js';
import type { RocePath } from './roce-path.js';

/** Both addresses, then the interface id. */
export const PATH_KEY_WORDS = 2 * ADDRESS_WORDS + 1;

/** 32 bits from a path's key. */
export type PathHash = (key: Uint32Array) => number;

/**
 * As createKeyHash() of src/flows: multilinear over half words with secret multipliers, closed by
 * murmur3's rounds. Any two keys meet with probability 2^-17 at most.
 */
export function createPathHash(seed: number): PathHash {
  const multipliers = new Int32Array(2 * PATH_KEY_WORDS);
  let state = seed | 0;
  for (let i = 0; i < multipliers.length; i++) {
    state = (state + 0x9e3779b9) | 0; // 2^32 / golden ratio
    multipliers[i] = mix(state);
  }
  return (key) => {
    let sum = 0;
    for (let i = 0; i < PATH_KEY_WORDS; i++) {
      const word = key[i] ?? 0;
      sum = (sum + Math.imul(word & 0xffff, multipliers[2 * i] ?? 0)) | 0;
      sum = (sum + Math.imul(word >>> 16, multipliers[2 * i + 1] ?? 0)) | 0;
    }
    return mix(sum);
  };
}

function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

export class PathIndex {
  /** By hash; paths of one hash, which are next to none, stand in a row. */
  readonly #chains = new Map<number, RocePath[]>();

  find(hash: number, key: Uint32Array): RocePath | undefined {
    const chain = this.#chains.get(hash);
    if (chain === undefined) return undefined;
    for (const path of chain) {
      if (isPathOf(path, key)) return path;
    }
    return undefined;
  }

  insert(path: RocePath): void {
    const chain = this.#chains.get(path.hash);
    if (chain === undefined) this.#chains.set(path.hash, [path]);
    else chain.push(path);
  }

  remove(path: RocePath): void {
    const rest = (this.#chains.get(path.hash) ?? []).filter((one) => one !== path);
    if (rest.length === 0) this.#chains.delete(path.hash);
    else this.#chains.set(path.hash, rest);
  }
}

function isPathOf(path: RocePath, key: Uint32Array): boolean {
  for (let i = 0; i < 2 * ADDRESS_WORDS; i++) {
    if (path.addresses[i] !== key[i]) return false;
  }
  return path.interfaceId === key[2 * ADDRESS_WORDS];
}
