// SPDX-License-Identifier: Apache-2.0
// What it takes to keep a state: export, encode and write, as in every refresh, and to read one, as at a start. A
// stall is the most CPU that this process took between two turns of the event loop, so that others on the machine do
// not count.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KIND } from '../src/abi/kinds.js';
import { FLOW_ROW_WORDS, type FlowRows } from '../src/abi/records.js';
import { ROCE_CELLS, ROCE_KEY_WORDS, type RoceRows } from '../src/abi/roce-records.js';
import { createFlowAccounts, type FlowAccounts } from '../src/flows/flow-accounts.js';
import { FirstZeros } from '../src/metrics/first-zeros.js';
import { FirstZerosExport } from '../src/metrics/first-zeros-state.js';
import { createFlowLabelRenderer } from '../src/metrics/flow-labels.js';
import { roceFamilies } from '../src/metrics/roce-families.js';
import { Pacer } from '../src/pacer.js';
import { createRocePairs, type RocePairs } from '../src/roce/roce-pairs.js';
import { readStateFile } from '../src/state/read-state.js';
import { encodeState } from '../src/state/state-file.js';
import { writeStateFile } from '../src/state/write-state.js';
import type { StateColumns } from '../src/state-columns.js';
import { streamKey } from '../test/support/roce/roce-rows.js';
import { median } from './median.js';

export interface StateBenchRow {
  readonly series: number;
  readonly pairs: number;
  readonly bytes: number;
  /** Of export, encoding and writing, this process's CPU of all threads, and until it is done. */
  readonly keepCpuMs: number;
  readonly keepMs: number;
  readonly keepStallMs: number;
  /** Of reading, decoding and importing. */
  readonly takeOverMs: number;
  readonly takeOverStallMs: number;
}

const RUNS = 15;
const TAKE_OVERS = 3;
const IDENTITY = { labels: 'l', filter: 'f' };
const NAMES = { interfaceName: () => 'eth0', networkName: () => 'none' };
const NUMBERS = { interfaceId: () => 0, networkNumber: () => 0 };

export async function benchState(
  sizes: readonly (readonly [series: number, pairs: number])[] = [
    [10_000, 1000],
    [100_000, 1000],
  ],
): Promise<StateBenchRow[]> {
  const rows: StateBenchRow[] = [];
  for (const [series, pairs] of sizes) rows.push(await benchSize(series, pairs));
  return rows;
}

/** What holds up the loop between its turns. */
class TurnWatch {
  stallMs = 0;
  /** To ask for CPU at each turn takes some itself. */
  isOn = false;
  #since = process.cpuUsage();

  begin(): void {
    if (this.isOn) this.#since = process.cpuUsage();
  }

