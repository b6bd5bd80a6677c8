// SPDX-License-Identifier: Apache-2.0
// What the tests of push share: payloads, a clock that is wound by hand, a network that is a
// function, a log that is a list, and a pusher of those.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Schedule } from '../../../src/clock.js';
import type { Payload } from '../../../src/exposition/payload.js';
import type { LogFields, Logger } from '../../../src/log.js';
import type { Codec } from '../../../src/push/compress.js';
import type { PushStats } from '../../../src/push/push-stats.js';
import { createPusher, type Pusher, type PusherOptions, type PusherParts } from '../../../src/push/pusher.js';
import type { PushRequest, Transport, TransportResult } from '../../../src/push/transport.js';
import { waitFor } from '../conditions.js';
import { requestV2Type, writeRequestType } from '../receivers/remote-write-protos.js';

/** 2023-11-14T22:13:20Z. */
export const START_MS = 1_700_000_000_000;
export const URL_TEXT = 'http://receiver:8428/api/v1/write';

const WRITE_REQUEST = writeRequestType();
const REQUEST_V2 = requestV2Type();

/** A payload of remote write 1.0: series n0, n1, ... with one sample each, whose value is the number. */
export function payload(number: number, { samples = 3, timestampMs = START_MS + number } = {}): Payload {
  const timeseries = Array.from({ length: samples }, (_, index) => ({
    labels: [
      { name: '__name__', value: `n${index}` },
      { name: 'job', value: 'x' },
    ],
    samples: [{ value: number, timestamp: timestampMs }],
  }));
  const body = Buffer.from(WRITE_REQUEST.encode(WRITE_REQUEST.fromObject({ timeseries })).finish());
  return { format: 'remote_write_1', body, samples, timestampMs };
}

/** The same of 2.0. */
export function payloadV2(number: number, { samples = 3, timestampMs = START_MS + number } = {}): Payload {
  const names = Array.from({ length: samples }, (_, index) => `n${index}`);
  const symbols = ['', '__name__', 'job', 'x', ...names];
  const timeseries = names.map((_, index) => ({
    labelsRefs: [1, 4 + index, 2, 3],
    samples: [{ value: number, timestamp: timestampMs }],
  }));
  const body = Buffer.from(REQUEST_V2.encode(REQUEST_V2.fromObject({ symbols, timeseries })).finish());
  return { format: 'remote_write_2', body, samples, timestampMs };
}

export function textPayload(number: number, { samples = 1, timestampMs = START_MS + number } = {}): Payload {
  const lines = Array.from({ length: samples }, (_, index) => `n${index} ${number} ${timestampMs}\n`);
  return { format: 'text', body: Buffer.from(lines.join('')), samples, timestampMs };
}

/** Time that passes when it is told to. */
export class FakeClock {
  nowMs = 0;
  #tasks: { atMs: number; task(): void }[] = [];

  readonly schedule: Schedule = (task, delayMs) => {
    const entry = { atMs: this.nowMs + delayMs, task };
    this.#tasks.push(entry);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry);
    };
  };

  /** When the next task is due, from now; undefined where there is none. */
  get nextInMs(): number | undefined {
    const [first] = this.#tasks.map(({ atMs }) => atMs).sort((a, b) => a - b);
    return first === undefined ? undefined : first - this.nowMs;
  }

  /** Lets so much time pass, with everything that comes of it. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.nowMs + byMs;
    await turns();
    for (;;) {
      const due = this.#tasks.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#tasks = this.#tasks.filter((entry) => entry !== due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.task();
      await turns();
    }
    this.nowMs = endMs;
  }
}

/** Lets everything happen that waits for nothing but its turn: a request takes two or three. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await nextTurn();
}

/** No compression at all: what is sent can be compared, and nothing takes time. */
export const PLAIN_CODEC: Codec = {
  hasZstd: true,
  compress: async (_encoding, body) => Buffer.from(body),
  decompress: async (_encoding, body) => Buffer.from(body),
};

export interface SentRequest extends PushRequest {
  readonly atMs: number;
}

/** A status, an answer with headers and body, an error, or what the test resolves by hand. */
export type FakeReply =
  | number
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | Error
  | Promise<TransportResult>;

/** Calls the function with each request. Requests that overlap are a fault. */
export class FakeTransport implements Transport {
  readonly requests: SentRequest[] = [];
  isClosed = false;
  reply: (request: SentRequest, index: number) => FakeReply;
  readonly #clock: FakeClock;
  #inFlight = 0;

  constructor(clock: FakeClock, reply: (request: SentRequest, index: number) => FakeReply) {
    this.#clock = clock;
    this.reply = reply;
  }

