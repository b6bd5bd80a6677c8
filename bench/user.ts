// SPDX-License-Identifier: Apache-2.0
// What the running exporter takes of the host by its load: CPU of an interval, from drain to rendered bytes for each
// flow, the longest stall of its loop, memory; unscraped and scraped every 15 s. Where BENCH_BEFORE names another
// built tree, its exporter is measured in turns with ours.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { type Exporter, PROGRAM, startExporterAsConfigured } from '../test/support/exporter/exporter.js';
import { startFlowFlood } from '../test/support/kernel/sender.js';
import { createWire, type Wire } from '../test/support/kernel/wire.js';
import { type Cost, measureScrapeMs, readSelf, watchCost } from './exporter-cost.js';

const INTERVAL_MS = 5000;
const SCRAPE_EVERY_MS = 15_000;
/** Intervals until all flows are there, code is compiled and buffers have their size. */
const SETTLING_INTERVALS = 6;
/** Each flow has a packet in every interval: the round of the senders is shorter. */
const ROUND_MS = 4500;
/** Rounds that the senders make at most; they are ended before. */
const ROUNDS = 200;
const SERIES_MAX = 100_000;
const USER_BELOW_US = 1;

interface Load {
  readonly what: string;
  /** Flows, or streams of RoCE (5 to a pair), over all interfaces. */
  readonly flows: number;
  readonly kind: 'scan' | 'roce';
  readonly interfaces: number;
  readonly maxSeries: number;
  /** Goal of the longest stall while it is scraped, beyond the idle thread's. */
  readonly stallMs: number;
}

const LOAD: Load = {
  what: 'idle',
  flows: 0,
  kind: 'scan',
  interfaces: 1,
  maxSeries: SERIES_MAX,
  stallMs: 10,
};
const LOADS: readonly Load[] = [
  LOAD,
  { ...LOAD, what: '10,000 flows', flows: 10_000 },
  { ...LOAD, what: '100,000 flows', flows: 100_000 },
  { ...LOAD, what: '1,000,000 flows, 10,000 series', flows: 1_000_000, maxSeries: 10_000, stallMs: 25 },
  { ...LOAD, what: '10,000 flows, 16 interfaces', flows: 10_000, interfaces: 16 },
  { ...LOAD, what: '10,000 flows, 64 interfaces', flows: 10_000, interfaces: 64 },
  { ...LOAD, what: '1,000 RoCE pairs', flows: 5000, kind: 'roce' },
];

export interface UserRow {
  readonly load: string;
  readonly build: 'ours' | 'before';
  /** As the exporter tells, and what refreshes took of the clock on average. */
  readonly flowsActive: number;
  readonly series: number;
  readonly cpuMsUnscraped: number;
  readonly cpuMsScraped: number;
  /** Of a flow, above the idle exporter: a refresh, a plain scrape, and both: from drain to rendered bytes. */
  readonly refreshUs?: number;
  readonly scrapeUs?: number;
  readonly flowUs?: number;
  readonly stallMs: number;
  readonly idleThreadMs: number;
  readonly scrapedStallMs: number;
  readonly scrapedIdleThreadMs: number;
  readonly residentMiB: number;
  readonly goal: string;
  readonly missed: boolean;
}

/** Needs root, and some 15 minutes with 6 intervals; twice that where there is a build to compare with. */
export async function benchUser(intervals: number): Promise<UserRow[]> {
  const before = process.env['BENCH_BEFORE'];
  const builds = [
    ...(before === undefined
      ? []
      : [{ build: 'before' as const, program: path.join(before, 'bin/xtrace-catch') }]),
    { build: 'ours' as const, program: PROGRAM },
  ];
  const rows: UserRow[] = [];
  for (const load of chosenLoads()) {
    for (const { build, program } of builds) {
      const idle = rows.find((row) => row.load === LOAD.what && row.build === build);
      rows.push(await measureLoad(load, { build, program, intervals, idle }));
    }
  }
  return rows;
}

/** All, or those whose names have a word of USER_LOADS in them, and the idle one to compare with. */
function chosenLoads(): readonly Load[] {
  const words = process.env['USER_LOADS']?.split('|');
  return words === undefined
    ? LOADS
    : LOADS.filter(({ what }) => what === LOAD.what || words.some((word) => what.startsWith(word)));
}

interface Subject {
  readonly build: UserRow['build'];
  readonly program: string;
  readonly intervals: number;
  readonly idle: UserRow | undefined;
}

