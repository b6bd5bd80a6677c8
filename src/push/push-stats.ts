// SPDX-License-Identifier: Apache-2.0
// What push has done, as plain numbers; metrics/push-families.ts gives them their names. The books
// balance: samples == sent + dropped + in the queue + in the spool.
import type { Encoding } from './batch.js';
import type { PayloadFormat } from './payload.js';

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

export interface DurationHistogram {
  /** Upper bounds in seconds, +Inf not included. */
  readonly bounds: readonly number[];
  /** Observations in each bound's bucket alone; the last is what is above all bounds. */
  readonly counts: readonly number[];
  readonly sumSeconds: number;
}

/** Totals since start, and the state now. */
export interface PushStats {
  /** Handed in, or found in the spool at the start. */
  readonly samples: number;
  readonly samplesSent: number;
  readonly samplesDropped: Readonly<Record<DropReason, number>>;
  /** Bodies of accepted requests, compressed. */
  readonly bytesSent: number;
  /** By status, or by FailureCode. */
  readonly requests: ReadonlyMap<string, number>;
  readonly retries: number;
  readonly queueBytes: number;
  readonly queueLimitBytes: number;
  readonly queueSamples: number;
  readonly spoolBytes: number;
  /** 0 where there is no spool. */
  readonly spoolLimitBytes: number;
  readonly spoolSamples: number;
  readonly spoolBatches: number;
  readonly samplesSpooled: number;
  readonly samplesReplayed: number;
  readonly spoolDamagedFiles: number;
  /** Not removed, but renamed: what was no file of ours. */
  readonly spoolSetAside: number;
  readonly spoolFailures: number;
  /** Whether the last request was accepted; false before the first. */
  readonly isUp: boolean;
  /** Wall clock; undefined before the first. */
  readonly lastSuccessMs: number | undefined;
  readonly requestDuration: DurationHistogram;
  /** Format and compression that requests have now. */
  readonly format: PayloadFormat;
  readonly encoding: Encoding;
}

/** The bounds of xtrace_push_request_duration_seconds: a loopback answers in 1 ms, a timeout is 30 s. */
export const REQUEST_DURATION_BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const;

/** The numbers that only grow. */
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

  countRequest(code: string, durationMs: number): void {
    this.requests.set(code, (this.requests.get(code) ?? 0) + 1);
    const seconds = durationMs / 1000;
    const bucket = REQUEST_DURATION_BOUNDS.findIndex((bound) => seconds <= bound);
    const index = bucket < 0 ? REQUEST_DURATION_BOUNDS.length : bucket;
    this.#durationCounts[index] = (this.#durationCounts[index] ?? 0) + 1;
    this.#durationSumSeconds += seconds;
  }

  get requestDuration(): DurationHistogram {
    return {
      bounds: REQUEST_DURATION_BOUNDS,
      counts: [...this.#durationCounts],
      sumSeconds: this.#durationSumSeconds,
    };
  }
}
