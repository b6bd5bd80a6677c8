// SPDX-License-Identifier: Apache-2.0
// A scraper in a process of its own, which reads the books of every answer, so that neither the test nor
// the exporter pays for the reading. For tests and benches only.

import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { WaitOptions } from '../conditions.js';
import type { Namespace } from '../kernel/namespace.js';
import type { Amount } from '../oracle/book-lines.js';

const PROGRAM = fileURLToPath(new URL('./scrape-watch-child.js', import.meta.url));

export interface ScrapeWatchPlan {
  /** Of the metrics. */
  readonly url: string;
  readonly everyMs: number;
  /** Texts of label lists that mark the flows to be counted. */
  readonly wanted: readonly string[];
}

/** A scrape that came to nothing. */
export interface FailedScrape {
  readonly atMs: number;
  readonly problem: string;
}

export interface GoodScrape {
  /** Unix time at which it was asked for. */
  readonly atMs: number;
  readonly tookMs: number;
  /** Without gzip. */
  readonly bodyBytes: number;
  /** A sentence for each equation of the books that does not hold. */
  readonly faults: readonly string[];
  /** Interface totals by traffic type. */
  readonly totals: Readonly<Record<string, Amount>>;
  readonly wantedFlows: number;
  readonly samples: number;
  readonly flowSamples: number;
  /** Unix time of the refresh that it shows, and refreshes until then. */
  readonly refreshedMs: number;
  readonly refreshes: number;
  /** Longest of the event loop since the answer before. */
  readonly stallMs: number;
  readonly series: number;
  readonly rocePairs: number;
  /** Of the last refresh. */
  readonly flowsActive: number;
  readonly roceStreams: number;
}

export type WatchedScrape = GoodScrape | FailedScrape;

export interface ScrapeWatch {
  /** Good ones and failed ones so far. */
  good(): readonly GoodScrape[];
  failed(): readonly FailedScrape[];
  /** Waits for a good scrape, asked for from now on, of which the condition holds. */
  next(what: string, condition: (scrape: GoodScrape) => boolean, wait?: WaitOptions): Promise<GoodScrape>;
  /** Ends it after the scrape under way. May be called twice. */
  stop(): Promise<void>;
}

export function startScrapeWatch(namespace: Pick<Namespace, 'start'>, plan: ScrapeWatchPlan): ScrapeWatch {
  const child = namespace.start(process.execPath, [PROGRAM, JSON.stringify(plan)]);
  const scrapes: WatchedScrape[] = [];
  let lines = 0;
  const read = (): readonly WatchedScrape[] => {
    const whole = child.stdout.split('\n').slice(lines, -1);
    lines += whole.length;
    scrapes.push(...whole.map((line) => JSON.parse(line) as WatchedScrape));
    return scrapes;
  };
  const good = (): readonly GoodScrape[] => read().filter((scrape) => 'faults' in scrape);
  return {
    good,
    failed: () => read().filter((scrape) => 'problem' in scrape),
    next(what, condition, wait) {
      const fromMs = Date.now();
      return child.waitFor(what, () => good().find((scrape) => scrape.atMs >= fromMs && condition(scrape)), {
        intervalMs: 100,
        ...wait,
      });
    },
    async stop() {
      await child.stop();
    },
  };
}
