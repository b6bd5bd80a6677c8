// SPDX-License-Identifier: Apache-2.0
// A bucket of tokens: each request takes one, and one comes in each interval, up to the burst.

export interface RateLimitOptions {
  /** Above 0. */
  readonly intervalMs: number;
  /** 0: no request passes. */
  readonly burst: number;
}

export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #nowMs: () => number;
  #tokens: number;
  #filledMs: number;

  /** nowMs: monotonic. Full at first. */
  constructor(options: RateLimitOptions, parts: { nowMs(): number }) {
    this.#options = options;
    this.#nowMs = parts.nowMs;
    this.#tokens = options.burst;
    this.#filledMs = parts.nowMs();
  }

  /** Takes a token; false where there is none. */
  take(): boolean {
    const { intervalMs, burst } = this.#options;
    const nowMs = this.#nowMs();
    this.#tokens = Math.min(burst, this.#tokens + (nowMs - this.#filledMs) / intervalMs);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
