// SPDX-License-Identifier: Apache-2.0
// All pages of the exporter as one express application: the metrics, the page to look at, health and
// readiness. Listening is listen.ts; what is shown comes in as parts.

import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import type { Selection } from '../exposition/selection.js';
import type { Exposer } from '../exposition/shared-exposition.js';
import { API_PREFIX, type ApiSource, createApiHandler } from './api-handler.js';
import type { Guard } from './guard.js';
import { contentSecurityPolicy, type LandingInterface, renderLandingPage } from './landing-page.js';
import { createReloadHandler, type Lifecycle } from './lifecycle.js';
import { ASSETS_PREFIX, assetHandler, PAGE_POLICY, type PageFiles, renderLivePage } from './live-page.js';
import { createMetricsHandler, type RequestHandler } from './metrics-handler.js';
import { isReadMethod, sendMethodNotAllowed, sendSentence } from './sentence.js';

export interface HttpOptions {
  readonly name: string;
  readonly version: string;
  /** Path of the metrics, with its leading slash; at `/` they take the landing page's place. */
  readonly telemetryPath: string;
  /** web.max_requests: scrapes served at once. */
  readonly maxRequests: number;
  /** A scrape takes no longer than this, waiting and sending. */
  readonly maxDurationMs: number;
  /** A client that takes nothing of its answer for so long is cut off; MAX_STALL_MS unless told. */
  readonly maxStallMs?: number;
}

export interface HttpParts {
  readonly exposer: Exposer;
  /** reason: one sentence, shown in either case. */
  readiness(): { readonly ready: boolean; readonly reason: string };
  interfaces(): readonly LandingInterface[];
  /** Once per request that is over; code is the status, or `aborted`. */
  onRequest(code: string): void;
  /** A scrape got its whole answer; client: a name that tells scrapers apart. isScraper: as it says itself. */
  onAnswered?(client: string, refresh: number, isScraper: boolean, selection: Selection): void;
  /** Before every page, the 404 too; every request passes unless told. */
  readonly guard?: Guard | undefined;
  /** The configuration in effect, as text without secrets, for /-/config; there is no such page unless told. */
  configText?(): string;
  /** Unless told, /-/reload says that it is not enabled. */
  readonly lifecycle?: Lifecycle | undefined;
  /** For people to look at; there is no such thing unless told. */
  readonly api?: ApiSource | undefined;
  /** Of the live page; without them, or while the API is off, a landing page stands at `/`. */
  readonly pageFiles?: PageFiles | undefined;
  /** A fault in one of our handlers. */
  onFault(error: unknown): void;
}

/** Prometheus' and vmagent's default timeout is 10 s; nobody waits for a minute. */
export const MAX_DURATION_MS = 60_000;

export function createHttpApp(options: HttpOptions, parts: HttpParts): Express {
  const { telemetryPath } = options;
  const landingPolicy = contentSecurityPolicy();
  const securityHeaders = [
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'DENY'],
    ['Referrer-Policy', 'no-referrer'],
  ] as const;

  /** Undefined: there is the landing page alone. */
  const filesOfPage = (): PageFiles | undefined => (parts.api?.isOn() === true ? parts.pageFiles : undefined);

  const fail = (error: unknown, response: ServerResponse): void => {
    parts.onFault(error);
    if (response.headersSent) response.destroy();
    else sendSentence(response, 500, 'An error inside the exporter; its log has the details.');
  };

  const page =
    (respond: (response: ServerResponse) => void) => (request: IncomingMessage, response: ServerResponse) => {
      if (isReadMethod(request.method)) respond(response);
      else sendMethodNotAllowed(response, request.method);
    };

  const pages = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>([
    [
      '/',
      page((response) => {
        const shown = { ...options, interfaces: parts.interfaces() };
        const files = filesOfPage();
        const html = Buffer.from(
          files === undefined ? renderLandingPage(shown) : renderLivePage(files, shown),
        );
        response.writeHead(200, {
          'Content-Type': 'text/html; charset=utf-8',
          'Content-Length': String(html.length),
          'Cache-Control': 'no-store',
        });
        response.end(html);
      }),
    ],
    ['/-/healthy', page((response) => sendSentence(response, 200, 'Healthy.'))],
    [
      '/-/ready',
      page((response) => {
        const { ready, reason } = parts.readiness();
        sendSentence(response, ready ? 200 : 503, reason);
      }),
    ],
    ['/-/reload', createReloadHandler(parts.lifecycle, fail)],
    [telemetryPath, createMetricsHandler(options, { ...parts, onFault: fail })],
  ]);
  const { configText, guard, api } = parts;
  const respondApi =
    api === undefined ? undefined : createApiHandler({ ...options, source: api, onFault: fail });
  if (configText !== undefined) {
    pages.set(
      '/-/config',
      page((response) => sendSentence(response, 200, configText().trimEnd())),
    );
  }

  /** Of the live page, while it is shown. */
  const assetOf = (path: string): RequestHandler | undefined => {
    const files = path.startsWith(ASSETS_PREFIX) ? filesOfPage() : undefined;
    const respond = files && assetHandler(files, path.slice(ASSETS_PREFIX.length));
    return (
      respond &&
      ((request, response) => {
        if (isReadMethod(request.method)) respond(request, response);
        else sendMethodNotAllowed(response, request.method);
      })
    );
  };

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request: Request, response: Response, next: NextFunction) => {
    const isLive = request.path === '/' && filesOfPage() !== undefined;
    response.setHeader('Content-Security-Policy', isLive ? PAGE_POLICY : landingPolicy);
    for (const [name, value] of securityHeaders) response.setHeader(name, value);
    response.on('close', () => {
      parts.onRequest(response.writableFinished ? String(response.statusCode) : 'aborted');
    });
    next();
  });
  if (guard !== undefined) {
    app.use((request: Request, response: Response, next: NextFunction) =>
      guard(request, response, () => next()),
    );
  }
  // Paths are compared as they stand: express would read a configured path as a pattern.
  app.use((request: Request, response: Response) => {
    const respond = pages.get(request.path) ?? assetOf(request.path);
    if (respond !== undefined) respond(request, response);
    else if (respondApi !== undefined && request.path.startsWith(API_PREFIX)) {
      respondApi(request, response, request.path);
    } else sendSentence(response, 404, `There is nothing at this path; the metrics are at ${telemetryPath}.`);
  });
  // Four parameters make it the error handler.
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    fail(error, response);
  });
  return app;
}
