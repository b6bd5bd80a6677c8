// SPDX-License-Identifier: Apache-2.0
// Takes samples of PFC every 100 ms, of the interfaces where PFC has ever stopped anything, as long as that is cheap: what
// the samples of a turn take, without waiting for their turn, may be one part in fifty of the time. A card that is slow to
// answer is asked less often.

import type { Clock } from '../clock.js';
import { createPauseWatch, type PauseView, type PauseWatch } from './pause-watch.js';
import type { PauseSample } from './questions.js';

export interface PauseSampler {
  /** From now on these alone. What an interface that is left out had is forgotten. */
  watch(interfaceNames: readonly string[]): void;
  /** By interface, what was seen since the last cut. */
  cut(): ReadonlyMap<string, readonly PauseView[]>;
  /** From the start of one turn to the start of the next; undefined while there is nothing to sample. */
  readonly intervalMs: number | undefined;
  close(): void;
}

export interface PauseSamplerParts {
  /** Undefined where there was no answer. Never rejects. */
  sample(interfaceName: string): Promise<PauseSample | undefined>;
  readonly clock: Pick<Clock, 'nowMs' | 'schedule'>;
}

const INTERVAL_MS = 100;
const SHARE_OF_TIME = 50;
/** A port that answered after a second must not stop the sampling of the others for a minute. */
const MOST_INTERVAL_MS = 5000;

export function createPauseSampler(parts: PauseSamplerParts): PauseSampler {
  const { clock } = parts;
  const watches = new Map<string, PauseWatch>();
  let cancel: (() => void) | undefined;
  let isSampling = false;
  let isClosed = false;
  let intervalMs = INTERVAL_MS;

  async function turn(): Promise<void> {
    cancel = undefined;
    isSampling = true;
    const startedMs = clock.nowMs();
    let costMs = 0;
    for (const [name, watch] of [...watches]) {
      const sample = await parts.sample(name);
      if (sample === undefined) continue; // it hung, and now rests
      costMs += sample.durationMs;
      if (sample.counters.length > 0) watch.note(sample);
    }
    isSampling = false;
    intervalMs = Math.min(Math.max(INTERVAL_MS, SHARE_OF_TIME * costMs), MOST_INTERVAL_MS);
    plan(startedMs + intervalMs - clock.nowMs());
  }

  function plan(delayMs: number): void {
    if (isClosed || isSampling || cancel !== undefined || watches.size === 0) return;
    cancel = clock.schedule(() => void turn(), Math.max(0, delayMs));
  }

  return {
    watch(names) {
      for (const name of watches.keys()) if (!names.includes(name)) watches.delete(name);
      for (const name of names) if (!watches.has(name)) watches.set(name, createPauseWatch());
      plan(0);
    },
    cut: () => new Map([...watches].map(([name, watch]) => [name, watch.cut()])),
    get intervalMs() {
      return watches.size === 0 ? undefined : intervalMs;
    },
    close() {
      isClosed = true;
      cancel?.();
    },
  };
}
