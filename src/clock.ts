// SPDX-License-Identifier: Apache-2.0
// Time as parts take it: so that a test can be the clock. Only who wires parts together takes the system's.

import { setImmediate as nextTurn } from 'node:timers/promises';

/** Runs `task` once, `delayMs` from now; the returned function calls it off. */
export type Schedule = (task: () => void, delayMs: number) => () => void;

export interface Clock {
  /** Monotonic milliseconds, for durations. */
  nowMs(): number;
  /** Milliseconds since the epoch; they may jump in either direction. */
  wallMs(): number;
  readonly schedule: Schedule;
  /** Lets the event loop turn once. */
  yieldToLoop(): Promise<void>;
}

/** A timer of it keeps the process alive. */
export function systemClock(): Clock {
  return {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    schedule(task, delayMs) {
      const timer = setTimeout(task, delayMs);
      return () => clearTimeout(timer);
    },
    yieldToLoop: () => nextTurn(),
  };
}
