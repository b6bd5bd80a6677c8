// SPDX-License-Identifier: Apache-2.0
// A wait that can be cut short.

import type { Schedule } from '../clock.js';

export class Pause {
  readonly #schedule: Schedule;
  #resume: (() => void) | undefined;
  #isInterrupted = false;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  /** Resolves after the delay, without one never, or with the next interrupt(). One waits at a time. */
  async wait(delayMs?: number): Promise<void> {
    if (!this.#isInterrupted) {
      await new Promise<void>((resolve) => {
        const cancel = delayMs === undefined ? undefined : this.#schedule(resolve, delayMs);
        this.#resume = () => {
          cancel?.();
          resolve();
        };
      });
      this.#resume = undefined;
    }
    this.#isInterrupted = false;
  }

  /** Where nobody waits, the next wait is over at once. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#resume?.();
  }
}
