// SPDX-License-Identifier: Apache-2.0
// Floods of flows that last no longer than a packet or a few, beside few large flows that go on: what a
// scraper is told meanwhile and afterwards, and what the exporter takes. For tests and benches only.

import { setTimeout as delay } from 'node:timers/promises';
import { payloadOf, udp } from '../frames/frames.js';
import { ends4, ends6, over } from '../frames/traffic-mix.js';
import type { LinkCounters } from '../kernel/namespace.js';
import { type Sent, type SentFlood, startFlowFlood, startSending, whatWasSent } from '../kernel/sender.js';
import type { Wire } from '../kernel/wire.js';
import { assertBalance } from '../oracle/balance.js';
import type { Amount } from '../oracle/book-lines.js';
import type { Exposition } from '../oracle/exposition-parser.js';
import { readMemoryMiB } from '../process-state.js';
import type { Child } from '../processes.js';
import { assertRoceBalance } from '../roce/roce-balance.js';
import type { Exporter } from './exporter.js';
import { type FailedScrape, type GoodScrape, type ScrapeWatch, startScrapeWatch } from './scrape-watch.js';

/** Half of them are there before the flood, half begin when it has filled the table. */
export const HEAVY_FLOWS = 20;
const HEAVY_PER_LOT = HEAVY_FLOWS / 2;
const HEAVY_NET = 50;
const HEAVY_PAYLOAD_BYTES = 958;
/** Of a lot: 50 a flow. */
const HEAVY_PACKETS_PER_SECOND = 500;
const FOREVER = 1_000_000_000;
const LOOK_EVERY_MS = 250;
/** Memory at a time is the mean of so many looks: 5 s. */
const LOOKS = 20;

export interface FlowFloodScenario {
  readonly intervalMs: number;
  readonly scrapeEveryMs: number;
  /** New flows of scans in all, in so long, each of so many packets, one after the other a second apart. */
  readonly scanFlows: number;
  readonly packetsOfFlow: number;
  readonly roceStreams: number;
  readonly floodMs: number;
  /** Scraped like that before the flood; and afterwards, three intervals at least, once its series have ended. */
  readonly restMs: number;
  readonly afterMs: number;
  /** The second half of the heavy flows begins so long after the flood. */
  readonly laterMs: number;
  /** Whether to wait until the series of the flood have ended; so long at most. */
  readonly endsWithinMs: number | undefined;
}

export interface MemoryLook {
  readonly atMs: number;
  readonly residentMiB: number;
}

export interface FlowFloodOutcome {
  readonly scrapes: readonly GoodScrape[];
  readonly failedScrapes: readonly FailedScrape[];
  /** Unix time of the flood. */
  readonly beganMs: number;
  readonly endedMs: number;
  /** Scrapes that had to show heavy flows, and how many of these lacked one. */
  readonly heavyScrapes: number;
  readonly heavyMissing: number;
  /** By traffic type. */
  readonly sent: Readonly<Record<string, Amount>>;
  readonly refusals: number;
  /** As the scraper saw them last, and as the kernel's interface counted them. */
  readonly counted: Readonly<Record<string, Amount>>;
  readonly link: LinkCounters['rx'];
  /** Distinct flows and streams, added up over all refreshes from the flood's beginning to its end. */
  readonly flowsSeen: number;
  readonly streamsSeen: number;
  readonly residentMiB: { readonly before: number; readonly after: number; readonly peak: number };
  readonly memory: readonly MemoryLook[];
  /** Read by the strict parser, whose books balanced. */
  readonly last: Exposition;
}

