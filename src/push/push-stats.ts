// SPDX-License-Identifier: Apache-2.0
// What push has done, as plain numbers: those that metrics/push-families.ts lists and names. The books
// balance: samples == sent + dropped + in the queue + in the spool.

import type { PushView } from '../metrics/push-families.js';
import { NativeBuckets } from '../native-buckets.js';

/** Why samples were not delivered. Order and spelling are the label values. */
export const DROP_REASONS = [
  'queue_full',
  'spool_full',
  'disk_full',
  'too_old',
  'refused',
  'poison',
  'damaged',
  'set_aside',
  'unsendable',
  'shutdown',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What the pusher tells: every number of PushView, with its own drop reasons. */
export interface PushStats extends PushView {
  readonly samplesDropped: Readonly<Record<DropReason, number>>;
}

/** The bounds of xtrace_push_request_duration_seconds: a loopback answers in 1 ms, a timeout is 30 s. */
export const REQUEST_DURATION_BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

/** What of it only grows; the pusher reads the rest where it stands. */
export class PushCounters {
  samples = 0;
  samplesSent = 0;
  bytesSent = 0;
  retries = 0;
  samplesSpooled = 0;
  samplesReplayed = 0;
  spoolDamagedFiles = 0;
  spoolFailures = 0;
  readonly samplesDropped = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<
    DropReason,
    number
  >;
  readonly requests = new Map<string, number>();
  readonly #durationCounts = new Array<number>(REQUEST_DURATION_BOUNDS.length + 1).fill(0);
  #durationSumSeconds = 0;
  readonly #durationNative = new NativeBuckets();

  countRequest(code: string, durationMs: number): void {
    this.requests.set(code, (this.requests.get(code) ?? 0) + 1);
    const seconds = durationMs / 1000;
    const bucket = REQUEST_DURATION_BOUNDS.findIndex((bound) => seconds <= bound);
    const index = bucket < 0 ? REQUEST_DURATION_BOUNDS.length : bucket;
    this.#durationCounts[index] = (this.#durationCounts[index] ?? 0) + 1;
    this.#durationSumSeconds += seconds;
    this.#durationNative.observe(seconds);
  }

  get requestDuration(): PushStats['requestDuration'] {
    return {
      bounds: REQUEST_DURATION_BOUNDS,
      counts: [...this.#durationCounts],
      sumSeconds: this.#durationSumSeconds,
      native: this.#durationNative,
    };
  }
}
