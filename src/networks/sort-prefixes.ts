// SPDX-License-Identifier: Apache-2.0
// Networks by address, of equal addresses the wider first: each stands behind those that contain it. A radix
// sort by bytes, as it can be cut into slices; the sort of an array cannot.

import { renderCidr } from '../cidr.js';
import type { Pacer } from '../pacer.js';
import type { PrefixColumns, PrefixList } from './prefix-list.js';

/** Of one network and one byte; the random accesses of a million networks' order included. */
const COUNT_STEP_NS = 5;
const MOVE_STEP_NS = 20;
const COMPARE_STEP_NS = 30;

/** Indices into the columns, in order. */
export async function sortPrefixes(columns: PrefixColumns, pacer: Pacer): Promise<Uint32Array> {
  const { length, width, words, bits } = columns;
  let order = new Uint32Array(length);
  let next = new Uint32Array(length);
  await pacer.run(length, COUNT_STEP_NS, (from, to) => {
    for (let i = from; i < to; i++) order[i] = i;
  });
  const ends = new Uint32Array(257);
  // The least important byte first; each pass keeps the order of what is equal in it.
  for (let pass = 0; pass <= 4 * width; pass++) {
    const word = width - 1 - ((pass - 1) >> 2);
    const shift = 8 * ((pass - 1) & 3);
    const byteOf = (i: number): number =>
      pass === 0 ? (bits[i] ?? 0) : ((words[i * width + word] ?? 0) >>> shift) & 0xff;
    ends.fill(0);
    await pacer.run(length, COUNT_STEP_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const slot = byteOf(i) + 1;
        ends[slot] = (ends[slot] ?? 0) + 1;
      }
    });
    if (ends.includes(length)) continue; // all are equal in it
    for (let slot = 1; slot < 257; slot++) ends[slot] = (ends[slot] ?? 0) + (ends[slot - 1] ?? 0);
    await pacer.run(length, MOVE_STEP_NS, (from, to) => {
      for (let k = from; k < to; k++) {
        const i = order[k] ?? 0;
        const byte = byteOf(i);
        const place = ends[byte] ?? 0;
        ends[byte] = place + 1;
        next[place] = i;
      }
    });
    [order, next] = [next, order];
  }
  return order;
}

/** What is wrong where a network has two names: a clause. `order`: of sortPrefixes(). */
export async function findTwoNames(
  list: PrefixList,
  columns: PrefixColumns,
  order: Uint32Array,
  pacer: Pacer,
): Promise<string | undefined> {
  let found: string | undefined;
  await pacer.run(Math.max(0, order.length - 1), COMPARE_STEP_NS, (from, to) => {
    for (let k = from; k < to && found === undefined; k++) {
      const [a = 0, b = 0] = [order[k], order[k + 1]];
      if (columns.names[a] === columns.names[b] || !isSamePrefix(columns, a, b)) continue;
      const [first, second] = [a, b].map((i) => {
        const name = JSON.stringify(list.names[columns.names[i] ?? 0]);
        return `${name} (line ${columns.lines[i] ?? 0})`;
      });
      found = `${renderCidr(columns.cidrAt(a))} has two names, ${first} and ${second}: leave one of them out`;
    }
  });
  return found;
}

/** Whether two are the same network. */
export function isSamePrefix({ width, words, bits }: PrefixColumns, a: number, b: number): boolean {
  if (bits[a] !== bits[b]) return false;
  for (let i = 0; i < width; i++) {
    if (words[a * width + i] !== words[b * width + i]) return false;
  }
  return true;
}
