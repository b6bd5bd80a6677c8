// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next try: twice as long each time, within bounds, and never quite the
// same, so that exporters which lost one receiver together do not come back together.

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
}

/** A tenth either way spreads retries enough, and leaves the doubling to be seen. */
const JITTER = 0.1;

export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #failures = 0;

  /** random: from [0, 1). */
  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  /** The wait after one more failure. What the receiver asks for counts within our bounds, to the letter. */
  next(retryAfterMs?: number): number {
    const { minMs, maxMs } = this.#options;
    // 2^30 times the smallest bound is above the largest.
    const doubledMs = minMs * 2 ** Math.min(this.#failures, 30);
    this.#failures++;
    if (retryAfterMs !== undefined) return Math.min(Math.max(retryAfterMs, minMs), maxMs);
    return Math.min(doubledMs, maxMs) * (1 + JITTER * (2 * this.#random() - 1));
  }

  reset(): void {
    this.#failures = 0;
  }
}
