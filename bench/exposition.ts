// SPDX-License-Identifier: Apache-2.0
// Rendering an exposition: our byte renderer next to prom-client with the same labels and values, in
// one run. Figures are the median of several renderings; a stall is the longest time between two
// turns of the event loop.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { Counter, Gauge, Registry } from 'prom-client';
import { FLOW_ROW_WORDS } from '../src/abi/records.js';
import { ChunkPool } from '../src/exposition/chunk-pool.js';
import { GzipTextRenderer } from '../src/exposition/gzip/gzip-text.js';
import { gzipChunks } from '../src/exposition/gzip-chunks.js';
import { renderExposition } from '../src/exposition/render-exposition.js';
import type { SeriesView } from '../src/flows/views.js';
import { FLOW_METRICS, flowFamilies } from '../src/metrics/flow-families.js';
import { FLOW_LABELS } from '../src/metrics/flow-label-fields.js';
import { createFlowLabelRenderer } from '../src/metrics/flow-labels.js';
import { median } from './median.js';

export interface ExpositionBenchRow {
  readonly flows: number;
  /** Flows x 4 metrics. */
  readonly lines: number;
  readonly bytes: number;
  readonly labelsMs: number;
  readonly oursMs: number;
  readonly oursStallMs: number;
  /** The same as a gzip member, and CPU time of all threads for it: as it is written now, and of text by zlib. */
  readonly gzipBytes: number;
  readonly gzipStallMs: number;
  readonly gzipCpuMs: number;
  readonly zlibBytes: number;
  readonly zlibCpuMs: number;
  readonly promClientMs: number;
  readonly promClientStallMs: number;
  /** promClientMs / oursMs. */
  readonly ratio: number;
}

const OUR_RUNS = 15;
const ZLIB_RUNS = 5;
const PROM_CLIENT_RUNS = 3;

export async function benchExposition(
  flowCounts: readonly number[] = [1_000, 10_000, 100_000],
): Promise<ExpositionBenchRow[]> {
  const rows: ExpositionBenchRow[] = [];
  for (const flows of flowCounts) rows.push(await benchFlows(flows));
  return rows;
}

async function benchFlows(flows: number): Promise<ExpositionBenchRow> {
  const labelsStartMs = performance.now();
  const series = createSeries(flows);
  const labelsMs = performance.now() - labelsStartMs;
  const input = { families: [], flows: flowFamilies(series) };
  let bytes = 0;
  // As the exporter does: memory that is new for each rendering costs more than what is written to it.
  const pool = new ChunkPool();
  const ours = await measure(OUR_RUNS, async (turn) => {
    const exposition = await renderExposition('text', input, { yieldToLoop: turn, pool });
    bytes = exposition.bytes;
    pool.give(exposition.chunks);
  });
  const signal = new AbortController().signal;
  let [gzipBytes, zlibBytes] = [0, 0];
  const renderer = new GzipTextRenderer();
  const gzipPool = new ChunkPool();
  const gzip = await measure(OUR_RUNS, async (turn) => {
    const text = await renderer.render('text', input, { yieldToLoop: turn, signal, pool: gzipPool });
    gzipBytes = sumOf(await text.member());
    gzipPool.give(text.flowChunks);
  });
  const zlib = await measure(ZLIB_RUNS, async (turn) => {
    const { chunks } = await renderExposition('text', input, { yieldToLoop: turn, pool });
    zlibBytes = sumOf(await gzipChunks(chunks, signal));
    pool.give(chunks);
  });

  const registry = createRegistry(series);
  const promClient = await measure(PROM_CLIENT_RUNS, async () => {
    const text = await registry.metrics();
    if (text.length < flows) throw new Error('prom-client rendered nothing');
  });
  return {
    flows,
    lines: flows * 4,
    bytes,
    labelsMs,
    oursMs: ours.ms,
    oursStallMs: ours.stallMs,
    gzipBytes,
    gzipStallMs: gzip.stallMs,
    gzipCpuMs: gzip.cpuMs,
    zlibBytes,
    zlibCpuMs: zlib.cpuMs,
    promClientMs: promClient.ms,
    promClientStallMs: promClient.stallMs,
    ratio: promClient.ms / ours.ms,
  };
}

