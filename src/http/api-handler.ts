// SPDX-License-Identifier: Apache-2.0
// The paths under /api/v1/: what people look at, as JSON, and the events that tell of each refresh. What the
// answers say comes in as a part; here are paths, methods, codings and bounds: how many are made at a time, in which
// each client gets its turn, and how much is on its way.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipChunks } from '../exposition/gzip-chunks.js';
import { type ContentCoding, negotiateCoding } from '../exposition/negotiate.js';
import { MAX_STALL_MS, type RequestHandler } from './metrics-handler.js';
import { ScrapeRoom } from './scrape-room.js';
import { sendChunks } from './send-chunks.js';
import { isReadMethod, sendMethodNotAllowed, sendSentence } from './sentence.js';

export const API_PREFIX = '/api/v1/';
/** Bytes of answers that are on their way to clients, together; one answer always goes. */
const SENDING_MAX_BYTES = 32 * 1024 * 1024;
/** From here on a client that takes nothing makes place for others after a second. */
const PRESSED_BYTES = SENDING_MAX_BYTES / 2;
const PIECE_BYTES = 64 * 1024;
/** Answers that are made at a time; the next request waits for a while, then gets 503. */
export const API_PLACES = 4;
const MAX_WAIT_MS = 2000;
const RETRY_SOON = { 'Retry-After': '1' };

/** Where answers come from. */
export interface ApiSource {
  /** Of answers, as in their paths. */
  readonly names: readonly string[];
  /** web.ui; may change. */
  isOn(): boolean;
  /** body: JSON, never changed. refused: why there is none, with one sentence. */
  answer(
    name: string,
    params: URLSearchParams,
  ): Promise<
    { readonly body: readonly Buffer[] } | { readonly refused: 'query' | 'busy'; readonly sentence: string }
  >;
  /** The stream of events. */
  readonly events: RequestHandler;
}

export interface ApiHandlerParts {
  readonly source: ApiSource;
  /** An answer takes no longer than this, waiting and sending. */
  readonly maxDurationMs: number;
  /** A client that takes nothing of its answer for so long is cut off; MAX_STALL_MS unless told. */
  readonly maxStallMs?: number | undefined;
  /** Ends the request with status 500. */
  onFault(error: unknown, response: ServerResponse): void;
}

interface Sendable {
  readonly coding: ContentCoding;
  readonly chunks: readonly Buffer[];
  readonly bytes: number;
}

/** For all requests whose path begins with API_PREFIX; path: without the query. */
export type ApiHandler = (request: IncomingMessage, response: ServerResponse, path: string) => void;

export function createApiHandler({
  source,
  maxDurationMs,
  maxStallMs = MAX_STALL_MS,
  onFault,
}: ApiHandlerParts): ApiHandler {
  const names = new Set(source.names);
  const room = new ScrapeRoom(() => API_PLACES);
  /** By what was compressed: clients that ask for the same share it. */
  const compressed = new WeakMap<readonly Buffer[], Promise<readonly Buffer[]>>();
  let sendingBytes = 0;

  const compress = (body: readonly Buffer[]): Promise<readonly Buffer[]> => {
    const known = compressed.get(body);
    if (known !== undefined) return known;
    const made = gzipChunks(body, new AbortController().signal);
    compressed.set(body, made);
    return made;
  };

  /** undefined: the answer was a sentence, or nobody waits for it any more. */
  const make = async (
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
  ): Promise<Sendable | undefined> => {
    const [, query = ''] = /\?(.*)$/s.exec(request.url ?? '') ?? [];
    const answer = await source.answer(name, new URLSearchParams(query));
    if (response.destroyed) return undefined;
    if ('refused' in answer) {
      const isBusy = answer.refused === 'busy';
      sendSentence(response, isBusy ? 503 : 400, answer.sentence, isBusy ? RETRY_SOON : {});
      return undefined;
    }
    const coding = negotiateCoding(request.headers['accept-encoding'] as string | undefined);
    const chunks = coding === 'gzip' ? await compress(answer.body) : answer.body;
    return { coding, chunks, bytes: chunks.reduce((sum, { length }) => sum + length, 0) };
  };

  const send = async (
    response: ServerResponse,
    { coding, chunks, bytes }: Sendable,
    hasBody: boolean,
    signal: AbortSignal,
  ): Promise<void> => {
    if (sendingBytes > 0 && sendingBytes + bytes > SENDING_MAX_BYTES) {
      const sentence = 'Too many answers are being sent already; try again in a second.';
      sendSentence(response, 503, sentence, RETRY_SOON);
      return;
    }
    sendingBytes += bytes;
    try {
      response.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': String(bytes),
        ...(coding === 'gzip' ? { 'Content-Encoding': 'gzip' } : {}),
        'Cache-Control': 'no-store',
        Vary: 'Accept-Encoding',
      });
      const limits = { signal, maxStallMs, isPressed: () => sendingBytes > PRESSED_BYTES };
      await sendChunks(response, hasBody ? piecesOf(chunks) : [], limits);
    } finally {
      sendingBytes -= bytes;
    }
  };

  const respond = async (request: IncomingMessage, response: ServerResponse, name: string): Promise<void> => {
    const client = request.socket.remoteAddress ?? '';
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), maxDurationMs);
    const onClose = (): void => limit.abort();
    response.on('close', onClose);
    try {
      if (!(await room.enter(client, MAX_WAIT_MS, limit.signal))) {
        if (response.destroyed) return;
        const sentence = `${room.present} answers are being made already; try again in a second.`;
        sendSentence(response, 503, sentence, RETRY_SOON);
        return;
      }
      const made = await make(request, response, name).finally(() => room.leave(client));
      if (made === undefined || response.destroyed) return;
      await send(response, made, request.method !== 'HEAD', limit.signal);
    } finally {
      clearTimeout(timer);
      response.off('close', onClose);
    }
  };

  return (request, response, path) => {
    const name = path.slice(API_PREFIX.length);
    if (!source.isOn()) {
      sendSentence(
        response,
        404,
        'The API, and the page that is made of it, are switched off (web.ui: false).',
      );
    } else if (name === 'events') {
      source.events(request, response);
    } else if (!names.has(name)) {
      const there = [...source.names, 'events'].map((one) => API_PREFIX + one).join(', ');
      sendSentence(response, 404, `There is nothing at this path; there are ${there}.`);
    } else if (!isReadMethod(request.method)) {
      sendMethodNotAllowed(response, request.method);
    } else {
      respond(request, response, name).catch((error: unknown) => onFault(error, response));
    }
  };
}

/** So small that a client that takes them slowly is seen to take them. */
function piecesOf(chunks: readonly Buffer[]): readonly Buffer[] {
  return chunks.flatMap((chunk) => {
    if (chunk.length <= PIECE_BYTES) return [chunk];
    const count = Math.ceil(chunk.length / PIECE_BYTES);
    return Array.from({ length: count }, (_, i) => chunk.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES));
  });
}
