// SPDX-License-Identifier: Apache-2.0
// What became of refreshes: when the last good one was, and what is told of those that failed.

/** A refresh that fails again is told to the log once per this many failures. */
const FAILURES_PER_LOG = 60;

export interface RefreshOutcomesParts {
  /** After each; told whether it was a good one. */
  onRefreshed?(succeeded: boolean): void;
  readonly log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly clock: { nowMs(): number };
}

export class RefreshOutcomes {
  readonly #parts: RefreshOutcomesParts;
  #failures = 0;
  /** Minus infinity before the first. */
  lastGoodMs = Number.NEGATIVE_INFINITY;

  constructor(parts: RefreshOutcomesParts) {
    this.#parts = parts;
  }

  /** error: undefined of a good one; whether it was one. */
  note(error: unknown): boolean {
    const { log, clock } = this.#parts;
    this.#parts.onRefreshed?.(error === undefined);
    if (error === undefined) {
      if (this.#failures > 0) {
        log.info(
          { failures: this.#failures },
          'refreshing works again; the counts of the failed refreshes are in',
        );
      }
      this.#failures = 0;
      this.lastGoodMs = clock.nowMs();
      return true;
    }
    if (this.#failures % FAILURES_PER_LOG === 0) {
      log.error(
        { err: error, failures: this.#failures + 1 },
        'a refresh failed; its counts come with the next one',
      );
    }
    this.#failures++;
    return false;
  }
}
