// SPDX-License-Identifier: Apache-2.0
// Pushing: our encoders next to protobufjs, each with the compression its receivers want, in one run
// on one core. Times are medians of warm runs; a stall is the longest time between two turns of the
// event loop while encoding (compression is off the loop in the exporter).

import { setImmediate as nextTurn } from 'node:timers/promises';
import zlib from 'node:zlib';
import { compressSync as snappy } from 'snappy';
import type { Payload, PayloadFormat } from '../src/exposition/payload.js';
import { createPushEncoder, type PushEncoder } from '../src/exposition/push-encoder.js';
import { type FlowFamilies, flowFamilies } from '../src/metrics/flow-families.js';
import { createSeries } from './exposition.js';
import { median } from './median.js';
import { type Peer, protobufjsV1, protobufjsV2 } from './protobufjs-peer.js';

export interface PushBenchRow {
  readonly what: string;
  readonly compression: string;
  readonly flows: number;
  /** Flows x 4 metrics. */
  readonly samples: number;
  readonly requests: number;
  /** The first push of a process, labels and code still to be made. */
  readonly firstMs: number;
  readonly firstStallMs: number;
  readonly encodeMs: number;
  readonly stallMs: number;
  readonly compressMs: number;
  /** Encoded and compressed. */
  readonly samplesPerSecond: number;
  readonly bytesPerSample: number;
  readonly compressedBytesPerSample: number;
  /** Encoding by protobufjs, and its time / ours with the compression and without; absent where there is none. */
  readonly protobufjsMs?: number;
  readonly timesProtobufjs?: number;
  readonly timesProtobufjsEncoding?: number;
}

const FLOWS = 10_000;
/** Blocks of ours and of protobufjs take turns, so that whatever else the machine does slows both. */
const BLOCKS = 4;
const RUNS_PER_BLOCK = 60;
const PEER_RUNS_PER_BLOCK = 6;
const MAX_SAMPLES = 2000;
const INTERVAL_MS = 5000;
const START_MS = 1_700_000_000_000;
const EXTERNAL = [
  ['instance', 'node-17.example.net:10060'],
  ['job', 'xtrace-catch'],
] as const;
const FLOW_LABELS = {
  interfaceName: () => 'eth0',
  hostIp: '192.168.1.10',
  collectAgg: 'default',
  vlan: false,
  queuePair: false,
} as const;

type Compress = (body: Buffer) => Buffer;

export async function benchPush(): Promise<PushBenchRow[]> {
  const series = createSeries(FLOWS);
  const flows = flowFamilies(series);
  const zstd = findZstd();
  const peer = { series, flows, external: EXTERNAL, maxSamples: MAX_SAMPLES, startMs: START_MS };
  const v1 = protobufjsV1(peer);
  const v2 = protobufjsV2(peer);
  const rows: PushBenchRow[] = [];
  const add = async (format: PayloadFormat, compression: string, compress: Compress, peer?: Peer) => {
    rows.push(await benchFormat(format, compression, compress, flows, peer));
  };
  await add('remote_write_1', 'snappy', snappy, v1);
  if (zstd !== undefined) await add('remote_write_1', 'zstd', zstd, v1);
  await add('remote_write_2', 'snappy', snappy, v2);
  await add('text', 'gzip', (body) => zlib.gzipSync(body, { level: 1 }));
  rows.push(await benchStale(flows));
  return rows;
}

/** Only where node:zlib has it: from 22.15 and 23.8 on. */
function findZstd(): Compress | undefined {
  const { zstdCompressSync } = zlib as { zstdCompressSync?: Compress };
  return zstdCompressSync === undefined ? undefined : (body) => zstdCompressSync(body);
}

async function benchFormat(
  format: PayloadFormat,
  compression: string,
  compress: Compress,
  flows: FlowFamilies,
  peer: Peer | undefined,
): Promise<PushBenchRow> {
  const meter = new PushMeter(compress);
  const encoder = createEncoder(format, meter);
  const runs: Push[] = [];
  const peerTimes: { encodeMs: number; compressMs: number }[] = [];
  let timestampMs = START_MS;
  const push = (): Promise<Push> => {
    timestampMs += INTERVAL_MS;
    return meter.measure(encoder.encode({ families: [], flows }, timestampMs));
  };
  const first = await push();
  for (let block = 0; block < BLOCKS; block++) {
    const isWarm = block > 0;
    for (let run = 0; run < RUNS_PER_BLOCK; run++) {
      const measured = await push();
      if (isWarm) runs.push(measured);
    }
    for (let run = 0; peer !== undefined && run < PEER_RUNS_PER_BLOCK; run++) {
      const measured = timePeer(peer, compress, timestampMs);
      if (isWarm) peerTimes.push(measured);
    }
  }
  const row = summarize(format, compression, flows, first, runs);
  if (peer === undefined) return row;
  const protobufjsMs = median(peerTimes.map(({ encodeMs }) => encodeMs));
  const allMs = protobufjsMs + median(peerTimes.map(({ compressMs }) => compressMs));
  return {
    ...row,
    protobufjsMs,
    timesProtobufjs: allMs / (row.encodeMs + row.compressMs),
    timesProtobufjsEncoding: protobufjsMs / row.encodeMs,
  };
}

