// SPDX-License-Identifier: Apache-2.0
// The largest of many rows in one pass: a heap of as many as are wanted, smallest on top, which nearly all
// rows fail to enter with one comparison.

export class LargestRows {
  readonly #most: number;
  readonly #items: Uint32Array;
  readonly #ranks: Float64Array;
  readonly #ties: Float64Array;
  #length = 0;

  /** most: how many are wanted, at least 1. */
  constructor(most: number) {
    this.#most = most;
    this.#items = new Uint32Array(most);
    this.#ranks = new Float64Array(most);
    this.#ties = new Float64Array(most);
  }

  /** Larger is what has the higher rank; of equal ones what has the higher tie; then the lower number. */
  offer(item: number, rank: number, tie: number): void {
    if (this.#length < this.#most) {
      this.#length++;
      this.#siftUp(this.#length - 1, item, rank, tie);
    } else if (this.#isSmallerThan(0, item, rank, tie)) {
      this.#siftDown(item, rank, tie);
    }
  }

  /** All that are in it, the largest first; it is empty then. */
  take(): number[] {
    const taken: number[] = [];
    while (this.#length > 0) {
      taken.push(this.#items[0] ?? 0);
      this.#length--;
      const last = this.#length;
      if (last > 0) {
        this.#siftDown(this.#items[last] ?? 0, this.#ranks[last] ?? 0, this.#ties[last] ?? 0);
      }
    }
    return taken.reverse();
  }

  /** Whether the one at a place is smaller than another. */
  #isSmallerThan(place: number, item: number, rank: number, tie: number): boolean {
    const ownRank = this.#ranks[place] ?? 0;
    if (ownRank !== rank) return ownRank < rank;
    const ownTie = this.#ties[place] ?? 0;
    if (ownTie !== tie) return ownTie < tie;
    return (this.#items[place] ?? 0) > item;
  }

  #put(place: number, item: number, rank: number, tie: number): void {
    this.#items[place] = item;
    this.#ranks[place] = rank;
    this.#ties[place] = tie;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#items[from] ?? 0, this.#ranks[from] ?? 0, this.#ties[from] ?? 0);
  }

  #siftUp(start: number, item: number, rank: number, tie: number): void {
    let place = start;
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      if (this.#isSmallerThan(parent, item, rank, tie)) break;
      this.#move(parent, place);
      place = parent;
    }
    this.#put(place, item, rank, tie);
  }

  /** From the top. */
  #siftDown(item: number, rank: number, tie: number): void {
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#length) break;
      const other = child + 1;
      if (
        other < this.#length &&
        this.#isSmallerThan(other, this.#items[child] ?? 0, this.#ranks[child] ?? 0, this.#ties[child] ?? 0)
      ) {
        child = other;
      }
      if (!this.#isSmallerThan(child, item, rank, tie)) break;
      this.#move(child, place);
      place = child;
    }
    this.#put(place, item, rank, tie);
  }
}
