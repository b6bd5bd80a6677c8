// SPDX-License-Identifier: Apache-2.0
// Ten minutes of 5,000 new flows a second, each of three packets, beside twenty large flows, against the
// default settings: memory stays flat, and a real prometheus keeps no more series than the settings promise.
// CHURN_MINUTES makes it shorter; memory is judged from ten minutes on.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import { startExporter } from '../test/support/exporter/exporter.js';
import { type FlowFloodOutcome, type MemoryLook, runFlowFlood } from '../test/support/exporter/flow-flood.js';
import { mostHeadSeries, readHeadSeries } from '../test/support/exporter/head-series.js';
import { createWire } from '../test/support/kernel/wire.js';
import { startPrometheus } from '../test/support/receivers/scrapers.js';
import { judgeOutcome } from './flood.js';
import { startIdleWatch } from './idle-watch.js';
import { judge, type SoakFigure, slopePerHour } from './soak-figures.js';

const INTERVAL_MS = 5000;
const FLOWS_PER_SECOND = 5000;
const PACKETS_OF_FLOW = 3;
const PROMETHEUS_EVERY_S = 5;
/** The defaults, which the figures are judged by. */
const SERIES = { maxSeries: 10_000, maxNewPerMinute: 600, idleTimeoutMs: 300_000 } as const;
/** Not part of the slope: the table fills, buffers find their size, code is compiled. */
const SETTLING_MINUTES = 2;
const JUDGED_FROM_MINUTES = 10;
const GROWTH_PERCENT = 5;

/** Needs root, and this many minutes and a half. */
export async function benchChurn(minutes: number): Promise<SoakFigure[]> {
  const wire = createWire('c');
  const closers: (() => unknown)[] = [wire.dispose];
  try {
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice()}`],
      settings: { flows: { new_series: 'zero_first' } },
    });
    closers.push(() => exporter.stop());
    const prometheus = await startPrometheus(wire.sink, exporter.url, { everyS: PROMETHEUS_EVERY_S });
    closers.push(() => prometheus.stop());
    const idle = startIdleWatch();
    closers.push(() => idle.stop());
    const outcome = await runFlowFlood(wire, exporter, {
      intervalMs: INTERVAL_MS,
      scrapeEveryMs: 1000,
      scanFlows: Math.round(minutes * 60 * FLOWS_PER_SECOND),
      packetsOfFlow: PACKETS_OF_FLOW,
      roceStreams: 0,
      floodMs: minutes * 60_000,
      restMs: 15_000,
      afterMs: 15_000,
      laterMs: 20_000,
      endsWithinMs: undefined,
    });
    const most = mostHeadSeries(outcome, SERIES);
    const up = await prometheus.value(`min_over_time(up[${Math.ceil(minutes)}m])`);
    return [
      judge('minutes', minutes),
      judge(
        'new flows a second',
        (1000 * minutes * 60 * FLOWS_PER_SECOND) / (outcome.endedMs - outcome.beganMs),
      ),
      ...judgeMemory(outcome, minutes),
      judge('series that prometheus has in its head', await readHeadSeries(prometheus), { atMost: most.all }),
      judge('of these promised: flows that hold a series, at first', most.held),
      judge('of these promised: in the place of others', most.displacing),
      judge('of these promised: in the place of expired ones', most.afterExpiry),
      judge('of these promised: all that is no flow', most.rest),
      judge('flow series that ended', outcome.last.sum('xtrace_series_ended_total')),
      judge('prometheus: 1 where every scrape was good', up, { atLeast: 1 }),
      ...judgeOutcome(outcome, await idle.longestStallMs()),
    ];
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function judgeMemory(
  { memory, beganMs, endedMs, residentMiB }: FlowFloodOutcome,
  minutes: number,
): SoakFigure[] {
  const settledMs = beganMs + Math.min(SETTLING_MINUTES, minutes / 3) * 60_000;
  const settled = memory.filter(({ atMs }) => atMs >= settledMs && atMs <= endedMs);
  const fifth = Math.ceil(settled.length / 5);
  const [first, final] = [mean(settled.slice(0, fifth)), mean(settled.slice(-fifth))];
  return [
    judge('resident memory before, MiB', residentMiB.before),
    judge('resident memory when settled (first fifth), MiB', first),
    judge('resident memory at the end (last fifth), MiB', final),
    judge('the latter above the former, percent', (100 * (final - first)) / first, {
      ...(minutes >= JUDGED_FROM_MINUTES ? { atMost: GROWTH_PERCENT } : {}),
    }),
    judge(
      'resident memory, slope after settling, MiB an hour',
      slopePerHour(settled.map(({ atMs, residentMiB: value }) => ({ atMs, value }))),
    ),
    judge('resident memory, most, MiB', residentMiB.peak, { below: 300 }),
  ];
}

function mean(looks: readonly MemoryLook[]): number {
  return looks.reduce((sum, { residentMiB }) => sum + residentMiB, 0) / looks.length;
}