  async send(request: PushRequest, signal: AbortSignal): Promise<TransportResult> {
    if (this.#inFlight > 0) throw new Error('two requests at a time');
    this.#inFlight++;
    let forget = (): void => undefined;
    try {
      const sent = { ...request, atMs: this.#clock.nowMs };
      const reply = this.reply(sent, this.requests.push(sent) - 1);
      const aborted = new Promise<TransportResult>((resolve) => {
        const onAbort = (): void => resolve({ kind: 'failure', error: new Error('aborted'), resent: false });
        signal.addEventListener('abort', onAbort);
        forget = () => signal.removeEventListener('abort', onAbort);
      });
      await nextTurn(); // no network answers within a turn
      return await Promise.race([toResult(reply), aborted]);
    } finally {
      forget();
      this.#inFlight--;
    }
  }

  close(): void {
    this.isClosed = true;
  }
}

function toResult(reply: FakeReply): TransportResult | Promise<TransportResult> {
  if (reply instanceof Promise) return reply;
  if (reply instanceof Error) return { kind: 'failure', error: reply, resent: false };
  const { status, headers = {}, body = '' } = typeof reply === 'number' ? { status: reply } : reply;
  return { kind: 'answer', answer: { status, headers, bodyStart: body }, resent: false };
}

export function refusedConnection(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

export class ListLog implements Logger {
  readonly lines: LogLine[] = [];
  readonly debug = this.#method('debug');
  readonly info = this.#method('info');
  readonly warn = this.#method('warn');
  readonly error = this.#method('error');

  child(): Logger {
    return this;
  }

  /** `level: message` of each line, with the reason behind it. */
  get texts(): string[] {
    return this.lines.map(({ level, message, fields }) => {
      const reason = fields['reason'];
      return `${level}: ${message}${reason === undefined ? '' : `: ${reason}`}`;
    });
  }

  #method(level: LogLine['level']) {
    return (first: string | LogFields, message?: string): void => {
      this.lines.push(
        typeof first === 'string'
          ? { level, message: first, fields: {} }
          : { level, message: message ?? '', fields: first },
      );
    };
  }
}

export const OPTIONS: PusherOptions = {
  url: URL_TEXT,
  format: 'remote_write_1',
  compression: 'snappy',
  headers: {},
  userAgent: 'xtrace-catch/1.2.3',
  timeoutMs: 30_000,
  retryOn429: true,
  queueMaxBytes: 1 << 20,
  maxAgeMs: 3_600_000,
  minBackoffMs: 500,
  maxBackoffMs: 30_000,
};

export interface TestPusher {
  readonly pusher: Pusher;
  readonly clock: FakeClock;
  readonly transport: FakeTransport;
  readonly log: ListLog;
}

/** A pusher without network, disk and clock. */
export function createTestPusher(
  options: Partial<PusherOptions> = {},
  parts: Partial<PusherParts> & { readonly reply?: FakeTransport['reply'] } = {},
): TestPusher {
  const clock = new FakeClock();
  const log = new ListLog();
  const transport = new FakeTransport(clock, parts.reply ?? (() => 204));
  const pusher = createPusher(
    { ...OPTIONS, ...options },
    {
      transport,
      codec: PLAIN_CODEC,
      spool: undefined,
      nowMs: () => clock.nowMs,
      wallMs: () => START_MS + clock.nowMs,
      random: () => 0.5,
      schedule: clock.schedule,
      log,
      ...parts,
    },
  );
  return { pusher, clock, transport, log };
}

/** Numbers of the payloads (their samples' value) in the order in which they were sent; PLAIN_CODEC only. */
export function sentNumbers(requests: readonly PushRequest[]): number[] {
  return requests.map(({ body }) => numberOf(body));
}

export function numberOf(body: Uint8Array): number {
  const { timeseries } = WRITE_REQUEST.toObject(WRITE_REQUEST.decode(body), { defaults: true }) as {
    timeseries: { samples: { value: number }[] }[];
  };
  return timeseries[0]?.samples[0]?.value ?? Number.NaN;
}

/** What must hold at any time: nothing is lost without a word. */
export function imbalance(stats: PushStats): number {
  const dropped = Object.values(stats.samplesDropped).reduce((sum, count) => sum + count, 0);
  return stats.samples - stats.samplesSent - dropped - stats.queueSamples - stats.spoolSamples;
}

/** Waits until the pusher has nothing left. */
export async function untilSent(pusher: Pusher): Promise<void> {
  await waitFor(
    'everything is sent',
    () => {
      const { queueSamples, spoolSamples } = pusher.stats;
      return queueSamples + spoolSamples === 0;
    },
    { intervalMs: 5 },
  );
}