  note(): void {
    if (!this.isOn) return;
    const { user, system } = process.cpuUsage(this.#since);
    this.stallMs = Math.max(this.stallMs, (user + system) / 1000);
  }

  readonly turn = async (): Promise<void> => {
    this.note();
    await nextTurn();
    this.begin();
  };
}

async function benchSize(series: number, pairCount: number): Promise<StateBenchRow> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-state-'));
  const file = path.join(folder, 'state');
  const watch = new TurnWatch();
  const pacer = new Pacer(watch.turn);
  try {
    const accounts = createAccounts(series, watch);
    await accounts.apply(flowRows(series), [], 1e12);
    const zeros = createZeros();
    const zerosExport = new FirstZerosExport(zeros, pacer);
    const pairs = createBenchPairs(pairCount, watch);
    zeros.beginRefresh();
    await pairs.apply(createRoceRows(pairCount), [], 1e12, 1);
    zeros.begin(1);
    const labels = { ...NAMES, hostIp: '', collectAgg: '' };
    for (let look = 0; look < 2; look++) {
      await roceFamilies(pairs.view, labels, { yieldToLoop: watch.turn, zeros });
    }

    let bytes = 0;
    const keep = async (): Promise<void> => {
      const columns: StateColumns = {
        ...(await accounts.exportState({ identity: IDENTITY, startedMs: 0, names: NAMES })),
        ...(await pairs.exportState({ labels: 'l', startedMs: 0, names: NAMES })),
        ...(await zerosExport.run(pairs.view.pairs)),
      };
      const image = await encodeState(columns, pacer);
      bytes = image.bytes;
      watch.note();
      await writeStateFile(file, image);
      watch.begin();
    };
    const kept = await measure(RUNS, watch, keep);
    const takenOver = await measure(TAKE_OVERS, watch, async () => {
      const nextAccounts = createAccounts(series, watch);
      const nextPairs = createBenchPairs(pairCount, watch);
      watch.note();
      const read = await readStateFile(file, process.geteuid?.() ?? 0, pacer);
      watch.begin();
      if (read === undefined || !('columns' in read)) throw new Error(JSON.stringify(read));
      const taken = await nextAccounts.importState(read.columns, { identity: IDENTITY, numbers: NUMBERS });
      if (!('series' in taken) || taken.series !== series) throw new Error(JSON.stringify(taken));
      await nextPairs.importState(read.columns, { labels: 'l', numbers: NUMBERS });
    });
    return {
      series,
      pairs: pairCount,
      bytes,
      keepCpuMs: kept.cpuMs,
      keepMs: kept.ms,
      keepStallMs: kept.stallMs,
      takeOverMs: takenOver.ms,
      takeOverStallMs: takenOver.stallMs,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Medians, and the longest stall of as many runs more; after one to warm up. */
async function measure(
  runs: number,
  watch: TurnWatch,
  work: () => Promise<void>,
): Promise<{ ms: number; cpuMs: number; stallMs: number }> {
  await work();
  const times: number[] = [];
  const cpus: number[] = [];
  watch.isOn = false;
  for (let run = 0; run < runs; run++) {
    await nextTurn();
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    await work();
    times.push(performance.now() - startedMs);
    const { user, system } = process.cpuUsage(cpu);
    cpus.push((user + system) / 1000);
  }
  watch.isOn = true;
  watch.stallMs = 0;
  for (let run = 0; run < runs; run++) {
    await nextTurn();
    watch.begin();
    await work();
    watch.note();
  }
  return { ms: median(times), cpuMs: median(cpus), stallMs: watch.stallMs };
}

function createAccounts(maxSeries: number, watch: TurnWatch): FlowAccounts {
  const { render, maxLabelBytes } = createFlowLabelRenderer({
    interfaceName: () => 'eth0',
    hostIp: '192.168.1.10',
    collectAgg: 'default',
    vlan: false,
    queuePair: false,
  });
  return createFlowAccounts(
    {
      maxSeries,
      maxNewSeriesPerMinute: 600,
      idleTimeoutMs: 300_000,
      intervalMs: 5000,
      newSeries: 'zero_first',
      holdMaxMs: 120_000,
      hashSeed: 7,
      maxLabelBytes,
    },
    { keep: () => true, renderLabels: render, yieldToLoop: watch.turn },
  );
}

function flowRows(flows: number): FlowRows {
  const keys = new Uint32Array(flows * FLOW_ROW_WORDS);
  for (let flow = 0; flow < flows; flow++) {
    const word = flow * FLOW_ROW_WORDS;
    keys[word] = 0x0a000000 + flow;
    keys[word + 4] = 0x0b000000 + (flow % 256);
    keys[word + 8] = ((1024 + (flow % 60000)) | (443 << 16)) >>> 0;
    keys[word + 9] = 4 << 24;
    keys[word + 10] = 6 | (KIND.tcp << 8);
  }
  const column = (factor: number): Float64Array =>
    Float64Array.from({ length: flows }, (_, i) => (i + 1) * factor);
  return { length: flows, keys, packets: column(15), bytes: column(20_480) };
}

function createZeros(): FirstZeros {
  return new FirstZeros(
    { zeroFirst: true, holdMaxMs: 0 }, // all are shown with the second look
    { audience: { seen: () => ({ beginnings: 9, ends: 9 }) }, nowMs: () => performance.now() },
  );
}

export function createBenchPairs(
  maxPairs: number,
  { turn: yieldToLoop }: { turn(): Promise<void> },
): RocePairs {
  return createRocePairs(
    {
      maxPairs,
      idleTimeoutMs: 300_000,
      intervalMs: 5000,
      perQueuePair: false,
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
      hashSeed: 7,
    },
    { yieldToLoop },
  );
}

export function createRoceRows(pairs: number): RoceRows {
  const bytes = new Uint8Array(4 * ROCE_KEY_WORDS * pairs);
  for (let pair = 0; pair < pairs; pair++) {
    const src = [10, (pair >> 16) & 0xff, (pair >> 8) & 0xff, pair & 0xff];
    bytes.set(streamKey({ src }), 4 * ROCE_KEY_WORDS * pair);
  }
  const cells = new Float64Array(ROCE_CELLS).fill(3);
  return { length: pairs, keys: new Uint32Array(bytes.buffer), cellsOf: () => cells, spreads: [] };
}
