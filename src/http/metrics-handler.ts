// SPDX-License-Identifier: Apache-2.0
// GET and HEAD of the metrics: a plain (request, response) handler, so that large bodies stream with
// backpressure. A scrape gets a whole exposition or an error status, never part of one as a success.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExpositionFormat } from '../exposition/dialect.js';
import { type ContentCoding, negotiateCoding, negotiateFormat } from '../exposition/negotiate.js';
import type { Selection } from '../exposition/selection.js';
import type { Exposer, ExpositionShare } from '../exposition/shared-exposition.js';
import { ScrapeRoom } from './scrape-room.js';
import { parseSelection } from './selected-subjects.js';
import { sendChunks } from './send-chunks.js';
import { isReadMethod, sendMethodNotAllowed, sendSentence } from './sentence.js';

export interface MetricsHandlerOptions {
  /** Requests served at once; the next one waits for a while, then gets 503. */
  readonly maxRequests: number;
  /** A request takes no longer than this, whatever its timeout header says. */
  readonly maxDurationMs: number;
  /** A client that takes nothing of its answer for so long is cut off; MAX_STALL_MS unless told. */
  readonly maxStallMs?: number;
}

/** Four stuck clients hold all the renderings there may be: they must not do so for a minute. */
export const MAX_STALL_MS = 10_000;

/** So long a scrape waits for others to be over before it is refused. */
const MAX_WAIT_MS = 2000;

export interface MetricsHandlerParts {
  readonly exposer: Exposer;
  /** Ends the request with status 500; called at most once a request, never after the head was sent. */
  onFault(error: unknown, response: ServerResponse): void;
  /** A whole answer that shows this refresh has left; client: see clientName(). isScraper: as it says itself. */
  onAnswered?(client: string, refresh: number, isScraper: boolean, selection: Selection): void;
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What a scrape wants to have. */
interface Asked {
  readonly format: ExpositionFormat;
  readonly contentType: string;
  readonly coding: ContentCoding;
  readonly hasBody: boolean;
  readonly selection: Selection;
}

/** Of Prometheus and vmagent. */
const TIMEOUT_HEADER = 'x-prometheus-scrape-timeout-seconds';

const LOOK_AGAIN_MS = 100;

const RETRY_SOON = { 'Retry-After': '1' };

export function createMetricsHandler(
  options: MetricsHandlerOptions,
  { exposer, onFault, onAnswered }: MetricsHandlerParts,
): RequestHandler {
  const room = new ScrapeRoom(() => options.maxRequests);
  const maxStallMs = options.maxStallMs ?? MAX_STALL_MS;

  /** Waits until few enough renderings live; undefined where that takes too long. */
  const takeShare = async (
    { format, coding, selection }: Asked,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<ExpositionShare | undefined> => {
    const endMs = performance.now() + waitMs;
    for (;;) {
      const share = await exposer.expose(format, coding, signal, selection);
      const leftMs = endMs - performance.now();
      if (share !== undefined || leftMs <= 0) return share;
      // Room also appears where an answer gets whole, which nobody tells.
      await room.untilOneLeaves(Math.min(leftMs, LOOK_AGAIN_MS), signal);
    }
  };

  const send = async (
    response: ServerResponse,
    { contentType, coding, hasBody }: Asked,
    share: ExpositionShare,
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      response.writeHead(200, {
        'Content-Type': contentType,
        'Content-Length': String(share.bytes),
        ...(coding === 'gzip' ? { 'Content-Encoding': 'gzip' } : {}),
        'Cache-Control': 'no-store',
        Vary: 'Accept, Accept-Encoding',
      });
      const limits = { signal, maxStallMs, isPressed: () => room.isWanted };
      await sendChunks(response, hasBody ? share.chunks : [], limits);
    } finally {
      share.release();
    }
  };

  const serve = async (
    request: IncomingMessage,
    response: ServerResponse,
    selection: Selection,
  ): Promise<void> => {
    const limitMs = scrapeLimitMs(request.headers[TIMEOUT_HEADER], options.maxDurationMs);
    const waitMs = Math.min(MAX_WAIT_MS, limitMs / 2);
    const client = request.socket.remoteAddress ?? '';
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), limitMs);
    const onClose = (): void => limit.abort();
    response.on('close', onClose);
    let isInside = false;
    try {
      isInside = await room.enter(client, waitMs, limit.signal);
      if (!isInside) {
        limit.signal.throwIfAborted();
        const sentence = `${room.present} scrapes are being served already (web.max_requests); try again in a second.`;
        sendSentence(response, 503, sentence, RETRY_SOON);
        return;
      }
      const asked = {
        ...negotiateFormat(request.headers.accept),
        coding: negotiateCoding(request.headers['accept-encoding'] as string | undefined),
        hasBody: request.method !== 'HEAD',
        selection,
      };
      const share = await takeShare(asked, waitMs, limit.signal);
      if (share === undefined) {
        const sentence = 'Too many scrapes of different refreshes are being served; try again in a second.';
        sendSentence(response, 503, sentence, RETRY_SOON);
        return;
      }
      await send(response, asked, share, limit.signal);
      if (asked.hasBody && response.writableFinished) {
        onAnswered?.(clientName(request), share.refresh, TIMEOUT_HEADER in request.headers, selection);
      }
    } catch (error) {
      if (response.destroyed) return; // the client is gone: nobody to tell
      if (!limit.signal.aborted) onFault(error, response);
      else {
        const sentence = `The metrics were not ready within ${limitMs / 1000} s; raise the scrape timeout or lower flows.max_series.`;
        sendSentence(response, 503, sentence, RETRY_SOON);
      }
    } finally {
      clearTimeout(timer);
      response.off('close', onClose);
      if (isInside) room.leave(client);
    }
  };

  return (request, response) => {
    if (!isReadMethod(request.method)) {
      sendMethodNotAllowed(response, request.method);
      return;
    }
    const selection = parseSelection(request.url);
    if (typeof selection === 'object') sendSentence(response, 400, selection.problem);
    else serve(request, response, selection).catch((error: unknown) => onFault(error, response));
  };
}

/** A header of this length more is of somebody who wants to be many. */
const MAX_NAME_PART = 200;

/**
 * What tells scrapers apart: address, user agent, and the timeout that they announce, which differs where
 * two of one sort have different intervals.
 */
export function clientName({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
  const parts = [headers['user-agent'], headers[TIMEOUT_HEADER]];
  return [socket.remoteAddress, ...parts].map((part) => String(part ?? '').slice(0, MAX_NAME_PART)).join(' ');
}

/** Time that the answer needs to reach the scraper. */
const TIMEOUT_OFFSET_MS = 500;

/**
 * How long a scrape may take: half a second less than the scraper's timeout (or half of it, if it is
 * below a second), and no more than maxDurationMs.
 */
export function scrapeLimitMs(header: string | string[] | undefined, maxDurationMs: number): number {
  const timeoutMs = Number(typeof header === 'string' && header.trim() !== '' ? header : Number.NaN) * 1000;
  if (!(timeoutMs > 0)) return maxDurationMs;
  return Math.min(maxDurationMs, Math.max(timeoutMs - TIMEOUT_OFFSET_MS, timeoutMs / 2));
}
