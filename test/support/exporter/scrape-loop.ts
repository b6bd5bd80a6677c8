// SPDX-License-Identifier: Apache-2.0
// Scrapes again and again while something else happens, and checks every scrape: the books balance,
// and no total ever goes back. For tests only.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { assertBalance } from '../oracle/balance.js';
import type { Exposition, Series } from '../oracle/exposition-parser.js';
import type { Exporter } from './exporter.js';

/** A scrape is two refreshes of one time if these differ; a little below the shortest interval. */
const REST_MS = 30;

export interface ScrapeLoop {
  /** How many scrapes have been checked. */
  readonly scrapes: number;
  /** Greatest value that a metric with one series had in any scrape. */
  greatest(name: string, labels?: Readonly<Record<string, string>>): number;
}

/**
 * Runs the task, scraping without pause all the while and once afterwards. Rejects when the task
 * does, or when a scrape was wrong. The task is told how to ask for the number of scrapes so far.
 */
export async function scrapeWhile(
  exporter: Exporter,
  task: (scrapesSoFar: () => number) => Promise<void>,
): Promise<ScrapeLoop> {
  const history: Exposition[] = [];
  let running = true;
  const loop = (async () => {
    while (running) {
      history.push(await exporter.scrape());
      await delay(REST_MS);
    }
    history.push(await exporter.scrape());
  })();
  try {
    await task(() => history.length);
  } finally {
    running = false;
    await loop;
  }
  history.forEach((exposition, i) => {
    if (exposition.select('xtrace_interface_packets_total').length > 0) assertBalance(exposition);
    const before = history[i - 1];
    if (before !== undefined) assertNoTotalWentBack(before, exposition, i);
  });
  return {
    scrapes: history.length,
    greatest: (name, labels) => Math.max(...history.map((exposition) => exposition.sum(name, labels))),
  };
}

function assertNoTotalWentBack(before: Exposition, after: Exposition, scrape: number): void {
  for (const [key, series] of before.series) {
    if (!isTotal(series, before)) continue;
    const now = after.series.get(key);
    assert.ok(now !== undefined, `scrape ${scrape}: ${key} is gone`);
    assert.ok(
      now.value >= series.value,
      `scrape ${scrape}: ${key} went from ${series.value} to ${now.value}`,
    );
  }
}

/** Counters but those of flows: a flow's series may end, and begin again from 0. */
function isTotal({ name }: Series, { families }: Exposition): boolean {
  return families.get(name)?.type === 'counter' && !name.startsWith('xtrace_network_');
}
