// SPDX-License-Identifier: Apache-2.0
// What flows are ranked by: the bytes they carried lately, where a byte counts half after every
// half-life. Pure arithmetic; who wins with it is the contest's.

/**
 * A flow must have carried more than this many times the bytes of the one whose series it takes. Two of
 * about the same size would otherwise take it from each other again and again, and a counter that
 * starts anew each time is worth less than none.
 */
const DISPLACE_FACTOR = 2;

export class RecentBytes {
  readonly #halfLifeMs: number;
  /** The last answer: nearly all flows of a refresh ask for the same time. */
  #spanMs = 0;
  #share = 1;

  constructor(halfLifeMs: number) {
    this.#halfLifeMs = halfLifeMs;
  }

  /** What is left of `bytes` after so long. */
  after(bytes: number, spanMs: number): number {
    return bytes * this.#shareAfter(spanMs);
  }

  /**
   * What another flow must exceed to take the series of one that had `bytes` when it was last seen.
   * The factor fades to 1 in the first half-life of silence, as it is 2, but the bytes do not fade: a
   * silent flow keeps its series against its equals until it expires, so that the one-packet flows of a
   * scan do not replace each other.
   */
  toBeat(bytes: number, idleMs: number): number {
    const factor = idleMs < this.#halfLifeMs ? DISPLACE_FACTOR * this.#shareAfter(idleMs) : 1;
    return bytes * factor;
  }

  #shareAfter(spanMs: number): number {
    if (spanMs !== this.#spanMs) {
      this.#spanMs = spanMs;
      // Exact at one half-life; 2 ** x takes three times as long.
      this.#share = Math.exp(-Math.LN2 * (spanMs / this.#halfLifeMs));
    }
    return this.#share;
  }
}
