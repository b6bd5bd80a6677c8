// SPDX-License-Identifier: Apache-2.0
// What the users of an exporter get while something happens to it: scrapes by a client of its own,
// refreshes on their beat, memory. For tests only.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseExposition } from '../oracle/exposition-parser.js';
import type { Exporter } from './exporter.js';
import { requestRaw } from './raw-http.js';

export interface Service {
  readonly scrapes: number;
  /** Every answer that was not the metrics, and every request that failed. */
  readonly refused: readonly string[];
  readonly slowestMs: number;
  /** From the first scrape to the last. */
  readonly refreshes: number;
  /** What the interval makes of the same time. */
  readonly expectedRefreshes: number;
  /** Oldest refresh that a scrape brought, by the clock when it had come. */
  readonly oldestRefreshMs: number;
  readonly grownBytes: number;
  /** In one line. */
  readonly summary: string;
}

export interface WatchOptions {
  readonly intervalMs: number;
  /** A scrape that takes longer is given up. Default 20 s. */
  readonly limitMs?: number;
}

/** A scrape begins this long after the one before it ended. */
const REST_MS = 100;

/** Scrapes while the task runs, and once after it. */
export async function watchService(
  exporter: Exporter,
  { intervalMs, limitMs = 20_000 }: WatchOptions,
  task: () => Promise<void>,
): Promise<Service> {
  const { pid } = exporter.child;
  const refused: string[] = [];
  let scrapes = 0;
  let slowestMs = 0;
  let oldestRefreshMs = 0;
  let first: { refreshes: number; atMs: number } | undefined;
  let last = { refreshes: 0, atMs: 0 };

  const scrape = async (): Promise<void> => {
    const startedMs = performance.now();
    scrapes++;
    try {
      const reply = await requestRaw(exporter.url, { limitMs });
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      const receivedMs = Date.now();
      if (reply.status !== 200) {
        refused.push(`${reply.status} ${reply.body.toString()}`);
        return;
      }
      const exposition = parseExposition(reply.body.toString());
      const refreshedMs = exposition.value('xtrace_refresh_timestamp_seconds') * 1000;
      oldestRefreshMs = Math.max(oldestRefreshMs, receivedMs - refreshedMs);
      last = { refreshes: exposition.value('xtrace_refreshes_total'), atMs: refreshedMs };
      first ??= last;
    } catch (error) {
      slowestMs = Math.max(slowestMs, performance.now() - startedMs);
      refused.push(String(error));
    }
  };

  await scrape();
  const residentBefore = residentBytes(pid);
  let greatest = residentBefore;
  let running = true;
  const loop = (async () => {
    while (running) {
      await delay(REST_MS);
      await scrape();
      greatest = Math.max(greatest, residentBytes(pid));
    }
    await scrape();
  })();
  try {
    await task();
  } finally {
    running = false;
    await loop;
  }
  assert.ok(first !== undefined, `no scrape was answered: ${refused[0]}`);
  const refreshes = last.refreshes - first.refreshes;
  const expectedRefreshes = Math.round((last.atMs - first.atMs) / intervalMs);
  const grownBytes = greatest - residentBefore;
  const summary =
    `${scrapes} scrapes, ${refused.length} refused, slowest ${Math.round(slowestMs)} ms; ` +
    `${refreshes} of ${expectedRefreshes} refreshes, oldest ${Math.round(oldestRefreshMs)} ms; ` +
    `${residentBefore >> 20} + ${(grownBytes / 2 ** 20).toFixed(1)} MiB`;
  return {
    scrapes,
    refused,
    slowestMs,
    refreshes,
    expectedRefreshes,
    oldestRefreshMs,
    grownBytes,
    summary,
  };
}

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
