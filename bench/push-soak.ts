// SPDX-License-Identifier: Apache-2.0
// Ten minutes of pushing: the real exporter with 10,000 flows that go on, Debian's victoria-metrics
// as the receiver. Nobody scrapes; all but the resident size is read from what was pushed.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createProcessUsageReader } from '../src/metrics/process-usage.js';
import { type Exporter, startExporter } from '../test/support/exporter/exporter.js';
import { udpFlows } from '../test/support/frames/traffic-mix.js';
import { startSending } from '../test/support/kernel/sender.js';
import { createWire } from '../test/support/kernel/wire.js';
import { type Storage, startVictoriaMetrics } from '../test/support/receivers/receivers.js';

const FLOWS = 10_000;
const INTERVAL_MS = 5000;
const MINUTES = 10;
const RESIDENT_EVERY_MS = 1000;
/** Of each frame: a round over all flows takes a good second, so that each is in every interval. */
const PAUSE_NS = 60_000;

export interface PushSoakRow {
  readonly minutes: number;
  readonly flows: number;
  readonly intervalMs: number;
  /** All that was pushed and all that the receiver has; they must be the same. */
  readonly refreshes: number;
  readonly samplesHandedIn: number;
  readonly samplesSent: number;
  readonly samplesDropped: number;
  readonly samplesStored: number;
  readonly requests: number;
  readonly retries: number;
  readonly bytesSentPerSample: number;
  readonly compression: string;
  /** VmRSS once the first flows were pushed, a minute later, and at the end; and the most there was. */
  readonly residentStartMiB: number;
  readonly residentMinute1MiB: number;
  readonly residentMiddleMiB: number;
  readonly residentEndMiB: number;
  readonly residentMaxMiB: number;
  /** Of xtrace_event_loop_stall_seconds over all refreshes but those of the start, and their median. */
  readonly longestStallMs: number;
  readonly medianStallMs: number;
  readonly stallsAbove25Ms: number;
  /** The same watch in the process of this bench, which does next to nothing: what the machine adds. */
  readonly longestStallElsewhereMs: number;
  /** Of one CPU, drains and all. */
  readonly cpuPercent: number;
}

/** Needs root, and 10 minutes. */
export async function benchPushSoak(): Promise<PushSoakRow[]> {
  const wire = createWire('k');
  const closers: (() => unknown)[] = [wire.dispose];
  try {
    const storage = await startVictoriaMetrics(wire.sink);
    closers.push(() => storage.stop());
    const sending = startSending({
      prefix: wire.source.enter,
      interface: wire.sourceDevice(),
      frames: udpFlows(1, FLOWS),
      repeat: 1_000_000,
      pauseNs: PAUSE_NS,
    });
    closers.push(sending.dispose, () => sending.child.stop());
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice()}`, `--interval=${INTERVAL_MS}`],
      settings: { push: { enabled: true, url: storage.writeUrl } },
    });
    closers.push(() => exporter.stop());
    return [await soak(exporter, storage)];
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function soak(exporter: Exporter, storage: Storage): Promise<PushSoakRow> {
  await exporter.scrapeUntil('all flows', (now) => now.value('xtrace_series') === FLOWS);
  await delay(INTERVAL_MS);
  const residentMiB: number[] = [];
  const elsewhere = createProcessUsageReader({
    countOpenFds: () => undefined,
    monotonicMs: () => performance.now(),
  });
  const startMs = performance.now();
  while (performance.now() - startMs < MINUTES * 60_000) {
    residentMiB.push(readResidentMiB(exporter.child.pid));
    await delay(RESIDENT_EVERY_MS);
  }
  const longestStallElsewhereMs = elsewhere.read().eventLoopStallSeconds * 1000;
  elsewhere.close();
  const { last, stalls, cpu, refreshes, samplesStored } = await readPushed(exporter, storage);
  return {
    minutes: MINUTES,
    flows: FLOWS,
    intervalMs: INTERVAL_MS,
    refreshes,
    samplesHandedIn: last.value('xtrace_push_samples_total'),
    samplesSent: last.value('xtrace_push_samples_sent_total'),
    samplesDropped: last.sum('xtrace_push_samples_dropped_total'),
    samplesStored,
    requests: last.sum('xtrace_push_requests_total'),
    retries: last.value('xtrace_push_retries_total'),
    bytesSentPerSample:
      last.value('xtrace_push_bytes_sent_total') / last.value('xtrace_push_samples_sent_total'),
    compression: last.select('xtrace_push_protocol_info')[0]?.labels.get('compression') ?? '',
    residentStartMiB: residentMiB[0] ?? 0,
    residentMinute1MiB: residentMiB[60_000 / RESIDENT_EVERY_MS] ?? 0,
    residentMiddleMiB: residentMiB[residentMiB.length >> 1] ?? 0,
    residentEndMiB: residentMiB.at(-1) ?? 0,
    residentMaxMiB: Math.max(...residentMiB),
    longestStallMs: Math.max(...stalls) * 1000,
    medianStallMs: ([...stalls].sort((a, b) => a - b)[stalls.length >> 1] ?? 0) * 1000,
    stallsAbove25Ms: stalls.filter((stall) => stall > 0.025).length,
    longestStallElsewhereMs,
    cpuPercent: cpu * 100,
  };
}

/** The exporter rests meanwhile, in the middle between two refreshes: both sides have the same. */
async function readPushed(exporter: Exporter, storage: Storage) {
  const count = (await exporter.scrape()).value('xtrace_refreshes_total');
  const last = await exporter.scrapeUntil(
    'the next refresh, sent',
    (now) =>
      now.value('xtrace_refreshes_total') > count &&
      now.value('xtrace_push_samples_total') === now.value('xtrace_push_samples_sent_total'),
  );
  exporter.child.kill('SIGSTOP');
  try {
    const one = async (name: string): Promise<readonly number[]> =>
      (await storage.stored(`{__name__="${name}"}`))[0]?.values ?? [];
    const seconds = await one('process_cpu_seconds_total');
    const cpuS = (seconds.at(-1) ?? 0) - (seconds[0] ?? 0);
    const handedIn = last.value('xtrace_push_samples_total');
    let samplesStored = 0;
    // What comes in stands in queries a second later.
    for (let wait = 0; wait < 10 && samplesStored < handedIn; wait++) {
      await delay(1000);
      const counts = await storage.query('sum(count_over_time({job="xtrace-catch"}[1h]))');
      samplesStored = counts[0]?.value ?? 0;
    }
    return {
      last,
      // The last one is of the wait above, with its scrapes; the first ones are of a start with no code compiled yet.
      stalls: (await one('xtrace_event_loop_stall_seconds')).slice(3, -2),
      cpu: cpuS / (((seconds.length - 1) * INTERVAL_MS) / 1000),
      refreshes: seconds.length,
      samplesStored,
    };
  } finally {
    exporter.child.kill('SIGCONT');
  }
}

function readResidentMiB(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (match?.[1] === undefined) throw new Error('/proc/.../status has no VmRSS');
  return Number(match[1]) / 1024;
}
