// SPDX-License-Identifier: Apache-2.0
// What one refresh costs in user space: nanoseconds a row and the longest pause of the event loop,
// for flows that hold series and for a flood of newcomers. Pure memory: no kernel, no sockets.

import { setImmediate as turn } from 'node:timers/promises';
import { KIND } from '../src/abi/kinds.js';
import { FLOW_ROW_WORDS, type FlowRows } from '../src/abi/records.js';
import { ExpositionBudget } from '../src/flows/exposition-budget.js';
import { createFlowAccounts, type FlowAccounts } from '../src/flows/flow-accounts.js';
import { median } from './median.js';

/** One load. Times are of apply() alone, medians over `repeats` calls. */
export interface FlowTableFigures {
  readonly rows: number;
  readonly repeats: number;
  readonly applyMs: number;
  readonly rowNs: number;
  /** The longest pause of the event loop in a call: median of all calls, and the worst. */
  readonly typicalStallMs: number;
  readonly longestStallMs: number;
}

export interface FlowTableBench {
  /** Flows that hold a series, every one seen in every interval. */
  readonly known1k: FlowTableFigures;
  readonly known10k: FlowTableFigures;
  readonly known100k: FlowTableFigures;
  /** 100,000 newcomers all get a series in a table that was empty; the first time with cold code. */
  readonly admit100k: FlowTableFigures;
  /** 10,000 holders, 100,000 other flows in each interval; few of them win a series. */
  readonly flood100kSteady: FlowTableFigures;
  /** The same, but each newcomer is bigger than all before: 10,000 displacements an interval. */
  readonly flood100kDisplacing: FlowTableFigures;
}

/** About as long as a flow's labels are. */
const LABEL_BYTES = 190;

export async function benchFlowTable(): Promise<FlowTableBench> {
  const newcomers = createFlowRows(100_000, 0, 1000);
  const admit100k = await measure(
    5,
    () => Promise.resolve(),
    () => createBenchAccounts(100_000).apply(newcomers, [], 0),
  );
  return {
    admit100k,
    known1k: await measureKnown(1000, 200),
    known10k: await measureKnown(10_000, 50),
    known100k: await measureKnown(100_000, 20),
    flood100kSteady: await measureFlood(() => 400),
    flood100kDisplacing: await measureFlood((interval) => 1000 * 3 ** interval),
  };
}

async function measureKnown(flows: number, repeats: number): Promise<FlowTableFigures> {
  const rows = createFlowRows(flows, 0, 1000);
  const create = async () => {
    const accounts = createBenchAccounts(flows);
    await accounts.apply(rows, [], 0);
    return accounts;
  };
  return measure(repeats, create, (accounts, interval) => accounts.apply(rows, [], 1000 * interval));
}

async function measureFlood(bytesOf: (interval: number) => number): Promise<FlowTableFigures> {
  const holders = createFlowRows(10_000, 0, 300);
  const create = async () => {
    const accounts = createBenchAccounts(10_000);
    await accounts.apply(holders, [], 0);
    return accounts;
  };
  const drains = Array.from({ length: 10 }, (_, i) =>
    concatRows(createFlowRows(100_000, 1 + i, bytesOf(i + 1)), holders),
  );
  return measure(drains.length, create, (accounts, interval) =>
    accounts.apply(drains[interval - 1] ?? holders, [], 1000 * interval),
  );
}

async function measure<Subject>(
  repeats: number,
  create: () => Promise<Subject>,
  apply: (subject: Subject, interval: number) => ReturnType<FlowAccounts['apply']>,
): Promise<FlowTableFigures> {
  const subject = await create();
  const timesMs: number[] = [];
  let rows = 0;
  const stallsMs: number[] = [];
  for (let interval = 1; interval <= repeats; interval++) {
    const probe = probeStalls();
    await turn();
    const beginMs = performance.now();
    rows = (await apply(subject, interval)).rows;
    timesMs.push(performance.now() - beginMs);
    stallsMs.push(await probe.stop());
  }
  const applyMs = median(timesMs);
  return {
    rows,
    repeats,
    applyMs,
    rowNs: (applyMs * 1e6) / rows,
    typicalStallMs: median(stallsMs),
    longestStallMs: Math.max(...stallsMs),
  };
}

/**
 * Measures the longest gap between two turns of the event loop. Of each gap the time counts in which
 * this process had a CPU: what other processes of a busy machine take is no fault of the code.
 */
export function probeStalls(): { stop(): Promise<number> } {
  let running = true;
  let longestMs = 0;
  const loop = async () => {
    let lastMs = performance.now();
    let lastCpu = process.cpuUsage();
    while (running) {
      await turn();
      const nowMs = performance.now();
      const cpu = process.cpuUsage();
      const cpuMs = (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1000;
      longestMs = Math.max(longestMs, Math.min(nowMs - lastMs, cpuMs));
      lastMs = nowMs;
      lastCpu = cpu;
    }
    return longestMs;
  };
  const result = loop();
  return {
    stop: () => {
      running = false;
      return result;
    },
  };
}

export function createBenchAccounts(maxSeries: number): FlowAccounts {
  const label = new Uint8Array(LABEL_BYTES).fill(0x61);
  return createFlowAccounts(
    {
      maxSeries,
      maxNewSeriesPerMinute: 10_000_000,
      idleTimeoutMs: 60_000,
      intervalMs: 1000,
      newSeries: 'zero_first',
      holdMaxMs: 120_000,
      hashSeed: 0x5eed,
      maxLabelBytes: 512,
      lineCost: { lines: 4, bytes: 200 },
    },
    {
      // Scraped between any two refreshes: series are held, and released by the next one.
      audience: { seen: () => ({ beginnings: 1e9, ends: 1e9 }) },
      keep: () => true,
      renderLabels: (_keyWords, _wordOffset, out, outOffset) => {
        out.set(label, outOffset);
        return LABEL_BYTES;
      },
      yieldToLoop: () => turn(),
      budget: new ExpositionBudget(2 ** 40),
    },
  );
}

/** `count` TCP flows of one group, no two groups sharing one; in an order that hides their numbers. */
export function createFlowRows(count: number, group: number, bytes: number): FlowRows {
  const keys = new Uint32Array(count * FLOW_ROW_WORDS);
  for (let i = 0; i < count; i++) {
    const word = i * FLOW_ROW_WORDS;
    keys[word] = Math.imul(i + 1, 0x9e3779b1);
    keys[word + 4] = 0x0a000001 + group;
    keys[word + 8] = 443;
    keys[word + 9] = 1 | (4 << 24);
    keys[word + 10] = 6 | (KIND.tcp << 8);
  }
  const packets = new Float64Array(count).fill(10);
  // Not all alike, or ranking them would be too easy.
  const sizes = Float64Array.from({ length: count }, (_, i) => bytes + (Math.imul(i, 0x85ebca6b) >>> 25));
  return { length: count, keys, packets, bytes: sizes };
}

function concatRows(a: FlowRows, b: FlowRows): FlowRows {
  const keys = new Uint32Array(a.keys.length + b.keys.length);
  keys.set(a.keys);
  keys.set(b.keys, a.keys.length);
  return {
    length: a.length + b.length,
    keys,
    packets: Float64Array.from([...a.packets, ...b.packets]),
    bytes: Float64Array.from([...a.bytes, ...b.bytes]),
  };
}
