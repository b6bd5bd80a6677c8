// SPDX-License-Identifier: Apache-2.0
// What a database has to keep of flows that come and go: what prometheus says it keeps, and the most that the
// exporter's settings let it be. For tests and benches only.

import type { Scraper } from '../receivers/scrapers.js';
import type { FlowFloodOutcome } from './flow-flood.js';

/** xtrace_network_{bytes,packets}_total and xtrace_network_flow_{bytes,packets}. */
const FAMILIES = 4;
/** up and four of scrape_*, which prometheus makes of each target. */
const OF_PROMETHEUS = 5;

export interface SeriesSettings {
  readonly maxSeries: number;
  readonly maxNewPerMinute: number;
  readonly idleTimeoutMs: number;
}

export interface MostHeadSeries {
  readonly held: number;
  readonly displacing: number;
  readonly afterExpiry: number;
  readonly rest: number;
  readonly all: number;
}

/** Of all that has been scraped until now; nothing leaves prometheus' head in its first two hours. */
export async function readHeadSeries(prometheus: Scraper): Promise<number> {
  const metric = /^prometheus_tsdb_head_series (\S+)$/m.exec(await prometheus.ownMetrics())?.[1];
  if (metric === undefined) throw new Error('prometheus says nothing of prometheus_tsdb_head_series');
  return Number(metric);
}

/** Flows hold at most maxSeries at a time; beyond these a series takes the place of another or of an expired one. */
export function mostHeadSeries(
  { scrapes }: Pick<FlowFloodOutcome, 'scrapes'>,
  { maxSeries, maxNewPerMinute, idleTimeoutMs }: SeriesSettings,
): MostHeadSeries {
  const spanMs = (scrapes.at(-1)?.refreshedMs ?? 0) - (scrapes[0]?.atMs ?? 0);
  const held = FAMILIES * maxSeries;
  // Half of a minute's at once, the other half as each minute passes.
  const displacing = FAMILIES * Math.floor((maxNewPerMinute / 2) * (1 + spanMs / 60_000));
  // Nothing expires before it was silent for so long, so each place falls free at most so often.
  const afterExpiry = FAMILIES * maxSeries * Math.floor(spanMs / idleTimeoutMs);
  const rest = Math.max(...scrapes.map(({ samples, flowSamples }) => samples - flowSamples)) + OF_PROMETHEUS;
  return { held, displacing, afterExpiry, rest, all: held + displacing + afterExpiry + rest };
}
