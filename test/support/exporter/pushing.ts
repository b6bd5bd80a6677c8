// SPDX-License-Identifier: Apache-2.0
// The exporter pushing from a test's site, with quick retries, and what must hold of its counters
// whatever happens to its receiver. For tests only.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Exposition } from '../oracle/exposition-parser.js';
import { temporaryFolder } from '../temporary-folder.js';
import { type Exporter, startExporter } from './exporter.js';
import type { Site } from './site.js';

export interface Pushing {
  /** Of the section push; enabled it is. */
  readonly push: Readonly<Record<string, unknown>>;
  /** Default 200. */
  readonly intervalMs?: number;
  /** A command before the program. */
  readonly through?: readonly string[];
}

/** On the site's device va; killed at the end of the test. */
export async function startPushing(t: TestContext, site: Site, options: Pushing): Promise<Exporter> {
  const { push, intervalMs = 200, through = [] } = options;
  const retry = { min_backoff_ms: 100, max_backoff_ms: 500 };
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', String(intervalMs)],
    settings: { push: { enabled: true, retry, ...push } },
    through,
  });
  t.after(() => exporter.stop('SIGKILL'));
  return exporter;
}

export function createSpoolFolder(): string {
  return temporaryFolder('xtrace-spool-');
}

/** The promise of xtrace_push_samples_total. */
export function assertSamplesBalance(now: Exposition): void {
  const parts = ['samples_sent_total', 'queue_samples', 'spool_samples'].map((name) =>
    now.value(`xtrace_push_${name}`),
  );
  const dropped = now.sum('xtrace_push_samples_dropped_total');
  assert.equal(
    parts.reduce((sum, part) => sum + part, dropped),
    now.value('xtrace_push_samples_total'),
    `sent, in the queue, in the spool: ${parts}, dropped: ${dropped}`,
  );
}

/** The first scrape at which nothing waits and nothing was lost. */
export function allSent(exporter: Exporter): Promise<Exposition> {
  return exporter.scrapeUntil(
    'all to be sent',
    (now) => now.value('xtrace_push_samples_sent_total') === now.value('xtrace_push_samples_total'),
  );
}

/** Of its log so far. */
export function countLines(exporter: Exporter, pattern: RegExp): number {
  return exporter.child.stderr.split('\n').filter((line) => pattern.test(line)).length;
}
