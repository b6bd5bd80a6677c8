// SPDX-License-Identifier: Apache-2.0
// When a long piece of work is to let the event loop turn. It knows no clock: work has a price,
// measured by the bench, and a turn is what the budget buys.

/** A quarter of a millisecond by warm prices; code that is not compiled yet takes ten to twenty times as long. */
const TURN_NS = 250_000;

export class Turns {
  #leftNs = TURN_NS;

  /** How many steps of stepNs the present turn still takes, at least one. */
  stepsLeft(stepNs: number): number {
    return Math.max(1, Math.floor(this.#leftNs / stepNs));
  }

  /** Takes note of work done; true when it is time for the event loop to turn. */
  spend(workNs: number): boolean {
    this.#leftNs -= workNs;
    if (this.#leftNs > 0) return false;
    this.#leftNs = TURN_NS;
    return true;
  }
}
