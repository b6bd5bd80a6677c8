// SPDX-License-Identifier: Apache-2.0
// Nested networks as ranges side by side, each with the number of the longest network that has it: an
// address then needs one binary search, however deep networks nest.

import { wordMask } from '../cidr.js';
import type { Pacer } from '../pacer.js';
import type { PrefixColumns } from './prefix-list.js';
import { isSamePrefix } from './sort-prefixes.js';

export interface NetworkRanges {
  readonly length: number;
  /** Rising; 1 or 4 words each. A range ends where the next begins, the last one with the address space. */
  readonly starts: Uint32Array;
  readonly numbers: Uint16Array;
}

/** Of one network: it opens a range, and closes one. */
const SWEEP_STEP_NS = 150;
const COPY_STEP_NS = 2;

/** `order`: of sortPrefixes(); `numbers`: by index of the list's names. */
export async function buildRanges(
  columns: PrefixColumns,
  order: Uint32Array,
  numbers: Uint16Array,
  pacer: Pacer,
): Promise<NetworkRanges> {
  // Zeroing this much memory may take a slice of its own.
  await pacer.turn();
  const sweep = new RangeSweep(columns, order.length);
  await pacer.run(order.length, SWEEP_STEP_NS, (from, to) => {
    for (let k = from; k < to; k++) {
      const i = order[k] ?? 0;
      if (k > 0 && isSamePrefix(columns, order[k - 1] ?? 0, i)) continue;
      sweep.enter(i, numbers[columns.names[i] ?? 0] ?? 0);
    }
  });
  sweep.leaveAll();
  await pacer.turn();
  const { width } = columns;
  const { length, starts, numbers: rangeNumbers } = sweep;
  // What could have been needed is up to twice what is.
  const trimmed = { length, starts: new Uint32Array(length * width), numbers: new Uint16Array(length) };
  await pacer.run(length, COPY_STEP_NS * width, (from, to) => {
    trimmed.starts.set(starts.subarray(from * width, to * width), from * width);
    trimmed.numbers.set(rangeNumbers.subarray(from, to), from);
  });
  return trimmed;
}

/** Goes over networks in their order, from the lowest address to the highest. */
class RangeSweep {
  readonly starts: Uint32Array;
  readonly numbers: Uint16Array;
  length = 0;
  readonly #columns: PrefixColumns;
  /** Where the networks end that the sweep is in, the widest first; one may be the end of several. */
  readonly #ends: Uint32Array;
  readonly #openNumbers: Uint16Array;
  #depth = 0;

  constructor(columns: PrefixColumns, networks: number) {
    const { width } = columns;
    this.#columns = columns;
    this.starts = new Uint32Array(width * (2 * networks + 1));
    this.numbers = new Uint16Array(2 * networks + 1);
    this.#ends = new Uint32Array(width * (32 * width + 1));
    this.#openNumbers = new Uint16Array(32 * width + 1);
    this.#begin(new Uint32Array(width), 0, 0);
  }

  enter(index: number, number: number): void {
    const { width, words, bits } = this.#columns;
    const from = index * width;
    while (this.#depth > 0 && this.#isOver(words, from)) this.#leave();
    const end = this.#depth * width;
    for (let i = 0; i < width; i++) {
      this.#ends[end + i] = (words[from + i] ?? 0) | ~wordMask(bits[index] ?? 0, i);
    }
    this.#openNumbers[this.#depth++] = number;
    this.#begin(words, from, number);
  }

  leaveAll(): void {
    while (this.#depth > 0) this.#leave();
  }

  /** Whether the innermost network ends before the address. */
  #isOver(words: Uint32Array, at: number): boolean {
    const { width } = this.#columns;
    const end = (this.#depth - 1) * width;
    for (let i = 0; i < width; i++) {
      const difference = (words[at + i] ?? 0) - (this.#ends[end + i] ?? 0);
      if (difference !== 0) return difference > 0;
    }
    return false;
  }

  /** Ends the innermost network: the one around it goes on behind it. */
  #leave(): void {
    const { width } = this.#columns;
    this.#depth--;
    const behind = this.#ends.slice(this.#depth * width, (this.#depth + 1) * width);
    let i = width - 1;
    while (i >= 0 && behind[i] === 0xffff_ffff) behind[i--] = 0;
    if (i < 0) return; // it ended with the address space
    behind[i] = (behind[i] ?? 0) + 1;
    this.#begin(behind, 0, this.#depth === 0 ? 0 : (this.#openNumbers[this.#depth - 1] ?? 0));
  }

  /** Begins a range. One that begins at the same address gives way; one of the same number goes on. */
  #begin(words: Uint32Array, at: number, number: number): void {
    const { width } = this.#columns;
    const last = (this.length - 1) * width;
    let isSameStart = this.length > 0;
    for (let i = 0; i < width && isSameStart; i++) isSameStart = this.starts[last + i] === words[at + i];
    if (isSameStart) this.length--;
    if (this.length > 0 && this.numbers[this.length - 1] === number) return;
    for (let i = 0; i < width; i++) this.starts[this.length * width + i] = words[at + i] ?? 0;
    this.numbers[this.length++] = number;
  }
}
