// SPDX-License-Identifier: Apache-2.0
// What was pushed next to what was scraped: every sample of every refresh must be stored, and equal
// to /metrics at that refresh. For tests only.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../conditions.js';
import type { Exporter } from '../exporter/exporter.js';
import { type Exposition, seriesKey } from '../oracle/exposition-parser.js';
import type { Storage, StoredSeries } from './receivers.js';

/**
 * What changes between a refresh and a scrape of it, by itself or by the scrape. All else must be
 * the same to the unit.
 */
const CHANGING: readonly RegExp[] = [
  /^process_/,
  /^xtrace_push_/,
  /^xtrace_http_requests_total$/,
  /^xtrace_http_connections$/,
  /^xtrace_exposition_/,
  /^xtrace_event_loop_stall_seconds$/,
];

/** Between two scrapes, as a share of the interval: no refresh is missed, but for a scrape that is late. */
const REST = 0.4;

/** Scrapes by the number of the refresh that they show. */
export type Scrapes = ReadonlyMap<number, Exposition>;

/** Scrapes all the while, until so many refreshes were seen and the task is done. `intervalMs`: the exporter's. */
export async function scrapeRefreshes(
  exporter: Exporter,
  refreshes: number,
  task: () => Promise<unknown> = async () => undefined,
  intervalMs = 200,
): Promise<Scrapes> {
  const scrapes = new Map<number, Exposition>();
  let isDone = false;
  const working = task().finally(() => {
    isDone = true;
  });
  working.catch(() => undefined); // it is awaited below
  while (!isDone || scrapes.size < refreshes) {
    const scrape = await exporter.scrape();
    scrapes.set(scrape.value('xtrace_refreshes_total'), scrape);
    await delay(REST * intervalMs);
  }
  await working;
  return scrapes;
}

/** All that was stored, by time, and which refresh was when. */
export interface Pushed {
  readonly showsMarkers: boolean;
  /** As of the storage. */
  readonly fractionTolerance: number;
  /** Of each refresh, in order. */
  readonly timestamps: ReadonlyMap<number, number>;
  /** Series and value by time. */
  readonly samples: ReadonlyMap<number, ReadonlyMap<string, number>>;
}

/** Reads what is stored under these labels, which every series must have and /metrics has not. */
export async function readPushed(
  storage: Storage,
  labels: Readonly<Record<string, string>>,
): Promise<Pushed> {
  const selector = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const series = await storage.stored(`{${selector.join(',')}}`);
  const { showsMarkers, fractionTolerance } = storage;
  return { ...arrange(series, Object.keys(labels)), showsMarkers, fractionTolerance };
}

function arrange(
  series: readonly StoredSeries[],
  added: readonly string[],
): Pick<Pushed, 'timestamps' | 'samples'> {
  const samples = new Map<number, Map<string, number>>();
  const timestamps = new Map<number, number>();
  for (const { labels, timestamps: times, values } of series) {
    const own = Object.entries(labels).filter(([name]) => name !== '__name__' && !added.includes(name));
    const key = seriesKey(labels['__name__'] ?? '', own);
    times.forEach((timeMs, i) => {
      const value = values[i] ?? Number.NaN;
      const atTime = samples.get(timeMs) ?? new Map<string, number>();
      samples.set(timeMs, atTime);
      assert.ok(!atTime.has(key), `${key} is stored twice at ${timeMs}`);
      atTime.set(key, value);
      if (key === 'xtrace_refreshes_total{}' && !Number.isNaN(value)) timestamps.set(value, timeMs);
    });
  }
  return { timestamps, samples };
}

/**
 * Waits until all refreshes up to the last one scraped are stored, each of them whole and equal to
 * its scrape, where there is one. Returns how many samples were compared with a scrape.
 */
export function assertAllPushed(
  storage: Storage,
  labels: Readonly<Record<string, string>>,
  scrapes: Scrapes,
): Promise<number> {
  return waitFor(
    `${storage.name} to have all that was pushed`,
    async () => assertPushed(await readPushed(storage, labels), scrapes),
    { limitMs: 20_000, intervalMs: 500 },
  );
}

function assertPushed(pushed: Pushed, scrapes: Scrapes): number {
  const last = Math.max(...scrapes.keys());
  assertNoRefreshMissing(pushed, last);
  let compared = 0;
  for (const [refresh, scrape] of scrapes) {
    const timeMs = pushed.timestamps.get(refresh) ?? 0;
    const stored = pushed.samples.get(timeMs) ?? new Map<string, number>();
    compared += assertSameAs(scrape, stored, pushed.fractionTolerance, `refresh ${refresh}`);
    const shownMs = scrape.value('xtrace_refresh_timestamp_seconds') * 1000;
    assert.ok(Math.abs(timeMs - shownMs) < 1.5, `refresh ${refresh}: at ${shownMs}, stored at ${timeMs}`);
  }
  return compared;
}

/**
 * No refresh is missing, and none lacks a sample: with each goes how many samples were handed in
 * before, as xtrace_push_samples_total. A stale marker is a sample, too. For one run of the exporter.
 */
export function assertNoRefreshMissing({ timestamps, samples, showsMarkers }: Pushed, last: number): void {
  let before = 0;
  let previous: ReadonlyMap<string, number> = new Map();
  for (let refresh = 1; refresh <= last; refresh++) {
    const timeMs = timestamps.get(refresh);
    assert.ok(timeMs !== undefined, `refresh ${refresh} of ${last} is not stored`);
    const stored = samples.get(timeMs) ?? new Map<string, number>();
    assert.equal(stored.get('xtrace_push_samples_total{}'), before, `samples before refresh ${refresh}`);
    const ended = [...previous.keys()].filter((key) => !stored.has(key));
    before += stored.size + (showsMarkers ? 0 : ended.length);
    previous = stored;
  }
}

function assertSameAs(
  scrape: Exposition,
  stored: ReadonlyMap<string, number>,
  fractionTolerance: number,
  when: string,
): number {
  const isCompared = (key: string): boolean => !CHANGING.some((pattern) => pattern.test(nameOf(key)));
  const shown = new Map<string, number>();
  for (const { name, labels, value } of scrape.series.values()) {
    // A label without a value is no label.
    const key = seriesKey(
      name,
      [...labels].filter(([, text]) => text !== ''),
    );
    if (isCompared(key)) shown.set(key, value);
  }
  const storedKeys = [...stored].filter(([key, value]) => isCompared(key) && !Number.isNaN(value));
  assert.deepEqual(storedKeys.map(([key]) => key).sort(), [...shown.keys()].sort(), `series of ${when}`);
  for (const [key, value] of shown) {
    const other = stored.get(key) ?? Number.NaN;
    const isSame = Number.isInteger(value)
      ? other === value
      : Math.abs(other / value - 1) <= fractionTolerance;
    assert.ok(isSame, `${when}: ${key} is ${value} in /metrics, but ${other} was stored`);
  }
  return shown.size;
}

function nameOf(key: string): string {
  return key.slice(0, key.indexOf('{'));
}
