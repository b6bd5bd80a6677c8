// SPDX-License-Identifier: Apache-2.0
// Pushing, wired: what a refresh shows goes through the encoder into the pusher's queue. Nothing here
// waits for the receiver.

import { hostname } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Config, PushFormat } from '../config/config.js';
import { choosePushFormat } from '../config/push-settings.js';
import type { Payload, PayloadFormat } from '../exposition/payload.js';
import { createPushEncoder, type PushEncoder } from '../exposition/push-encoder.js';
import type { ExpositionInput } from '../exposition/render-exposition.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/definition.js';
import type { FlowLabelOptions } from '../metrics/flow-label-fields.js';
import { type PushView, pushFamilies } from '../metrics/push-families.js';
import { openPusher } from '../push/open-pusher.js';
import type { Pusher, PusherLegacy } from '../push/pusher.js';

/** A payload before compression: some 40,000 samples of flows, and far below what receivers take (32 MiB). */
const BATCH_MAX_BYTES = 8 * 1024 * 1024;

const PAYLOAD_FORMATS = {
  text: 'text',
  remote_write: 'remote_write_1',
  remote_write_2: 'remote_write_2',
} as const satisfies Record<Exclude<PushFormat, 'auto'>, PayloadFormat>;

export interface PushLine {
  /** Encodes and enqueues; the snapshot is read until it resolves. Never rejects. */
  push(snapshot: ExpositionInput, timestampMs: number): Promise<void>;
  /** Before the first push(): what of the snapshot goes on from a former process (PushEncoder). */
  goOn(snapshot: ExpositionInput): Promise<void>;
  /** Before the flow table gives up a series. */
  onSeriesEnd(series: number): void;
  /** xtrace_push_*. */
  families(): readonly Family[];
  /** What these are made of. */
  readonly stats: PushView;
  /** Encodes as configured from now on. Of the snapshot, what has the same labels goes on. Never rejects. */
  encodeAs(options: PushOptions, snapshot: ExpositionInput): Promise<void>;
  /** Another pusher sends from now on, what waits included. Rejects as `open` does; this one is over then. */
  sendBy(open: (former: PusherLegacy) => Promise<Pusher>): Promise<void>;
  /** Ends every series at the receiver, and sends what can be sent within the limit. */
  close(limitMs: number): Promise<void>;
}

export interface PushOptions {
  /** Of the process, wall clock: since when its counters count. */
  readonly startedMs: number;
  readonly config: Config;
  readonly version: string;
  readonly flowLabels: FlowLabelOptions;
  /** Of /metrics, for the label instance. */
  readonly port: number;
}

/** But for the labels of flows. */
export function encoderOptions({ config, port }: Pick<PushOptions, 'config' | 'port'>) {
  const { push } = config;
  const instance = push.instance === '' ? instanceOf(port) : push.instance;
  return {
    format: PAYLOAD_FORMATS[choosePushFormat(push) ?? 'remote_write'],
    maxSamplesPerBatch: push.batchMaxSamples,
    maxBatchBytes: BATCH_MAX_BYTES,
    externalLabels: [
      ['job', push.job],
      ['instance', instance],
      ...Object.entries(push.extraLabels),
    ] satisfies [string, string][],
    zeroFirst: config.flows.newSeries === 'zero_first',
  };
}

function createConfiguredEncoder(options: PushOptions): PushEncoder {
  return createPushEncoder(
    { ...encoderOptions(options), flowLabels: options.flowLabels, startedMs: options.startedMs },
    { yieldToLoop: () => nextTurn() },
  );
}

/** Rejects with ExporterError SPOOL where the spool cannot be used. former: what the pusher before it has left. */
export function openConfiguredPusher(
  { config: { push }, version }: PushOptions,
  { log, former }: { readonly log: Logger; readonly former?: PusherLegacy },
): Promise<Pusher> {
  return openPusher(
    {
      ...push,
      format: PAYLOAD_FORMATS[choosePushFormat(push) ?? 'remote_write'],
      userAgent: `xtrace-catch/${version}`,
      retryOn429: push.retry.on429,
      minBackoffMs: push.retry.minBackoffMs,
      maxBackoffMs: push.retry.maxBackoffMs,
    },
    {
      nowMs: () => performance.now(),
      wallMs: () => Date.now(),
      random: Math.random,
      schedule(task, delayMs) {
        const timer = setTimeout(task, delayMs);
        return () => clearTimeout(timer);
      },
      log,
      former,
    },
  );
}

/** undefined where nothing is pushed. Rejects with ExporterError SPOOL where the spool cannot be used. */
export async function connectPush(
  options: PushOptions,
  { log }: { readonly log: Logger },
): Promise<PushLine | undefined> {
  if (!options.config.push.enabled) return undefined;
  let labels = encoderOptions(options).externalLabels;
  let encoder = createConfiguredEncoder(options);
  let pusher = await openConfiguredPusher(options, { log });

  async function enqueue(payloads: AsyncGenerator<Payload, void>): Promise<void> {
    try {
      for await (const payload of payloads) {
        pusher.enqueue([payload]);
        await pusher.compressed();
      }
    } catch (error) {
      log.error(
        { err: error },
        'the metrics of a refresh could not be encoded for pushing; the next ones can',
      );
    }
  }

  return {
    push: (snapshot, timestampMs) => enqueue(encoder.encode(snapshot, timestampMs)),
    goOn: (snapshot) => encoder.goOn(snapshot),
    onSeriesEnd: (series) => encoder.onSeriesEnd(series),
    families: () => pushFamilies(pusher.stats),
    get stats() {
      return pusher.stats;
    },
    async encodeAs(next, snapshot) {
      const nextLabels = encoderOptions(next).externalLabels;
      const goesOn = isDeepStrictEqual(labels, nextLabels);
      // Says of the series that have ended that they have; all of them have, where each has other labels.
      await enqueue(goesOn ? encoder.encode(snapshot, Date.now()) : encoder.staleAll(Date.now()));
      labels = nextLabels;
      encoder = createConfiguredEncoder(next);
      if (goesOn) await encoder.goOn(snapshot);
    },
    async sendBy(open) {
      pusher = await open(await pusher.handOver());
    },
    async close(limitMs) {
      await enqueue(encoder.staleAll(Date.now()));
      await pusher.close(limitMs);
    },
  };
}

/** port: 0 where pages are on no port. */
function instanceOf(port: number): string {
  return port === 0 ? hostname() : `${hostname()}:${port}`;
}
