// SPDX-License-Identifier: Apache-2.0
// Waiting for what must come true, with a limit; instead of sleeping. For tests only.

import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** After this the wait fails. Generous: it bounds a hang, it measures nothing. Default 60 s. */
  readonly limitMs?: number;
  /** Between two tries, at the least; a try that took longer is followed by a rest as long. Default 25 ms. */
  readonly intervalMs?: number;
}

/** What an attempt gives while its condition is not true. */
export type NotYet = undefined | null | false | 0 | '';

/**
 * Tries until the result is truthy, and returns it. A try that throws counts as
 * not yet. Rejects with `what`, the limit and the last error.
 */
export async function waitFor<T>(
  what: string,
  attempt: () => T | NotYet | Promise<T | NotYet>,
  { limitMs = 60_000, intervalMs = 25 }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + limitMs * slowness();
  let cause: unknown;
  for (;;) {
    const beganMs = performance.now();
    try {
      const result = await attempt();
      if (result) return result as T;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const endedMs = performance.now();
    if (endedMs >= deadline) {
      const last = cause instanceof Error ? `; last: ${cause.message}` : '';
      throw new Error(`not within ${limitMs * slowness()} ms: ${what}${last}`, { cause });
    }
    // What is asked needs the processor that the question takes.
    await delay(Math.max(intervalMs, endedMs - beganMs));
  }
}

/** How many times slower this machine is than those that limits are made for: emulated ones say it. */
function slowness(): number {
  return Number(process.env['XTRACE_SLOWNESS'] ?? 1);
}