/** Median time, and the longest stretch without a turn of the event loop, after one run to warm up. */
async function measure(
  runs: number,
  work: (turn: () => Promise<void>) => Promise<void>,
): Promise<{ ms: number; cpuMs: number; stallMs: number }> {
  const times: number[] = [];
  const cpuTimes: number[] = [];
  let stallMs = 0;
  for (let run = 0; run <= runs; run++) {
    const startMs = performance.now();
    const startCpu = process.cpuUsage();
    let turnMs = startMs;
    const noteTurn = (): void => {
      if (run > 0) stallMs = Math.max(stallMs, performance.now() - turnMs);
    };
    await work(async () => {
      noteTurn();
      await nextTurn();
      turnMs = performance.now();
    });
    noteTurn();
    const { user, system } = process.cpuUsage(startCpu);
    if (run > 0) times.push(performance.now() - startMs);
    if (run > 0) cpuTimes.push((user + system) / 1000);
    await nextTurn();
  }
  return { ms: median(times), cpuMs: median(cpuTimes), stallMs };
}

function sumOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** TCP flows between addresses that are spread out, as of a busy server. */
export function createSeries(flows: number): SeriesView {
  const { render, maxLabelBytes } = createFlowLabelRenderer({
    interfaceName: () => 'eth0',
    hostIp: '192.168.1.10',
    collectAgg: 'default',
    vlan: false,
    queuePair: false,
  });
  const keys = new Uint32Array(flows * FLOW_ROW_WORDS);
  const labelBytes = new Uint8Array(flows * maxLabelBytes);
  const labelOffset = new Uint32Array(flows);
  const labelLength = new Uint32Array(flows);
  let end = 0;
  for (let flow = 0; flow < flows; flow++) {
    const word = flow * FLOW_ROW_WORDS;
    keys[word] = 0x0a000000 + ((flow * 2654435761) >>> 8);
    keys[word + 4] = 0x0b000000 + flow;
    keys[word + 8] = ((1024 + (flow % 60000)) | (443 << 16)) >>> 0;
    keys[word + 9] = 1 | (4 << 24);
    keys[word + 10] = 6 | (1 << 8);
    labelOffset[flow] = end;
    labelLength[flow] = render(keys, word, labelBytes, end);
    end += labelLength[flow] ?? 0;
  }
  const column = (factor: number): Float64Array =>
    Float64Array.from({ length: flows }, (_, i) => (i + 1) * factor);
  return {
    count: flows,
    inUse: Uint32Array.from({ length: flows }, (_, i) => i),
    totalPackets: column(1500),
    totalBytes: column(2_048_000),
    shownPackets: column(1500),
    shownBytes: column(2_048_000),
    intervalPackets: column(15),
    intervalBytes: column(20_480),
    startedMs: new Float64Array(flows),
    keys,
    labelBytes,
    labelOffset,
    labelLength,
  };
}

function createRegistry(series: SeriesView): Registry {
  const registry = new Registry();
  const registers = [registry];
  const labelNames = [...FLOW_LABELS];
  const bytesTotal = new Counter({ ...FLOW_METRICS.flowBytesTotal, labelNames, registers });
  const packetsTotal = new Counter({ ...FLOW_METRICS.flowPacketsTotal, labelNames, registers });
  const bytes = new Gauge({ ...FLOW_METRICS.flowBytes, labelNames, registers });
  const packets = new Gauge({ ...FLOW_METRICS.flowPackets, labelNames, registers });
  const decoder = new TextDecoder();
  for (let flow = 0; flow < series.count; flow++) {
    const start = series.labelOffset[flow] ?? 0;
    const text = decoder.decode(series.labelBytes.subarray(start, start + (series.labelLength[flow] ?? 0)));
    const labels = Object.fromEntries(
      [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    bytesTotal.inc(labels, series.totalBytes[flow] ?? 0);
    packetsTotal.inc(labels, series.totalPackets[flow] ?? 0);
    bytes.set(labels, series.intervalBytes[flow] ?? 0);
    packets.set(labels, series.intervalPackets[flow] ?? 0);
  }
  return registry;
}
