// SPDX-License-Identifier: Apache-2.0
// Readers of server-sent events: each message is made once and written to all of them, but for those that have
// not taken the one before. Nothing waits for a slow reader, in memory or in time.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler } from './metrics-handler.js';
import { isReadMethod, sendMethodNotAllowed, sendSentence } from './sentence.js';

/** Each holds one of 512 connections: scrapes have the rest. */
export const EVENT_READERS_MAX = 64;
/** So many connections there must be for each reader. */
const CONNECTIONS_EACH = 8;
/** Proxies cut what is silent for a minute, and readers want to know whether we live. */
const HEARTBEAT_MS = 15_000;
/** Browsers wait so long before they connect again. */
const RETRY_MS = 2000;
const HEARTBEAT = Buffer.from(':\n\n');

/** Where few files may be open, there are few connections. */
export function eventReaderLimit(maxConnections: number): number {
  return Math.max(1, Math.min(EVENT_READERS_MAX, Math.floor(maxConnections / CONNECTIONS_EACH)));
}

export interface EventReadersParts {
  /** How many there may be; may change. */
  limit(): number;
  /** A reader was told that there are too many. */
  onRefused(): void;
  /** So many readers did not get a message, as they had not taken the one before. */
  onSkipped(readers: number): void;
  /** As of a clock (clock.ts). */
  schedule(task: () => void, delayMs: number): () => void;
}

export class EventReaders {
  readonly #parts: EventReadersParts;
  readonly #readers = new Set<ServerResponse>();
  #cancelHeartbeat = (): void => undefined;

  constructor(parts: EventReadersParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#readers.size;
  }

  readonly handle: RequestHandler = (request, response) => {
    if (!isReadMethod(request.method)) sendMethodNotAllowed(response, request.method);
    else if (request.method === 'GET' && this.#readers.size >= this.#parts.limit()) this.#refuse(response);
    else this.#admit(request, response);
  };

  /** One message, of the number `id`; data: one line. */
  send(event: string, id: number, data: string): void {
    if (this.#readers.size === 0) return;
    this.#write(Buffer.from(`event: ${event}\nid: ${id}\ndata: ${data}\n\n`));
    this.#scheduleHeartbeat();
  }

  /** Ends all streams; their readers may come again. */
  endAll(): void {
    this.#cancelHeartbeat();
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  #refuse(response: ServerResponse): void {
    this.#parts.onRefused();
    const sentence = `${this.#readers.size} readers follow events already, and that is the most; ask for what they would tell instead.`;
    sendSentence(response, 503, sentence, { 'Retry-After': '10' });
  }

  #admit(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      // nginx would keep messages back otherwise.
      'X-Accel-Buffering': 'no',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    this.#readers.add(response);
    response.on('close', () => this.#remove(response));
    response.write(`retry: ${RETRY_MS}\n\n`);
    if (this.#readers.size === 1) this.#scheduleHeartbeat();
  }

  #remove(reader: ServerResponse): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#cancelHeartbeat();
  }

  /** But to those that have not taken what was written before. */
  #write(bytes: Buffer): void {
    let skipped = 0;
    for (const reader of this.#readers) {
      if (reader.writableLength > 0) skipped++;
      else reader.write(bytes);
    }
    if (skipped > 0) this.#parts.onSkipped(skipped);
  }

  /** The next one, unless a message comes before. */
  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat();
    this.#cancelHeartbeat = this.#parts.schedule(() => {
      for (const reader of this.#readers) if (reader.writableLength === 0) reader.write(HEARTBEAT);
      this.#scheduleHeartbeat();
    }, HEARTBEAT_MS);
  }
}
