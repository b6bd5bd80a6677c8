// SPDX-License-Identifier: Apache-2.0
// How many series may begin in the place of others: so many in any minute, half of them at once and the
// rest as time passes. Counts in whole numbers, so that no fraction of a series is lost or won.

const MINUTE_MS = 60_000;
/** Credit that one series costs. A millisecond brings `perMinute` of it: half of them in a minute. */
const PRICE = 2 * MINUTE_MS;

export class AdmissionBudget {
  readonly #perMinute: number;
  readonly #mostCredit: number;
  #credit: number;

  /** @param perMinute a whole number; 0 lets none begin. */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
    // At least one whole series, which then waits for its credit longer than a minute.
    this.#mostCredit = perMinute === 0 ? 0 : Math.max(PRICE, perMinute * MINUTE_MS);
    this.#credit = this.#mostCredit;
  }

  get isSpent(): boolean {
    return this.#credit < PRICE;
  }

  /** Call only when it is not spent. */
  spendOne(): void {
    this.#credit -= PRICE;
  }

  passTime(spanMs: number): void {
    this.#credit = Math.min(this.#mostCredit, this.#credit + this.#perMinute * spanMs);
  }
}
