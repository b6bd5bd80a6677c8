// SPDX-License-Identifier: Apache-2.0
// Which series came after which in the drains so far. A flow keeps its place in the kernel from interval to interval,
// so nearly always the same one comes after it again: comparing one key then takes the place of hashing and
// searching, and the table is read in nearly the order in which it lies. It is a guess: the table has the last word.

/** In the place of a series: none was met in this drain yet. */
export const FIRST = -1;

export class SeriesOrder {
  /** Index = series + 1, so that FIRST has a place. */
  #after = new Uint32Array(1);

  /** What it has learnt stays; series from `count` on are not guessed. */
  reserve(count: number): void {
    if (this.#after.length > count) return;
    const after = new Uint32Array(count + 1);
    after.set(this.#after);
    this.#after = after;
  }

  /** The series that came after this one last; any other where none did. */
  after(series: number): number {
    return this.#after[series + 1] ?? 0;
  }

  learn(series: number, next: number): void {
    this.#after[series + 1] = next;
  }
}
