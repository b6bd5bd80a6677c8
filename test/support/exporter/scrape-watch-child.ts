// SPDX-License-Identifier: Apache-2.0
// A child process of scrape-watch.ts: a scraper that reads the books of every answer. Argument: a
// ScrapeWatchPlan as JSON. Prints a WatchedScrape a line; ends with SIGTERM, after the scrape under way.

import http from 'node:http';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { readBookLines } from '../oracle/book-lines.js';
import type { ScrapeWatchPlan, WatchedScrape } from './scrape-watch.js';

const TIMEOUT_S = 10;
/** As long as its file is open, a test that dies without ending its children still has them end. */
const LIMIT_MS = 3_600_000;

const plan = JSON.parse(process.argv[2] ?? '') as ScrapeWatchPlan;
const agent = new http.Agent({ keepAlive: true });
const beganMs = performance.now();
let isEnding = false;
process.on('SIGTERM', () => {
  isEnding = true;
});

for (let count = 0; !isEnding && performance.now() - beganMs < LIMIT_MS; count++) {
  process.stdout.write(`${JSON.stringify(await scrape(count % 2 === 0))}\n`);
  const nextMs = beganMs + (Math.floor((performance.now() - beganMs) / plan.everyMs) + 1) * plan.everyMs;
  // In short naps: a signal does not end one.
  while (!isEnding && performance.now() < nextMs) {
    await delay(Math.min(50, Math.max(1, nextMs - performance.now())));
  }
}
agent.destroy();

async function scrape(isPlain: boolean): Promise<WatchedScrape> {
  const atMs = Date.now();
  const startMs = performance.now();
  try {
    const body = await get(isPlain);
    const tookMs = performance.now() - startMs;
    const books = readBookLines(body.toString('latin1'), plan.wanted);
    return {
      atMs,
      tookMs,
      bodyBytes: body.length,
      faults: books.faults,
      totals: books.totals,
      wantedFlows: books.wantedFlows,
      samples: books.samples,
      flowSamples: books.flowSamples,
      refreshedMs: books.value('xtrace_refresh_timestamp_seconds') * 1000,
      refreshes: books.value('xtrace_refreshes_total'),
      stallMs: books.value('xtrace_event_loop_stall_seconds') * 1000,
      series: books.value('xtrace_series'),
      rocePairs: books.value('xtrace_roce_pairs'),
      flowsActive: books.value('xtrace_flows_active'),
      roceStreams: books.value('xtrace_kernel_map_entries', '{map="roce"}'),
    };
  } catch (error) {
    return { atMs, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** As Prometheus asks, plain or with gzip. */
function get(isPlain: boolean): Promise<Buffer> {
  const headers = {
    'X-Prometheus-Scrape-Timeout-Seconds': String(TIMEOUT_S),
    ...(isPlain ? {} : { 'Accept-Encoding': 'gzip' }),
  };
  return new Promise((resolve, reject) => {
    const request = http.get(plan.url, { agent, headers, timeout: TIMEOUT_S * 1000 }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(parts);
        if (response.statusCode !== 200) reject(new Error(`the exporter answered ${response.statusCode}`));
        else resolve(response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_S} s`)));
    request.on('error', reject);
  });
}
