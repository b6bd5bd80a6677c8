// SPDX-License-Identifier: Apache-2.0
// A million flows and a hundred thousand RoCE streams within a minute, beside twenty large flows, against
// the default settings (series end sooner, so that what comes after can be seen). Books at every scrape,
// memory, stalls, beats, and every packet. FLOOD_FLOWS and FLOOD_SECONDS make it smaller.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import { startExporter } from '../test/support/exporter/exporter.js';
import {
  type FlowFloodOutcome,
  HEAVY_FLOWS,
  packetsOf,
  runFlowFlood,
} from '../test/support/exporter/flow-flood.js';
import { createWire } from '../test/support/kernel/wire.js';
import { startIdleWatch } from './idle-watch.js';
import { judge, type SoakFigure } from './soak-figures.js';

const INTERVAL_MS = 5000;
/** One minute, not five. */
const IDLE_TIMEOUT_MS = 60_000;
const STREAMS_SHARE = 0.1;
const STALL_BEYOND_IDLE_MS = 25;
const RESIDENT_BELOW_MIB = 300;
const BACK_WITHIN_PERCENT = 20;

/** Needs root, and four minutes. */
export async function benchFlood(flows: number, seconds: number): Promise<SoakFigure[]> {
  const wire = createWire('l');
  const closers: (() => unknown)[] = [wire.dispose];
  try {
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice()}`],
      settings: { flows: { new_series: 'zero_first', idle_timeout_ms: IDLE_TIMEOUT_MS } },
    });
    closers.push(() => exporter.stop());
    const idle = startIdleWatch();
    closers.push(() => idle.stop());
    const streams = Math.round(flows * STREAMS_SHARE);
    const outcome = await runFlowFlood(wire, exporter, {
      intervalMs: INTERVAL_MS,
      scrapeEveryMs: 1000,
      scanFlows: flows,
      packetsOfFlow: 1,
      roceStreams: streams,
      floodMs: seconds * 1000,
      restMs: 15_000,
      afterMs: 40_000,
      laterMs: (seconds * 1000) / 3,
      endsWithinMs: 3 * IDLE_TIMEOUT_MS + 60_000,
    });
    const { before, after, peak } = outcome.residentMiB;
    return [
      judge('flows of scans', flows),
      judge('RoCE streams', streams),
      judge('seconds that they took', (outcome.endedMs - outcome.beganMs) / 1000, { below: 1.1 * seconds }),
      judge('flows counted, added up over refreshes', outcome.flowsSeen, { atLeast: flows + streams }),
      judge('streams counted, added up over refreshes', outcome.streamsSeen, { atLeast: streams }),
      judge('resident memory before, MiB', before),
      judge('resident memory, most, MiB', peak, { below: RESIDENT_BELOW_MIB }),
      judge('resident memory after, MiB', after),
      judge('resident memory after, percent above before', (100 * (after - before)) / before, {
        atMost: BACK_WITHIN_PERCENT,
      }),
      ...judgeOutcome(outcome, await idle.longestStallMs()),
    ];
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** What every flood has to show. idleMs: the longest stall of an idle thread beside it. */
export function judgeOutcome(outcome: FlowFloodOutcome, idleMs: number): SoakFigure[] {
  return [
    ...judgeScrapes(outcome),
    ...judgeBeats(outcome),
    ...judgeStalls(outcome, idleMs),
    ...judgePackets(outcome),
  ];
}

/** In its scrapes; tells the first faults on stderr. */
function judgeScrapes(outcome: FlowFloodOutcome): SoakFigure[] {
  const { scrapes, failedScrapes } = outcome;
  const faults = [
    ...scrapes.flatMap((scrape) => scrape.faults),
    ...failedScrapes.map(({ problem }) => problem),
  ];
  for (const fault of new Set(faults.slice(0, 5))) process.stderr.write(`flood: ${fault}\n`);
  return [
    judge('scrapes', scrapes.length, { atLeast: 1 }),
    judge('scrapes that failed', failedScrapes.length, { atMost: 0 }),
    judge('equations of the books that did not hold', scrapes.flatMap((scrape) => scrape.faults).length, {
      atMost: 0,
    }),
    judge('largest scrape, MB', Math.max(...scrapes.map(({ bodyBytes }) => bodyBytes)) / 1e6),
    judge('longest scrape, ms', Math.max(...scrapes.map(({ tookMs }) => tookMs))),
    judge('most series at once', Math.max(...scrapes.map(({ series }) => series))),
    judge('most RoCE pairs at once', Math.max(...scrapes.map(({ rocePairs }) => rocePairs))),
    judge(`scrapes that had to show large flows (${HEAVY_FLOWS} in the end)`, outcome.heavyScrapes, {
      atLeast: 1,
    }),
    judge('of these, scrapes that lacked one', outcome.heavyMissing, { atMost: 0 }),
  ];
}

function judgeBeats({ scrapes, last }: FlowFloodOutcome): SoakFigure[] {
  const [first, final] = [scrapes[0], scrapes.at(-1)];
  const spanMs = (final?.refreshedMs ?? Number.NaN) - (first?.refreshedMs ?? 0);
  const refreshes = (final?.refreshes ?? 0) - (first?.refreshes ?? 0);
  return [
    judge('refreshes', refreshes, { atLeast: 1 }),
    judge('refreshes that are missing by the clock', Math.round(spanMs / INTERVAL_MS) - refreshes, {
      atMost: 0,
    }),
    judge('refreshes that failed', last.value('xtrace_refresh_failures_total'), { atMost: 0 }),
  ];
}

function judgeStalls({ scrapes }: FlowFloodOutcome, idleMs: number): SoakFigure[] {
  // The first answer tells of the start.
  const stalls = scrapes.slice(1).map(({ stallMs }) => stallMs);
  const sorted = stalls.toSorted((a, b) => a - b);
  const longestMs = sorted.at(-1) ?? Number.NaN;
  return [
    judge('stall of the event loop, median of scrapes, ms', sorted[Math.floor(sorted.length / 2)] ?? 0),
    judge('stall of the event loop, longest, ms', longestMs),
    judge('stall of an idle thread beside it, longest, ms', idleMs),
    judge('the former beyond the latter, ms', longestMs - idleMs, { atMost: STALL_BEYOND_IDLE_MS }),
  ];
}

function judgePackets({ sent, refusals, counted, link, last }: FlowFloodOutcome): SoakFigure[] {
  const packets = packetsOf(sent);
  const wrong = Object.entries(sent).filter(
    ([type, { packets: of, bytes }]) => counted[type]?.packets !== of || counted[type].bytes !== bytes,
  );
  return [
    judge('packets sent', packets, { atLeast: 1 }),
    judge('packets counted', packetsOf(counted), { atLeast: packets, atMost: packets }),
    judge('traffic types whose packets or bytes are not those sent', wrong.length, { atMost: 0 }),
    judge('packets that ip -s link counted', link.packets, { atLeast: packets, atMost: packets }),
    judge('packets that had no place in the kernel', last.value('xtrace_kernel_unattributed_packets_total'), {
      atMost: 0,
    }),
    judge('frames sent again for want of room', refusals),
  ];
}
