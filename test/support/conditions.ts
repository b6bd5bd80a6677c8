// SPDX-License-Identifier: Apache-2.0
// Waiting for what must come true, with a limit; instead of sleeping. For tests only.

import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** After this the wait fails. Generous: it bounds a hang, it measures nothing. Default 20 s. */
  readonly limitMs?: number;
  /** Between two tries. Default 25 ms. */
  readonly intervalMs?: number;
}

/**
 * Tries until the result is neither undefined nor false, and returns it. A try that throws counts as
 * not yet. Rejects with `what`, the limit and the last error.
 */
export async function waitFor<T>(
  what: string,
  attempt: () => T | undefined | false | Promise<T | undefined | false>,
  { limitMs = 20_000, intervalMs = 25 }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + limitMs;
  let cause: unknown;
  for (;;) {
    try {
      const result = await attempt();
      if (result !== undefined && result !== false) {
        return result;
      }
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      const last = cause instanceof Error ? `; last: ${cause.message}` : '';
      throw new Error(`not within ${limitMs} ms: ${what}${last}`, { cause });
    }
    await delay(intervalMs);
  }
}