async function measureLoad(load: Load, subject: Subject): Promise<UserRow> {
  const wire = createWire('u', { pairs: load.interfaces });
  const closers: (() => unknown)[] = [wire.dispose];
  try {
    const devices = Array.from({ length: load.interfaces }, (_, pair) => wire.sinkDevice(pair));
    const exporter = await startExporterAsConfigured({
      namespace: wire.sink,
      program: subject.program,
      args: [`--interface=${devices.join(',')}`, `--interval=${INTERVAL_MS}`],
      settings: {
        flows: { max_series: load.maxSeries, max_exposition_bytes: 2 ** 30 },
        kernel: { max_flows: Math.max(131_072, 2 * load.flows) },
      },
    });
    closers.push(() => exporter.stop());
    closers.push(...startLoad(wire, load));
    await delay(SETTLING_INTERVALS * INTERVAL_MS);
    return await measure(exporter, load, subject);
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** A sender for each interface, which has its share of the flows. */
function startLoad(wire: Wire, { flows, kind, interfaces }: Load): (() => unknown)[] {
  const share = Math.floor(flows / interfaces);
  if (share === 0) return [];
  return Array.from({ length: interfaces }, (_, pair) => {
    const child = startFlowFlood({
      prefix: wire.source.enter,
      interface: wire.sourceDevice(pair),
      kind,
      first: pair * share,
      flows: share,
      // All of them in turn, over and over.
      packetsOfFlow: ROUNDS,
      lagFlows: share,
      packetsPerSecond: Math.ceil((1000 * share) / ROUND_MS),
    });
    return () => child.stop('SIGKILL');
  });
}

async function measure(exporter: Exporter, load: Load, subject: Subject): Promise<UserRow> {
  const { intervals, idle } = subject;
  const unscraped = await watchCost(exporter, { intervalMs: INTERVAL_MS, intervals });
  const scrapeEveryMs = SCRAPE_EVERY_MS;
  await watchCost(exporter, { intervalMs: INTERVAL_MS, intervals: 3, scrapeEveryMs }); // series are shown from now on
  const scraped = await watchCost(exporter, { intervalMs: INTERVAL_MS, intervals, scrapeEveryMs });
  const now = await readSelf(exporter);
  const flowsActive = now.value('xtrace_flows_active');
  const costs = {
    load: load.what,
    build: subject.build,
    flowsActive,
    series: now.value('xtrace_series'),
    cpuMsUnscraped: unscraped.cpuMsAnInterval,
    cpuMsScraped: scraped.cpuMsAnInterval,
    ...(idle === undefined || load.flows === 0 ? {} : await perFlow(exporter, flowsActive, unscraped, idle)),
    stallMs: unscraped.stallMs,
    idleThreadMs: unscraped.idleStallMs,
    scrapedStallMs: scraped.stallMs,
    scrapedIdleThreadMs: scraped.idleStallMs,
    residentMiB: scraped.residentMiB,
  };
  return { ...costs, ...judgeCosts(costs, load) };
}

/** Of the flows that there were: a busy machine may not send all of them in an interval. */
async function perFlow(exporter: Exporter, flows: number, unscraped: Cost, idle: UserRow) {
  const refreshUs = (1000 * (unscraped.cpuMsAnInterval - idle.cpuMsUnscraped)) / flows;
  const scrapeUs = (1000 * (await measureScrapeMs(exporter))) / flows;
  return { refreshUs, scrapeUs, flowUs: refreshUs + scrapeUs };
}

type Costs = Omit<UserRow, 'goal' | 'missed'>;

/** Of ours only, and of a flow where it is one: a stream of RoCE has more to tell. */
function judgeCosts(costs: Costs, load: Load): Pick<UserRow, 'goal' | 'missed'> {
  if (costs.build !== 'ours') return { goal: '', missed: false };
  const isJudgedByFlow = load.kind === 'scan' && costs.flowUs !== undefined;
  const goals = [
    `stall at most ${load.stallMs} ms beyond an idle thread's`,
    ...(isJudgedByFlow ? [`a flow below ${USER_BELOW_US} us`] : []),
  ];
  const beyondMs = costs.scrapedStallMs - costs.scrapedIdleThreadMs;
  return {
    goal: goals.join(', '),
    missed: beyondMs > load.stallMs || (isJudgedByFlow && (costs.flowUs ?? 0) >= USER_BELOW_US),
  };
}