/** All series end at once: what a clean stop sends. */
async function benchStale(flows: FlowFamilies): Promise<PushBenchRow> {
  const meter = new PushMeter(snappy);
  const runs: Push[] = [];
  for (let run = 0; run < RUNS_PER_BLOCK; run++) {
    const encoder = createEncoder('remote_write_1', meter);
    await meter.measure(encoder.encode({ families: [], flows }, START_MS));
    runs.push(await meter.measure(encoder.staleAll(START_MS + INTERVAL_MS)));
  }
  const [first, ...warm] = runs;
  return summarize('all series end', 'snappy', flows, first as Push, warm);
}

function summarize(
  what: string,
  compression: string,
  flows: FlowFamilies,
  first: Push,
  runs: readonly Push[],
): PushBenchRow {
  const samples = flows.rows.count * flows.families.length;
  for (const run of [first, ...runs]) {
    if (run.samples !== samples) throw new Error(`${what}: ${run.samples} samples, not ${samples}`);
  }
  const encodeMs = median(runs.map((run) => run.encodeMs));
  const compressMs = median(runs.map((run) => run.compressMs));
  return {
    what,
    compression,
    flows: flows.rows.count,
    samples,
    requests: first.requests,
    firstMs: first.encodeMs,
    firstStallMs: first.stallMs,
    encodeMs,
    stallMs: Math.max(...runs.map((run) => run.stallMs)),
    compressMs,
    samplesPerSecond: (samples / (encodeMs + compressMs)) * 1000,
    bytesPerSample: first.bytes / samples,
    compressedBytesPerSample: first.compressedBytes / samples,
  };
}

function createEncoder(format: PayloadFormat, meter: PushMeter): PushEncoder {
  return createPushEncoder(
    {
      format,
      maxSamplesPerBatch: MAX_SAMPLES,
      maxBatchBytes: 8 * 1024 * 1024,
      externalLabels: EXTERNAL,
      flowLabels: FLOW_LABELS,
      startedMs: START_MS - 60_000,
      zeroFirst: false, // or the first push has half as many samples more
    },
    { yieldToLoop: () => meter.turn() },
  );
}

interface Push {
  readonly requests: number;
  readonly samples: number;
  readonly bytes: number;
  readonly compressedBytes: number;
  readonly encodeMs: number;
  readonly compressMs: number;
  /** The longest stretch of encoding without a turn of the event loop. */
  readonly stallMs: number;
}

/** Takes payloads as the queue does, one by one, and compresses each at once. */
class PushMeter {
  readonly #compress: Compress;
  #turnedMs = 0;
  #stallMs = 0;

  constructor(compress: Compress) {
    this.#compress = compress;
  }

  async turn(): Promise<void> {
    this.#noteStall();
    await nextTurn();
    this.#turnedMs = performance.now();
  }

  async measure(payloads: AsyncIterable<Payload>): Promise<Push> {
    let [requests, samples, bytes, compressedBytes, compressMs] = [0, 0, 0, 0, 0];
    await nextTurn();
    const startMs = performance.now();
    this.#turnedMs = startMs;
    this.#stallMs = 0;
    for await (const payload of payloads) {
      const beginMs = performance.now();
      requests++;
      samples += payload.samples;
      bytes += payload.body.length;
      compressedBytes += this.#compress(payload.body).length;
      const tookMs = performance.now() - beginMs;
      compressMs += tookMs;
      this.#turnedMs += tookMs; // on other threads in the exporter
    }
    this.#noteStall();
    const encodeMs = performance.now() - startMs - compressMs;
    return { requests, samples, bytes, compressedBytes, encodeMs, compressMs, stallMs: this.#stallMs };
  }

  #noteStall(): void {
    this.#stallMs = Math.max(this.#stallMs, performance.now() - this.#turnedMs);
  }
}

function timePeer(
  peer: Peer,
  compress: Compress,
  timestampMs: number,
): { encodeMs: number; compressMs: number } {
  let compressMs = 0;
  const startMs = performance.now();
  peer.encode(timestampMs, (body) => {
    const beginMs = performance.now();
    compress(asBuffer(body));
    compressMs += performance.now() - beginMs;
  });
  return { encodeMs: performance.now() - startMs - compressMs, compressMs };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
