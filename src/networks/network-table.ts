// SPDX-License-Identifier: Apache-2.0
// The number of the longest network that an address lies in, for addresses as flow rows have them. Immutable.
//
// Measured with 300,000 networks of one version, half of them within others (bench/results/networks.json):
// IPv4 0.4 s to load, 6 bytes a network (12 at most), 120 ns to look up an address drawn at random, 30 ns where
// nine in ten were among the last thousand; IPv6 0.7 s, 18 bytes (36), 180 ns, 70 ns. Longest stall 4 ms.

import { swapBytes } from '../abi/row-key.js';
import type { Pacer } from '../pacer.js';
import { NO_NETWORK, OTHER_NETWORK } from './network-names.js';
import { buildRanges, type NetworkRanges } from './network-ranges.js';
import { PrefixColumns, type PrefixList } from './prefix-list.js';

export interface NetworkTable {
  /** NO_NETWORK where there is none. `word`: the address's bytes in wire order, read by a little endian machine. */
  numberOf4(word: number): number;
  /**
   * The same for the four such words from `offset`. ::ffff:a.b.c.d is the IPv4 address a.b.c.d, as in GIDs of
   * RoCE: the networks of IPv4 have it, and with them those IPv6 networks that are written within
   * ::ffff:0:0/96, of which the longest counts, and of equals that of IPv6. Wider ones (::/0) do not.
   */
  numberOf6(words: Uint32Array, offset: number): number;
  /** Whether any of them has the name of this number. */
  hasNumber(number: number): boolean;
  /** Networks. */
  readonly prefixes: number;
  /** Bits of the longest network, 0 where there is none. IPv4's also count, 96 more, for ::ffff:a.b.c.d. */
  readonly longestBits4: number;
  readonly longestBits6: number;
}

/** How a list's networks lie by address: sortPrefixes() of its columns. */
export interface PrefixOrders {
  readonly v4: Uint32Array;
  readonly v6: Uint32Array;
  /** Of the columns of mappedColumns(). */
  readonly mapped: Uint32Array;
}

/** ::ffff:0:0/96 as a row has it. */
const MAPPED_ROW_WORD = 0xffff_0000;
const MAPPED_BITS = 96;
const NETWORK_NUMBERS = OTHER_NETWORK + 1;
/** Of one network. */
const SCAN_STEP_NS = 10;

export async function createNetworkTable(
  list: PrefixList,
  mapped: PrefixColumns,
  orders: PrefixOrders,
  numbers: Uint16Array,
  pacer: Pacer,
): Promise<NetworkTable> {
  const v4 = await buildRanges(list.v4, orders.v4, numbers, pacer);
  const v6 = await buildRanges(list.v6, orders.v6, numbers, pacer);
  const v4InV6 = mapped.length === 0 ? v4 : await buildRanges(mapped, orders.mapped, numbers, pacer);
  const [longestBits4, longestBits6] = [await longestBits(list.v4, pacer), await longestBits(list.v6, pacer)];
  const given = new Uint8Array(NETWORK_NUMBERS);
  for (const number of numbers) given[number] = 1;
  return {
    hasNumber: (number) => given[number] === 1,
    numberOf4: (word) => numberOfWord(v4, word),
    numberOf6(words, offset) {
      const isMapped =
        words[offset + 2] === MAPPED_ROW_WORD && words[offset] === 0 && words[offset + 1] === 0;
      return isMapped ? numberOfWord(v4InV6, words[offset + 3] ?? 0) : numberOfWords(v6, words, offset);
    },
    prefixes: list.length,
    longestBits4,
    longestBits6,
  };
}

/**
 * IPv4's networks with those of IPv6 within ::ffff:0:0/96, as networks of IPv4; of equals the latter stands
 * first. Without networks where there are none of the latter: IPv4's alone then say it all.
 */
export async function mappedColumns({ v4, v6 }: PrefixList, pacer: Pacer): Promise<PrefixColumns> {
  const found: number[] = [];
  await pacer.run(v6.length, SCAN_STEP_NS, (from, to) => {
    for (let i = from; i < to; i++) {
      const [first, second, third] = v6.words.subarray(4 * i, 4 * i + 3);
      const isMapped = first === 0 && second === 0 && third === 0xffff && (v6.bits[i] ?? 0) >= MAPPED_BITS;
      if (isMapped) found.push(i);
    }
  });
  if (found.length === 0) return new PrefixColumns(1, 0);
  const columns = new PrefixColumns(1, found.length + v4.length);
  columns.length = found.length + v4.length;
  await pacer.run(columns.length, SCAN_STEP_NS, (from, to) => {
    for (let k = from; k < to; k++) {
      const i = found[k];
      const [source, at, word, less] =
        i === undefined ? [v4, k - found.length, k - found.length, 0] : [v6, i, 4 * i + 3, MAPPED_BITS];
      columns.words[k] = source.words[word] ?? 0;
      columns.bits[k] = (source.bits[at] ?? 0) - less;
      columns.names[k] = source.names[at] ?? 0;
    }
  });
  return columns;
}

/** Of the longest network, 0 where there is none. */
export async function longestBits({ bits, length }: PrefixColumns, pacer: Pacer): Promise<number> {
  let most = 0;
  await pacer.run(length, SCAN_STEP_NS, (from, to) => {
    for (let i = from; i < to; i++) most = Math.max(most, bits[i] ?? 0);
  });
  return most;
}

function numberOfWord({ length, starts, numbers }: NetworkRanges, rowWord: number): number {
  const address = swapBytes(rowWord);
  let low = 0;
  let high = length; // the range lies in low..high-1, as the first one begins at 0
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= address) low = middle;
    else high = middle;
  }
  return numbers[low] ?? NO_NETWORK;
}

function numberOfWords(
  { length, starts, numbers }: NetworkRanges,
  words: Uint32Array,
  offset: number,
): number {
  const first = swapBytes(words[offset] ?? 0);
  const second = swapBytes(words[offset + 1] ?? 0);
  const third = swapBytes(words[offset + 2] ?? 0);
  const fourth = swapBytes(words[offset + 3] ?? 0);
  let low = 0;
  let high = length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    const at = middle * 4;
    const difference =
      (starts[at] ?? 0) - first ||
      (starts[at + 1] ?? 0) - second ||
      (starts[at + 2] ?? 0) - third ||
      (starts[at + 3] ?? 0) - fourth;
    if (difference <= 0) low = middle;
    else high = middle;
  }
  return numbers[low] ?? NO_NETWORK;
}
