// SPDX-License-Identifier: Apache-2.0
// A whole server over a series view that stands still, and a plain client that shows what came over
// the wire.

import { type IncomingHttpHeaders, request } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createExposer, type Exposer } from '../../../src/exposition/shared-exposition.js';
import type { HttpOptions, HttpParts } from '../../../src/http/server.js';
import { flowFamilies } from '../../../src/metrics/flow-families.js';
import { createManySeries } from '../exposition/series-fixture.js';
import { fixedFamilies } from '../metrics/fixed-metrics.js';

export interface HttpFixture {
  readonly options: HttpOptions;
  readonly parts: HttpParts;
  readonly exposer: Exposer;
  /** Scrapes that have asked for an exposition. */
  scrapes: number;
  readonly codes: string[];
  readonly faults: unknown[];
  readonly renderings: string[];
  /** Renderings begin only when this resolves. */
  guard: Promise<void>;
  readiness: { ready: boolean; reason: string };
  /** Thrown when metrics are collected. */
  fault: Error | undefined;
}

export function createHttpFixture(flows = 10, options: Partial<HttpOptions> = {}): HttpFixture {
  const families = flowFamilies(createManySeries(flows));
  const fixture: HttpFixture = {
    options: {
      name: 'xtrace-catch',
      version: '1.2.3',
      telemetryPath: '/metrics',
      maxRequests: 40,
      maxDurationMs: 20_000,
      ...options,
    },
    exposer: createExposer(
      { maxRenderings: 4, warnAboveBytes: 1e9 },
      {
        withSnapshot: async (fn) => {
          await fixture.guard;
          return fn({
            refresh: 1,
            families: async () => {
              if (fixture.fault !== undefined) throw fixture.fault;
              return fixedFamilies();
            },
            flows: () => families,
          });
        },
        currentRefresh: () => 1,
        yieldToLoop: () => nextTurn(),
        monotonicMs: () => performance.now(),
        onRendered: ({ format }) => fixture.renderings.push(format),
        warn: () => undefined,
      },
    ),
    parts: {
      exposer: {
        get renderings() {
          return fixture.exposer.renderings;
        },
        async expose(...scrape) {
          fixture.scrapes++;
          return fixture.exposer.expose(...scrape);
        },
      },
      readiness: () => fixture.readiness,
      interfaces: () => [
        { name: 'eth0', mode: 'generic', note: 'The driver refused native mode.' },
        { name: '<b>"x"', mode: undefined, note: "It's not there & never was." },
      ],
      onRequest: (code) => fixture.codes.push(code),
      onFault: (error) => fixture.faults.push(error),
    },
    scrapes: 0,
    codes: [],
    faults: [],
    renderings: [],
    guard: Promise.resolve(),
    readiness: { ready: true, reason: 'Ready.' },
    fault: undefined,
  };
  return fixture;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** False where the connection ended before the body did. */
  readonly complete: boolean;
}

/** One request on a connection of its own. */
export async function fetchReply(
  url: string,
  options: { method?: string; headers?: Record<string, string>; localAddress?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => undefined); // told by complete
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          complete: response.complete,
        }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Waits until the condition holds, and fails after twenty seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`still not so after 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise and what resolves it. */
export function createGate(): { promise: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
