// SPDX-License-Identifier: Apache-2.0
// The paths under /api/v1/: what people look at, as JSON, and the events that tell of each refresh. What the
// answers say comes in as a part; here are paths, methods, codings and bounds.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipChunks } from '../exposition/gzip-chunks.js';
import { negotiateCoding } from '../exposition/negotiate.js';
import type { RequestHandler } from './metrics-handler.js';
import { isReadMethod, sendMethodNotAllowed, sendSentence } from './sentence.js';

export const API_PREFIX = '/api/v1/';
/** Bytes of answers that are on their way to clients, together; one answer always goes. */
const SENDING_MAX_BYTES = 32 * 1024 * 1024;
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
  ): Promise<{ readonly body: Buffer } | { readonly refused: 'query' | 'busy'; readonly sentence: string }>;
  /** The stream of events. */
  readonly events: RequestHandler;
}

export interface ApiHandlerParts {
  readonly source: ApiSource;
  /** Ends the request with status 500. */
  onFault(error: unknown, response: ServerResponse): void;
}

/** For all requests whose path begins with API_PREFIX; path: without the query. */
export type ApiHandler = (request: IncomingMessage, response: ServerResponse, path: string) => void;

export function createApiHandler({ source, onFault }: ApiHandlerParts): ApiHandler {
  const names = new Set(source.names);
  /** By what was compressed: clients that ask for the same share it. */
  const compressed = new WeakMap<Buffer, Promise<Buffer>>();
  let sendingBytes = 0;

  const compress = (body: Buffer): Promise<Buffer> => {
    const known = compressed.get(body);
    if (known !== undefined) return known;
    const made = gzipChunks([body], new AbortController().signal).then((chunks) => Buffer.concat(chunks));
    compressed.set(body, made);
    return made;
  };

  const respond = async (request: IncomingMessage, response: ServerResponse, name: string): Promise<void> => {
    const [, query = ''] = /\?(.*)$/s.exec(request.url ?? '') ?? [];
    const answer = await source.answer(name, new URLSearchParams(query));
    if (response.destroyed) return;
    if ('refused' in answer) {
      const isBusy = answer.refused === 'busy';
      sendSentence(response, isBusy ? 503 : 400, answer.sentence, isBusy ? RETRY_SOON : {});
      return;
    }
    const coding = negotiateCoding(request.headers['accept-encoding'] as string | undefined);
    const body = coding === 'gzip' ? await compress(answer.body) : answer.body;
    if (response.destroyed) return;
    if (sendingBytes > 0 && sendingBytes + body.length > SENDING_MAX_BYTES) {
      sendSentence(
        response,
        503,
        'Too many answers are being sent already; try again in a second.',
        RETRY_SOON,
      );
      return;
    }
    sendingBytes += body.length;
    response.on('close', () => {
      sendingBytes -= body.length;
    });
    response.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': String(body.length),
      ...(coding === 'gzip' ? { 'Content-Encoding': 'gzip' } : {}),
      'Cache-Control': 'no-store',
      Vary: 'Accept-Encoding',
    });
    // Node leaves the body of a response to HEAD out by itself.
    response.end(body);
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
