// SPDX-License-Identifier: Apache-2.0
// When requests may begin: in the order in which they came, a few in each turn of the event loop, and
// not while a refresh is under way. However many clients ask, refreshes keep their beat.

/** So many begin in a turn of the loop, and for so long; at least one does. */
const SLICE_STEPS = 16;
const SLICE_MS = 4;
/** A refresh that takes longer than this no longer holds requests back. */
export const MAX_HOLD_MS = 250;

export class TurnQueue {
  /** Came since the last turn: the next poll shows which of their clients are gone again already. */
  readonly #fresh = new Set<() => void>();
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #next: NodeJS.Immediate | undefined;
  #hold: NodeJS.Timeout | undefined;

  /** Requests that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size + this.#fresh.size;
  }

  /** Calls `begin` when it is its turn, never at once; the returned function calls that off. */
  enter(begin: () => void): () => void {
    const turn = (): void => begin();
    this.#fresh.add(turn);
    this.#schedule();
    return () => this.#fresh.delete(turn) || this.#waiting.delete(turn);
  }

  /** No request begins until release(), or for MAX_HOLD_MS. */
  hold(): void {
    clearTimeout(this.#hold);
    this.#hold = setTimeout(() => this.release(), MAX_HOLD_MS);
  }

  release(): void {
    clearTimeout(this.#hold);
    this.#hold = undefined;
    this.#schedule();
  }

  #schedule(): void {
    if (this.waiting === 0 || this.#hold !== undefined) return;
    this.#next ??= setImmediate(() => this.#begin());
  }

  #begin(): void {
    this.#next = undefined;
    const endMs = performance.now() + SLICE_MS;
    let left = SLICE_STEPS;
    for (const turn of this.#waiting) {
      if (this.#hold !== undefined) return;
      this.#waiting.delete(turn);
      turn();
      if (--left === 0 || performance.now() >= endMs) break;
    }
    for (const turn of this.#fresh) this.#waiting.add(turn);
    this.#fresh.clear();
    this.#schedule();
  }
}
