// SPDX-License-Identifier: Apache-2.0
// An hour of 100,000 flows that go on: three scrapers (plain, gzip, protobuf) each 15 s, and every refresh pushed to
// Debian's victoria-metrics. Memory, stalls and CPU by stretches of ten minutes: nothing may grow.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import { setTimeout as delay } from 'node:timers/promises';
import { type Exporter, startExporterAsConfigured } from '../test/support/exporter/exporter.js';
import { startFlowFlood } from '../test/support/kernel/sender.js';
import { createWire } from '../test/support/kernel/wire.js';
import { readMemoryMiB } from '../test/support/process-state.js';
import { startVictoriaMetrics } from '../test/support/receivers/receivers.js';
import { type Coding, readCpuMs, readSelf, scrapeAway } from './exporter-cost.js';
import { startIdleWatch } from './idle-watch.js';

const FLOWS = 100_000;
const MAX_SERIES = 10_000;
const INTERVAL_MS = 5000;
const SCRAPE_EVERY_MS = 15_000;
/** Each flow has a packet in every interval: the sender's round is shorter. */
const ROUND_MS = 4500;
/** Of the sender, beyond the minutes asked for. */
const SPARE_ROUNDS = 100;
const LOOK_EVERY_MS = 1000;
const SETTLING_MS = 60_000;
const CODINGS: readonly Coding[] = ['plain', 'gzip', 'protobuf'];
const ROW_MINUTES = 10;
const RESIDENT_BELOW_MIB = 150;
const STALL_BEYOND_IDLE_MS = 10;
/** Of the last row above the first: more is growth. */
const GROWTH_MIB = 10;

export interface HourRow {
  readonly minutes: string;
  readonly residentMiB: number;
  readonly residentMostMiB: number;
  readonly cpuPercent: number;
  readonly stallMs: number;
  readonly idleThreadMs: number;
  readonly scrapes: number;
  readonly failedScrapes: number;
  readonly samplesSent: number;
  readonly samplesDropped: number;
  readonly flowsActive: number;
  readonly series: number;
  readonly goal: string;
  readonly missed: boolean;
}

/** Needs root, and so many minutes and two. */
export async function benchHour(minutes: number): Promise<HourRow[]> {
  const wire = createWire('h');
  const closers: (() => unknown)[] = [wire.dispose];
  try {
    const storage = await startVictoriaMetrics(wire.sink);
    closers.push(() => storage.stop());
    const exporter = await startExporterAsConfigured({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice()}`, `--interval=${INTERVAL_MS}`],
      settings: {
        flows: { max_series: MAX_SERIES },
        push: { enabled: true, url: storage.writeUrl },
      },
    });
    closers.push(() => exporter.stop());
    const sender = startFlowFlood({
      prefix: wire.source.enter,
      interface: wire.sourceDevice(),
      kind: 'scan',
      flows: FLOWS,
      packetsOfFlow: Math.ceil((minutes * 60_000) / ROUND_MS) + SPARE_ROUNDS,
      lagFlows: FLOWS,
      packetsPerSecond: Math.ceil((1000 * FLOWS) / ROUND_MS),
    });
    closers.push(() => sender.stop('SIGKILL'));
    await delay(SETTLING_MS);
    return await watch(exporter, minutes);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function watch(exporter: Exporter, minutes: number): Promise<HourRow[]> {
  const rows: HourRow[] = [];
  for (let from = 0; from < minutes; from += ROW_MINUTES) {
    const to = Math.min(minutes, from + ROW_MINUTES);
    rows.push(await watchStretch(exporter, from, to, rows[0]));
  }
  return rows;
}

/** What went wrong with scrapes is counted; all else rejects. */
async function watchStretch(
  exporter: Exporter,
  from: number,
  to: number,
  first: HourRow | undefined,
): Promise<HourRow> {
  const { pid } = exporter.child;
  const idle = startIdleWatch();
  const resident: number[] = [];
  const stallsMs: number[] = [];
  let [scrapes, failedScrapes] = [0, 0];
  const noteStall = async (): Promise<void> => {
    stallsMs.push(1000 * (await readSelf(exporter)).value('xtrace_event_loop_stall_seconds'));
  };
  try {
    const before = await readSelf(exporter);
    const beganCpuMs = readCpuMs(pid);
    const beganMs = performance.now();
    const endsMs = beganMs + (to - from) * 60_000;
    const every = async (periodMs: number, offsetMs: number, task: () => unknown): Promise<void> => {
      for (let nextMs = beganMs + offsetMs; nextMs < endsMs; nextMs += periodMs) {
        await delay(Math.max(0, nextMs - performance.now()));
        await task();
      }
    };
    await Promise.all([
      every(LOOK_EVERY_MS, 0, () => resident.push(readMemoryMiB(pid, 'VmRSS'))),
      ...CODINGS.map((coding, i) =>
        every(SCRAPE_EVERY_MS, (i * SCRAPE_EVERY_MS) / CODINGS.length, async () => {
          // The scrape asks for the stall, too: what came before it would be lost.
          await noteStall();
          await scrapeAway(exporter, coding).catch(() => {
            failedScrapes++;
          });
          scrapes++;
          await noteStall();
        }),
      ),
    ]);
    const spanMs = performance.now() - beganMs;
    const cpuMs = readCpuMs(pid) - beganCpuMs;
    const now = await readSelf(exporter);
    const grown = (name: string): number => now.sum(name) - before.sum(name);
    const figures = {
      residentMiB: mean(resident),
      residentMostMiB: Math.max(...resident),
      cpuPercent: (100 * cpuMs) / spanMs,
      stallMs: Math.max(...stallsMs),
      idleThreadMs: await idle.longestStallMs(),
      scrapes,
      failedScrapes,
      samplesSent: grown('xtrace_push_samples_sent_total'),
      samplesDropped: grown('xtrace_push_samples_dropped_total'),
      flowsActive: now.value('xtrace_flows_active'),
      series: now.value('xtrace_series'),
    };
    return { minutes: `${from}-${to}`, ...figures, ...judgeStretch(figures, first) };
  } finally {
    await idle.stop();
  }
}

function judgeStretch(
  figures: Omit<HourRow, 'minutes' | 'goal' | 'missed'>,
  first: HourRow | undefined,
): Pick<HourRow, 'goal' | 'missed'> {
  const { residentMostMiB, residentMiB, stallMs, idleThreadMs, failedScrapes, samplesDropped } = figures;
  const grownMiB = residentMiB - (first?.residentMiB ?? residentMiB);
  return {
    goal: `below ${RESIDENT_BELOW_MIB} MiB, ${GROWTH_MIB} above the first row at most, stall at most ${STALL_BEYOND_IDLE_MS} ms beyond an idle thread's, no scrape failed, no sample dropped`,
    missed:
      residentMostMiB >= RESIDENT_BELOW_MIB ||
      grownMiB > GROWTH_MIB ||
      stallMs - idleThreadMs > STALL_BEYOND_IDLE_MS ||
      failedScrapes > 0 ||
      samplesDropped > 0,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
