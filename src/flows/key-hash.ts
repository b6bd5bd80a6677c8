// SPDX-License-Identifier: Apache-2.0
// The hash of a row's key, or of another key of so many words. Senders choose addresses and ports, so it
// is keyed: whoever does not know the seed cannot aim many flows at one place of the table.

import { FLOW_ROW_WORDS } from '../abi/records.js';

/** 32 unsigned bits from the words of the key that starts at `wordOffset`. */
export type KeyHash = (words: Uint32Array, wordOffset: number) => number;

/**
 * Multilinear hash over the half words, one secret multiplier each. Two different keys differ in
 * some half word by d with at most 15 trailing zero bits, so multiplier x d mod 2^32 takes 2^17
 * values or more, and the two meet with probability 2^-17 at most, whichever keys were chosen.
 * (Whole words would not do: a difference in bit 31 only leaves two values.) The closing rounds
 * are murmur3's: a permutation, so they add no collision, but neighbours part.
 *
 * @param seed 32 bits, random per process.
 * @param keyWords 32-bit words of a key.
 */
export function createKeyHash(seed: number, keyWords: number = FLOW_ROW_WORDS): KeyHash {
  const multipliers = new Int32Array(2 * keyWords);
  let state = seed | 0;
  for (let i = 0; i < multipliers.length; i++) {
    state = (state + 0x9e3779b9) | 0; // 2^32 / golden ratio: Weyl sequence, as in splitmix
    multipliers[i] = mix(state);
  }
  return (words, wordOffset) => {
    let sum = 0;
    for (let i = 0; i < keyWords; i++) {
      const word = words[wordOffset + i] ?? 0;
      if (word === 0) continue; // adds nothing, and is every second word of an IPv4 row
      sum = (sum + Math.imul(word & 0xffff, multipliers[2 * i] ?? 0)) | 0;
      sum = (sum + Math.imul(word >>> 16, multipliers[2 * i + 1] ?? 0)) | 0;
    }
    return mix(sum) >>> 0;
  };
}

function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
