// SPDX-License-Identifier: Apache-2.0
// Who may touch what at a time: one task after the other.

/** One at a time: what comes first of all goes before whatever waits, the others in turn, the patient after them. */
export class TurnGuard {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];
  readonly #patient: (() => void)[] = [];

  async run<T>(place: 'first' | 'last' | 'patient', task: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      if (!this.#isTaken) resolve();
      else if (place === 'first') this.#waiting.unshift(resolve);
      else if (place === 'patient') this.#patient.push(resolve);
      else this.#waiting.push(resolve);
      this.#isTaken = true;
    });
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift() ?? this.#patient.shift();
      if (next === undefined) this.#isTaken = false;
      else next(); // keeps the turn for it
    }
  }
}
