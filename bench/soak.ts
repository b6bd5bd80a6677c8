// SPDX-License-Identifier: Apache-2.0
// The real exporter for half an hour at 5 refreshes a second, under all that soak-load.ts does to it.
// Resident memory and descriptors must not grow, every scrape's books must balance, and every refresh
// must come on its beat.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { atEnd } from '../test/support/cleanup.js';
import { waitFor } from '../test/support/conditions.js';
import { type Exporter, startExporter } from '../test/support/exporter/exporter.js';
import { assertSamplesBalance } from '../test/support/exporter/pushing.js';
import { requestRaw } from '../test/support/exporter/raw-http.js';
import { createWire, type Wire } from '../test/support/kernel/wire.js';
import { assertBalance } from '../test/support/oracle/balance.js';
import { type Exposition, parseExposition } from '../test/support/oracle/exposition-parser.js';
import { readMemoryMiB } from '../test/support/process-state.js';
import { startIdleWatch } from './idle-watch.js';
import { judge, type Point, type SoakFigure, slopePerHour } from './soak-figures.js';
import { abortScrape, type FickleReceiver, flap, startFickleReceiver, startTraffic } from './soak-load.js';

const INTERVAL_MS = 200;
const SCRAPE_EVERY_MS = 1000;
const ABORT_EVERY_MS = 300;
const FLAP_EVERY_MS = 7000;
const LOOK_EVERY_MS = 1000;
/** Not part of the slopes: buffers find their size, and code is compiled. */
const SETTLING_MINUTES = 5;
/** In less, garbage that comes and goes looks like a slope of hundreds of MiB an hour. */
const JUDGED_FROM_MINUTES = 20;
const CURVE_MINUTES = 5;
const QUIET_LIMIT_MS = 30_000;

/** What the loops saw. */
interface Log {
  readonly residentMiB: Point[];
  readonly fds: Point[];
  /** Of good scrapes: when, what was refreshed by then, and the CPU time. */
  readonly scrapes: { readonly atMs: number; readonly refreshes: number; readonly cpuS: number }[];
  failedScrapes: number;
  /** Why a scrape was not as it must be; the first of each sort is enough to tell. */
  readonly faults: string[];
  longestStallS: number;
  aborts: number;
  flaps: number;
  mostSeries: number;
}