/** The exporter watches pair 0 of the wire, with new series that begin at 0, and nobody else scrapes it. */
export async function runFlowFlood(
  wire: Wire,
  exporter: Exporter,
  scenario: FlowFloodScenario,
): Promise<FlowFloodOutcome> {
  const toPair0 = { prefix: wire.source.enter, interface: wire.sourceDevice() };
  const { pid } = exporter.child;
  const closers: (() => unknown)[] = [];
  const memory: MemoryLook[] = [];
  const looks = setInterval(() => {
    memory.push({ atMs: Date.now(), residentMiB: readMemoryMiB(pid, 'VmRSS') });
  }, LOOK_EVERY_MS);
  closers.push(() => clearInterval(looks));
  const startHeavy = (lot: number): { child: Child; atMs: number } => {
    const sending = startSending({
      ...toPair0,
      frames: heavyFrames(lot),
      repeat: FOREVER,
      packetsPerSecond: HEAVY_PACKETS_PER_SECOND,
    });
    closers.push(sending.dispose, () => sending.child.stop('SIGKILL'));
    return { child: sending.child, atMs: Date.now() };
  };
  const startScan = (kind: 'scan' | 'roce', flows: number, packetsOfFlow: number): Child => {
    const child = startFlowFlood({
      ...toPair0,
      kind,
      flows,
      packetsOfFlow,
      lagFlows: Math.ceil((1000 * flows) / scenario.floodMs),
      packetsPerSecond: Math.ceil((1000 * flows * packetsOfFlow) / scenario.floodMs),
    });
    closers.push(() => child.stop('SIGKILL'));
    return child;
  };
  try {
    const heavy = [startHeavy(0)];
    const watch = startScrapeWatch(wire.sink, {
      url: exporter.url,
      everyMs: scenario.scrapeEveryMs,
      wanted: heavyLabels(),
    });
    closers.push(() => watch.stop());
    await watch.next('the first heavy flows', ({ wantedFlows }) => wantedFlows === HEAVY_PER_LOT);
    await delay(scenario.restMs);
    const before = lately(memory);
    const beganMs = Date.now();
    const floods = [
      startScan('scan', scenario.scanFlows, scenario.packetsOfFlow),
      ...(scenario.roceStreams > 0 ? [startScan('roce', scenario.roceStreams, 1)] : []),
    ];
    await delay(scenario.laterMs);
    heavy.push(startHeavy(1));
    const sentByFloods = await Promise.all(floods.map((child) => whatWasSent<SentFlood>(child)));
    const endedMs = Date.now();
    await rest(watch, scenario, endedMs);
    const after = lately(memory);
    const heavyEndedMs = Date.now();
    const sentHeavy = await Promise.all(heavy.map(({ child }) => endSending(child)));
    const sent = addUp([
      ...sentByFloods.map(({ byTraffic }) => byTraffic),
      ...sentHeavy.map((UDP) => ({ UDP })),
    ]);
    const packets = packetsOf(sent);
    // Two refreshes at least: what the last packets did to the books shows, too.
    const { counted } = await whatWasCounted(watch, packets, scenario.intervalMs);
    await watch.stop();
    const peak = readMemoryMiB(pid, 'VmHWM');
    const last = await exporter.scrape();
    assertBalance(last);
    assertRoceBalance(last, wire.sinkDevice());
    const scrapes = watch.good();
    const flooded = scrapes.filter(
      ({ refreshedMs }) => refreshedMs >= beganMs && refreshedMs <= endedMs + 2 * scenario.intervalMs,
    );
    return {
      scrapes,
      failedScrapes: watch.failed(),
      beganMs,
      endedMs,
      ...judgeHeavy(
        scrapes,
        heavy.map(({ atMs }) => atMs + 2 * scenario.intervalMs),
        heavyEndedMs,
      ),
      sent,
      refusals: [...sentByFloods, ...sentHeavy].reduce((sum, { refusals }) => sum + refusals, 0),
      counted,
      link: wire.sink.linkCounters(wire.sinkDevice()).rx,
      flowsSeen: addUpRefreshes(flooded, ({ flowsActive, wantedFlows }) => flowsActive - wantedFlows),
      streamsSeen: addUpRefreshes(flooded, ({ roceStreams }) => roceStreams),
      residentMiB: { before, after, peak },
      memory,
      last,
    };
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Until the flood's series have ended, where that is asked for, and then for a while. */
async function rest(watch: ScrapeWatch, scenario: FlowFloodScenario, endedMs: number): Promise<void> {
  const { endsWithinMs, intervalMs, afterMs } = scenario;
  if (endsWithinMs !== undefined) {
    await watch.next(
      'the series of the flood to end',
      ({ series, rocePairs, refreshedMs }) =>
        refreshedMs > endedMs + intervalMs && series === HEAVY_FLOWS && rocePairs === 0,
      { limitMs: endsWithinMs },
    );
  }
  await delay(afterMs);
}

async function endSending(child: Child): Promise<Sent> {
  child.kill('SIGTERM');
  return whatWasSent<Sent>(child);
}

async function whatWasCounted(watch: ScrapeWatch, packets: number, intervalMs: number) {
  // Where some are lost the figures tell how many.
  const shown = await watch
    .next(`${packets} packets to be counted`, ({ totals }) => packetsOf(totals) >= packets)
    .catch((error: unknown) => {
      const last = watch.good().at(-1);
      if (last === undefined) throw error;
      return last;
    });
  const settled = await watch.next(
    'two more refreshes',
    ({ refreshedMs }) => refreshedMs > shown.refreshedMs + 1.5 * intervalMs,
  );
  return { counted: settled.totals };
}

/** One frame of each flow of the lot, half of them IPv6. */
function heavyFrames(lot: number): Buffer[] {
  return Array.from({ length: HEAVY_PER_LOT }, (_, i) => {
    const ends = i % 2 === 0 ? ends4 : ends6;
    return over(
      ends(HEAVY_NET, lot * HEAVY_PER_LOT + i + 1),
      udp(40_000, 8443, payloadOf(HEAVY_PAYLOAD_BYTES)),
    );
  });
}

function heavyLabels(): string[] {
  return Array.from({ length: HEAVY_FLOWS }, (_, i) => {
    const { src } = (i % 2 === 0 ? ends4 : ends6)(HEAVY_NET, i + 1);
    return `src_ip="${src}"`;
  });
}

/** @param dueMs of each lot: refreshes from then on have to show it */
function judgeHeavy(scrapes: readonly GoodScrape[], dueMs: readonly number[], endedMs: number) {
  const judged = scrapes
    .filter(({ refreshedMs }) => refreshedMs < endedMs)
    .map(({ refreshedMs, wantedFlows }) => ({
      wantedFlows,
      due: dueMs.filter((ms) => refreshedMs >= ms).length * HEAVY_PER_LOT,
    }))
    .filter(({ due }) => due > 0);
  return {
    heavyScrapes: judged.length,
    heavyMissing: judged.filter(({ wantedFlows, due }) => wantedFlows < due).length,
  };
}

function addUpRefreshes(scrapes: readonly GoodScrape[], figure: (scrape: GoodScrape) => number): number {
  const byRefresh = new Map(scrapes.map((scrape) => [scrape.refreshedMs, figure(scrape)]));
  return [...byRefresh.values()].reduce((sum, value) => sum + value, 0);
}

function addUp(parts: readonly Readonly<Record<string, Amount>>[]): Record<string, Amount> {
  const sums: Record<string, Amount> = {};
  for (const [type, { packets, bytes }] of parts.flatMap((part) => Object.entries(part))) {
    sums[type] ??= { packets: 0, bytes: 0 };
    sums[type].packets += packets;
    sums[type].bytes += bytes;
  }
  return sums;
}

/** Of all traffic types. */
export function packetsOf(amounts: Readonly<Record<string, Amount>>): number {
  return Object.values(amounts).reduce((sum, { packets }) => sum + packets, 0);
}

function lately(memory: readonly MemoryLook[]): number {
  const looks = memory.slice(-LOOKS);
  return looks.reduce((sum, { residentMiB }) => sum + residentMiB, 0) / looks.length;
}
