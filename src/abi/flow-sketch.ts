// SPDX-License-Identifier: Apache-2.0
// The kernel's count of flows that had no place in a flow map (struct flow_sketch of bpf/abi.h): the same hash
// of the same words, so that flows which are in a map can be told from them.

import { FLOW_KEY4, FLOW_KEY6 } from './layout.js';
import { FLOW_ROW_WORDS, type FlowRows } from './records.js';
import { interfaceIdOf, ipVersionOf } from './row-key.js';

const WORD_BYTES = 4;
const WORDS4 = FLOW_KEY4.size / WORD_BYTES;
const WORDS6 = FLOW_KEY6.size / WORD_BYTES;
const IFINDEX_WORD4 = FLOW_KEY4.ifindex / WORD_BYTES;
const IFINDEX_WORD6 = FLOW_KEY6.ifindex / WORD_BYTES;
/** Words of a row from the source address, the destination address, and the ports on. */
const ROW_PLACES4 = [0, 4, 8, 9, 10, 11] as const;

/** sketch_add() of bpf/count.h: 32 unsigned bits, of which the highest 14 name the register. */
export function sketchHash(words: Uint32Array, count: number, seed: number): number {
  let hash = seed | 0;
  for (let i = 0; i < count; i++) {
    hash = Math.imul(hash ^ (words[i] ?? 0), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The key of row number `row` as the kernel has it, into `out`; returns its words. */
export function kernelKeyOf(
  { keys }: FlowRows,
  row: number,
  ifindexOf: (interfaceId: number) => number,
  out: Uint32Array,
): number {
  const start = row * FLOW_ROW_WORDS;
  const ifindex = ifindexOf(interfaceIdOf(keys, start));
  if (ipVersionOf(keys, start) === 4) {
    for (let i = 0; i < WORDS4; i++) out[i] = keys[start + (ROW_PLACES4[i] ?? 0)] ?? 0;
    out[IFINDEX_WORD4] = ifindex;
    return WORDS4;
  }
  for (let i = 0; i < WORDS6; i++) out[i] = keys[start + i] ?? 0;
  out[IFINDEX_WORD6] = ifindex;
  return WORDS6;
}

/** Words of the longest key. */
export const KERNEL_KEY_WORDS_MAX = WORDS6;