/** Needs root, and this many minutes and a half. */
export async function benchSoak(minutes: number): Promise<SoakFigure[]> {
  const wire = createWire('k', { pairs: 2 });
  const closers: (() => unknown)[] = [wire.dispose];
  try {
    const receiver = await startFickleReceiver();
    closers.push(() => receiver.stop());
    const spool = mkdtempSync(path.join(os.tmpdir(), 'xtrace-soak-'));
    closers.push(atEnd(() => rmSync(spool, { recursive: true, force: true })));
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice(0)},${wire.sinkDevice(1)}`, `--interval=${INTERVAL_MS}`],
      settings: {
        flows: { new_series: 'zero_first', idle_timeout_ms: 3000, max_series: 1500 },
        push: {
          enabled: true,
          url: receiver.url,
          timeout_ms: 1000,
          queue_max_bytes: 4 << 20,
          spool_path: spool,
          spool_max_bytes: 16 << 20,
          retry: { min_backoff_ms: 100, max_backoff_ms: 500 },
        },
      },
    });
    closers.push(() => exporter.stop());
    return await soak(minutes, wire, exporter, receiver, closers);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function soak(
  minutes: number,
  wire: Wire,
  exporter: Exporter,
  receiver: FickleReceiver,
  closers: (() => unknown)[],
): Promise<SoakFigure[]> {
  const { pid } = exporter.child;
  await exporter.scrapeUntil('the first push', (now) => now.value('xtrace_push_up') === 1);
  const fdsBefore = countFds(pid);
  const endTraffic = startTraffic(wire);
  closers.push(endTraffic);
  // There are no books before.
  await exporter.scrapeUntil('traffic', (now) => now.sum('xtrace_interface_packets_total') > 0);
  const log: Log = {
    residentMiB: [],
    fds: [],
    scrapes: [],
    failedScrapes: 0,
    faults: [],
    longestStallS: 0,
    aborts: 0,
    flaps: 0,
    mostSeries: 0,
  };
  const idle = startIdleWatch();
  closers.push(() => idle.stop());
  const endMs = performance.now() + minutes * 60_000;
  let hasFailed = false;
  const every = async (periodMs: number, task: (count: number) => unknown): Promise<void> => {
    for (let count = 0; performance.now() < endMs && !hasFailed; count++) {
      const nextMs = performance.now() + periodMs;
      await task(count);
      await delay(Math.max(0, Math.min(nextMs, endMs) - performance.now()));
    }
  };
  const loops = [
    every(LOOK_EVERY_MS, () => {
      const atMs = performance.now();
      log.residentMiB.push({ atMs, value: readMemoryMiB(pid, 'VmRSS') });
      log.fds.push({ atMs, value: countFds(pid) });
    }),
    every(SCRAPE_EVERY_MS, (count) => scrape(exporter, log, count % 2 === 0)),
    every(ABORT_EVERY_MS, async (count) => {
      await abortScrape(exporter.port, count % 2 === 0);
      log.aborts++;
    }),
    every(FLAP_EVERY_MS, async (count) => {
      await flap(wire, count);
      log.flaps++;
    }),
  ];
  // The first that fails ends the others; none is left behind.
  await Promise.all(
    loops.map((loop) =>
      loop.catch((error: unknown) => {
        hasFailed = true;
        throw error;
      }),
    ),
  ).finally(() => Promise.allSettled(loops));
  const idleStallMs = await idle.longestStallMs();
  const underLoad = await exporter.scrape();
  await endTraffic();
  receiver.behave();
  const { fdsAfter, last } = await comeToRest(exporter, fdsBefore);
  return report(minutes, log, receiver, { fdsBefore, fdsAfter, idleStallMs, underLoad, last });
}

async function scrape(exporter: Exporter, log: Log, isPlain: boolean): Promise<void> {
  const headers: Record<string, string> = isPlain ? {} : { 'Accept-Encoding': 'gzip' };
  try {
    const { status, body, headers: answered } = await requestRaw(exporter.url, { headers });
    const atMs = performance.now();
    if (status !== 200) throw new Error(`the exporter answered ${status}: ${body.toString()}`);
    const isGzip = answered['content-encoding'] === 'gzip';
    if (isGzip === isPlain) throw new Error(`the answer came ${isGzip ? 'in gzip' : 'plain'}`);
    const exposition = parseExposition((isGzip ? gunzipSync(body) : body).toString());
    log.scrapes.push({
      atMs,
      refreshes: exposition.value('xtrace_refreshes_total'),
      cpuS: exposition.value('process_cpu_seconds_total'),
    });
    log.longestStallS = Math.max(log.longestStallS, exposition.value('xtrace_event_loop_stall_seconds'));
    log.mostSeries = Math.max(log.mostSeries, exposition.value('xtrace_series'));
    checkBooks(exposition, log);
  } catch (error) {
    log.failedScrapes++;
    noteFault(log, error);
  }
}

/** Flows, and what was handed to push. */
function checkBooks(exposition: Exposition, log: Log): void {
  for (const assertBooks of [assertBalance, assertSamplesBalance]) {
    try {
      assertBooks(exposition);
    } catch (error) {
      noteFault(log, error);
    }
  }
}

function noteFault(log: Log, error: unknown): void {
  log.faults.push(error instanceof Error ? error.message : String(error));
}

/** Waits until nothing waits to be pushed, and descriptors are back where they were; tells where they stay. */
async function comeToRest(exporter: Exporter, fdsBefore: number) {
  const last = await exporter.scrapeUntil(
    'all to be sent',
    (now) => now.value('xtrace_push_queue_samples') + now.value('xtrace_push_spool_samples') === 0,
  );
  let fdsAfter = Number.NaN;
  await waitFor(
    'descriptors to be back',
    () => {
      fdsAfter = countFds(exporter.child.pid);
      return fdsAfter <= fdsBefore;
    },
    { limitMs: QUIET_LIMIT_MS },
  ).catch(() => undefined); // the figure tells
  return { fdsAfter, last };
}

interface End {
  readonly fdsBefore: number;
  readonly fdsAfter: number;
  readonly idleStallMs: number;
  readonly underLoad: Exposition;
  readonly last: Exposition;
}

function report(minutes: number, log: Log, receiver: FickleReceiver, end: End): SoakFigure[] {
  const { fdsBefore, fdsAfter, idleStallMs, underLoad, last } = end;
  for (const fault of new Set(log.faults.slice(0, 5))) process.stderr.write(`soak: ${fault}\n`);
  const settlingMinutes = Math.min(SETTLING_MINUTES, minutes / 3);
  const fromMs = (log.residentMiB[0]?.atMs ?? 0) + settlingMinutes * 60_000;
  const settled = (points: readonly Point[]): readonly Point[] => points.filter(({ atMs }) => atMs >= fromMs);
  const resident = settled(log.residentMiB).map(({ value }) => value);
  const isLong = minutes - settlingMinutes >= JUDGED_FROM_MINUTES;
  const [first, final] = [log.scrapes[0], log.scrapes.at(-1)];
  const spanMs = (final?.atMs ?? Number.NaN) - (first?.atMs ?? 0);
  const refreshes = (final?.refreshes ?? 0) - (first?.refreshes ?? 0);
  const cpuS = (final?.cpuS ?? 0) - (first?.cpuS ?? 0);
  const stallS = Math.max(log.longestStallS, receiver.longestStallS);
  return [
    judge('minutes', minutes),
    judge('resident memory, slope after settling, MiB an hour', slopePerHour(settled(log.residentMiB)), {
      ...(isLong ? { below: 5 } : {}),
    }),
    judge('resident memory when settled, MiB', resident[0] ?? Number.NaN),
    judge('resident memory at the end, MiB', resident.at(-1) ?? Number.NaN),
    judge('resident memory, most when settled, MiB', Math.max(...resident)),
    ...curve(log.residentMiB),
    judge('descriptors, slope after settling, an hour', slopePerHour(settled(log.fds)), {
      ...(isLong ? { below: 1 } : {}),
    }),
    judge('descriptors before the load', fdsBefore),
    judge('descriptors, most under it', Math.max(...log.fds.map(({ value }) => value))),
    judge('descriptors after it', fdsAfter, { atMost: fdsBefore }),
    judge('scrapes', log.scrapes.length, { atLeast: 1 }),
    judge('scrapes that failed', log.failedScrapes, { atMost: 0 }),
    judge('books that did not balance, and other faults', log.faults.length, { atMost: 0 }),
    judge('refreshes, percent of their beats', (100 * refreshes * INTERVAL_MS) / spanMs, { atLeast: 99 }),
    judge('refreshes that failed', last.value('xtrace_refresh_failures_total'), { atMost: 0 }),
    judge('longest stall of the event loop, ms', stallS * 1000, { below: INTERVAL_MS }),
    judge('longest stall of an idle thread beside it, ms', idleStallMs),
    judge('percent of one CPU', (100 * cpuS * 1000) / spanMs),
    judge('most series at once', log.mostSeries),
    judge('series that ended', last.sum('xtrace_series_ended_total'), { atLeast: 1 }),
    judge('clients that left', log.aborts),
    judge('of these, within the answer', underLoad.value('xtrace_http_requests_total', { code: 'aborted' }), {
      atLeast: 1,
    }),
    judge('flaps', log.flaps),
    judge('interfaces attached again', last.sum('xtrace_interface_reattachments_total'), { atLeast: 1 }),
    judge('pushes', receiver.requests, { atLeast: 1 }),
    judge('pushes that the receiver failed', receiver.failures),
    judge('samples that were dropped', last.sum('xtrace_push_samples_dropped_total')),
    judge('samples that were spooled', last.value('xtrace_push_spooled_samples_total')),
  ];
}

/** By every fifth minute, the mean of the minute before it. */
function curve(points: readonly Point[]): SoakFigure[] {
  const startMs = points[0]?.atMs ?? 0;
  const minutes = ((points.at(-1)?.atMs ?? 0) - startMs) / 60_000;
  return Array.from({ length: Math.floor(minutes / CURVE_MINUTES + 0.01) }, (_, i) => {
    const minute = CURVE_MINUTES * (i + 1);
    const values = points
      .filter(({ atMs }) => Math.ceil((atMs - startMs) / 60_000) === minute)
      .map(({ value }) => value);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return judge(`resident memory, minute ${minute}, MiB`, mean);
  });
}

function countFds(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
