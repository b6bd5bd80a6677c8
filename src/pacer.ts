// SPDX-License-Identifier: Apache-2.0
// Cuts long work into slices and lets the event loop turn between them. It knows no clock: a step
// has a price, measured by the bench, and a slice is what the budget buys.

/**
 * Nanoseconds of a slice by the measured prices. What is promised is 4 ms: code that has not been
 * compiled yet takes ten to twenty times as long (the first refresh of a process), slower machines
 * two or three times. A turn of an idle loop costs about 3 us.
 */
const SLICE_NS = 250_000;

export class Pacer {
  readonly #yieldToLoop: () => Promise<void>;
  #leftNs = SLICE_NS;

  constructor(yieldToLoop: () => Promise<void>) {
    this.#yieldToLoop = yieldToLoop;
  }

  /** How many steps of `stepNs` the present slice still takes, at least one. */
  stepsLeft(stepNs: number): number {
    return Math.max(1, Math.floor(this.#leftNs / stepNs));
  }

  /**
   * Takes note of work done; true when the slice is used up, and turn() is due. For loops of small steps,
   * where an await at each step would cost more than the step.
   */
  note(workNs: number): boolean {
    this.#leftNs -= workNs;
    return this.#leftNs <= 0;
  }

  /** Lets the event loop turn; a new slice begins. */
  async turn(): Promise<void> {
    await this.#yieldToLoop();
    this.#leftNs = SLICE_NS;
  }

  /** Takes note of work done; when the slice is used up, lets the event loop turn. */
  async spend(workNs: number): Promise<void> {
    if (this.note(workNs)) await this.turn();
  }

  /** Calls `slice(from, to)` over 0..count-1 in order, each call short enough. */
  async run(count: number, stepNs: number, slice: (from: number, to: number) => void): Promise<void> {
    for (let from = 0; from < count; ) {
      const to = Math.min(count, from + this.stepsLeft(stepNs));
      slice(from, to);
      await this.spend((to - from) * stepNs);
      from = to;
    }
  }
}
