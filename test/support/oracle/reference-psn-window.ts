// SPDX-License-Identifier: Apache-2.0
// Which PSNs of one stream are missing, in TypeScript, written from the rules and without sight of the
// C: those that were skipped lately and may still come. Also the ring on which PSNs lie.

const PSN_MASK = 0xffffff;
export const HALF_RING = 2 ** 23;

export function after(psn: number): number {
  return (psn + 1) & PSN_MASK;
}

/** Packets from one PSN forward to another, on the ring. */
export function distance(from: number, to: number): number {
  return (to - from) & PSN_MASK;
}

/** The highest PSN of a stream, and the holes below it. */
export class PsnWindow {
  readonly #windowPsns: number;
  #highest: number;
  readonly #holes = new Set<number>();

  /** @param windowPsns a hole that is so many PSNs below the highest is given up */
  constructor(windowPsns: number, firstPsn: number) {
    this.#windowPsns = windowPsns;
    this.#highest = firstPsn;
  }

  get highest(): number {
    return this.#highest;
  }

  /** At or below the highest. */
  isSeen(psn: number): boolean {
    return distance(psn, this.#highest) < HALF_RING;
  }

  /**
   * Moves the highest forward.
   * @param isGap whether the PSNs that this skips are missing
   * @returns how many are lost thereby
   */
  advance(psn: number, isGap: boolean): number {
    const skipped = isGap ? distance(after(this.#highest), psn) : 0;
    // Of a long gap, only those near its end still have time.
    const opened = Math.min(skipped, this.#windowPsns - 1);
    let lost = skipped - opened;
    this.#highest = psn;
    for (const hole of this.#holes) {
      if (distance(hole, psn) >= this.#windowPsns) {
        this.#holes.delete(hole);
        lost++;
      }
    }
    for (let back = 1; back <= opened; back++) {
      this.#holes.add((psn - back) & PSN_MASK);
    }
    return lost;
  }

  /** Takes a packet at or below the highest. Whether it was missing: whether it fills a hole. */
  fill(psn: number): boolean {
    return this.#holes.delete(psn);
  }

  /** Takes the holes from this PSN to the next that is none for what was never sent. */
  forgetFrom(psn: number): void {
    for (let hole = psn; this.#holes.delete(hole); ) {
      hole = after(hole);
    }
  }

  /** Gives up all holes; how many there were. */
  abandon(): number {
    const lost = this.#holes.size;
    this.#holes.clear();
    return lost;
  }
}
