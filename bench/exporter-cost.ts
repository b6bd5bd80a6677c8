// SPDX-License-Identifier: Apache-2.0
// What a running exporter takes, seen from outside: CPU by /proc, stalls by its own metric beside those of an idle
// thread of this process, resident memory.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Exporter } from '../test/support/exporter/exporter.js';
import { requestRaw } from '../test/support/exporter/raw-http.js';
import { type Exposition, parseExposition } from '../test/support/oracle/exposition-parser.js';
import { readMemoryMiB } from '../test/support/process-state.js';
import { startIdleWatch } from './idle-watch.js';

/** Of /proc/.../stat: USER_HZ, which every Linux has. */
const TICK_MS = 10;
const USER_FIELD = 11;
const SYSTEM_FIELD = 12;
/** A burst of scrapes falls between two refreshes, and has so many at most. */
const BURST_MS = 2500;
const BURST_MOST = 30;

export type Coding = 'plain' | 'gzip' | 'protobuf';

const HEADERS: Readonly<Record<Coding, Readonly<Record<string, string>>>> = {
  plain: { 'Accept-Encoding': 'identity' },
  gzip: { 'Accept-Encoding': 'gzip' },
  protobuf: {
    'Accept-Encoding': 'identity',
    Accept: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  },
};

/** User and system time of all threads since the process began. */
export function readCpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return TICK_MS * (Number(fields[USER_FIELD]) + Number(fields[SYSTEM_FIELD]));
}

/** One scrape, thrown away. Rejects unless it was answered whole. */
export async function scrapeAway(exporter: Exporter, coding: Coding): Promise<number> {
  const { status, bytes } = await requestRaw(exporter.url, { headers: HEADERS[coding], keepBody: false });
  if (status !== 200) throw new Error(`${exporter.url} answered ${status}`);
  return bytes;
}

/** What it tells of itself, which is no scrape of flows, and little work. */
export async function readSelf(exporter: Exporter): Promise<Exposition> {
  const { body } = await requestRaw(`${exporter.url}?collect[]=self`, { headers: HEADERS.plain });
  return parseExposition(body.toString());
}

export interface Cost {
  readonly cpuMsAnInterval: number;
  readonly stallMs: number;
  /** Of an idle thread meanwhile: what the machine adds. */
  readonly idleStallMs: number;
  readonly residentMiB: number;
}

export interface Watched {
  readonly intervalMs: number;
  readonly intervals: number;
  /** Scrapes with gzip, so often; none unless told. */
  readonly scrapeEveryMs?: number;
}

/** Watches for so many intervals. */
export async function watchCost(exporter: Exporter, watched: Watched): Promise<Cost> {
  const { pid } = exporter.child;
  const { intervals, intervalMs, scrapeEveryMs = Number.POSITIVE_INFINITY } = watched;
  const idle = startIdleWatch();
  try {
    const stallMs: number[] = [];
    const noteStall = async (): Promise<void> => {
      stallMs.push(1000 * (await readSelf(exporter)).value('xtrace_event_loop_stall_seconds'));
    };
    await readSelf(exporter); // what came before
    const beganMs = performance.now();
    const beganCpuMs = readCpuMs(pid);
    const endsMs = beganMs + intervals * intervalMs;
    for (let scrapeMs = beganMs + scrapeEveryMs / 2; scrapeMs < endsMs; scrapeMs += scrapeEveryMs) {
      await delay(Math.max(0, scrapeMs - performance.now()));
      // The scrape itself asks for the stall, too: what came before it would be lost.
      await noteStall();
      await scrapeAway(exporter, 'gzip');
      await noteStall();
    }
    await delay(Math.max(0, endsMs - performance.now()));
    const cpuMs = readCpuMs(pid) - beganCpuMs;
    const spanMs = performance.now() - beganMs;
    await noteStall();
    return {
      cpuMsAnInterval: (cpuMs * intervalMs) / spanMs,
      stallMs: Math.max(...stallMs),
      idleStallMs: await idle.longestStallMs(),
      residentMiB: readMemoryMiB(pid, 'VmRSS'),
    };
  } finally {
    await idle.stop();
  }
}

/** CPU of one plain scrape: of a burst of them after a refresh. */
export async function measureScrapeMs(exporter: Exporter): Promise<number> {
  const refreshes = async (): Promise<number> => (await readSelf(exporter)).value('xtrace_refreshes_total');
  const before = await refreshes();
  await exporter.child.waitFor('a refresh', async () => (await refreshes()) > before);
  const { pid } = exporter.child;
  const beganCpuMs = readCpuMs(pid);
  const endsMs = performance.now() + BURST_MS;
  let scrapes = 0;
  for (; scrapes === 0 || (performance.now() < endsMs && scrapes < BURST_MOST); scrapes++) {
    await scrapeAway(exporter, 'plain');
  }
  return (readCpuMs(pid) - beganCpuMs) / scrapes;
}
