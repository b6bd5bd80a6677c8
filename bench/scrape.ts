// SPDX-License-Identifier: Apache-2.0
// What being scraped costs the real exporter as flows and scrapers grow in number: bin/xtrace-catch in a namespace
// of its own, its flows over a veth pair. BENCH_BEFORE names another built tree, whose program takes turns with ours.
//
// Moves the calling thread to that namespace: nothing that needs the machine's own can come after.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type Exporter, startExporter } from '../test/support/exporter/exporter.js';
import { requestRaw } from '../test/support/exporter/raw-http.js';
import { startSending } from '../test/support/kernel/sender.js';
import { createWire, type Wire } from '../test/support/kernel/wire.js';
import { readMemoryMiB } from '../test/support/process-state.js';
import { median } from './median.js';
import { createFrames } from './memory.js';

const INTERVAL_MS = 5000;
const SIZES = [10_000, 100_000, 1_000_000] as const;
const SCRAPERS = [1, 10, 100] as const;
/** More than that, and it is the sender that is measured: a million flows are seen each 50 s. */
const MOST_PACKETS_PER_SECOND = 20_000;
const SCRAPE_EVERY_MS = 15_000;
const SCRAPES = 3;
/** A burst of many scrapers of very much takes minutes, and tells nothing new. */
const MOST_SENT_BYTES = 10e9;
const TICK_MS = 10;
const ACCEPT = {
  text: 'text/plain;version=0.0.4',
  openmetrics: 'application/openmetrics-text;version=1.0.0',
  protobuf: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
} as const;
const STALL = /^xtrace_event_loop_stall_seconds (\S+)$/m;

export interface ScrapeRow {
  readonly program: string;
  readonly flows: number;
  readonly what: string;
  /** As sent. */
  readonly answerMiB?: number;
  /** Of the exporter, a second of wall clock; of a burst: for each answer. */
  readonly cpuPercent?: number;
  readonly cpuMs?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  /** Answers that were refused, or cut off. */
  readonly failed?: number;
  readonly longestStallMs?: number;
  readonly residentMiB?: number;
  readonly peakMiB?: number;
}

/** Needs root, and some minutes for each size and program. */
export async function benchScrape(mostFlows: number): Promise<ScrapeRow[]> {
  const wire = createWire('q');
  const before = process.env['BENCH_BEFORE'];
  const programs = [
    ...(before === undefined ? [] : [{ program: 'before', bin: path.join(before, 'bin', 'xtrace-catch') }]),
    { program: 'this', bin: undefined },
  ];
  try {
    const rows: ScrapeRow[] = [];
    for (const flows of SIZES.filter((size) => size <= mostFlows)) {
      for (const { program, bin } of programs) {
        for (const row of await measureProgram(wire, flows, bin)) rows.push({ program, flows, ...row });
      }
    }
    return rows.sort((a, b) => a.flows - b.flows || a.what.localeCompare(b.what));
  } finally {
    wire.dispose();
  }
}

type Figures = Omit<ScrapeRow, 'program' | 'flows'>;

async function measureProgram(wire: Wire, flows: number, bin: string | undefined): Promise<Figures[]> {
  const exporter = await startExporter({
    namespace: wire.sink,
    args: [`--interface=${wire.sinkDevice()}`, `--interval=${INTERVAL_MS}`],
    settings: {
      flows: { max_series: flows, max_exposition_bytes: 1 << 30 },
      kernel: { max_flows: 1 << 20 },
      web: { max_requests: 200 },
    },
    ...(bin === undefined ? {} : { program: bin }),
  });
  const sending = startSending({
    prefix: wire.source.enter,
    interface: wire.sourceDevice(),
    frames: createFrames(flows),
    repeat: 1_000_000,
    packetsPerSecond: Math.min(MOST_PACKETS_PER_SECOND, (flows * 1000) / INTERVAL_MS),
  });
  try {
    while ((await readSelf(exporter, /^xtrace_series (\S+)$/m)) < flows) await delay(INTERVAL_MS);
    const rows = [await measureSteady(exporter, false), await measureSteady(exporter, true)];
    for (const format of Object.keys(ACCEPT) as (keyof typeof ACCEPT)[]) {
      for (const coding of ['gzip', 'identity'] as const) {
        for (const scrapers of SCRAPERS) {
          const lineBytes = coding === 'gzip' ? 80 : 830;
          if (scrapers * flows * lineBytes > MOST_SENT_BYTES) continue;
          if (format !== 'text' && scrapers > 1) continue;
          rows.push(await measureBurst(exporter, format, coding, scrapers));
        }
      }
    }
    return rows;
  } finally {
    await sending.child.stop();
    sending.dispose();
    await exporter.stop();
  }
}

/** Refreshes alone, or with a scrape by gzip every 15 s. */
async function measureSteady(exporter: Exporter, isScraped: boolean): Promise<Figures> {
  const { pid } = exporter.child;
  const stallsS: number[] = [];
  let bytes = 0;
  const scrape = async (): Promise<void> => {
    const headers = { 'Accept-Encoding': 'gzip' };
    const { body } = await requestRaw(exporter.url, { headers });
    bytes = body.length;
    stallsS.push(readFigure(gunzipSync(body), STALL));
  };
  // Code is compiled, and buffers have their size.
  if (isScraped) for (let i = 0; i < SCRAPES; i++) await scrape().then(() => delay(INTERVAL_MS));
  await readSelf(exporter, STALL);
  stallsS.length = 0;
  const [cpuMs, beganMs] = [readCpuMs(pid), performance.now()];
  for (let i = 1; i <= SCRAPES; i++) {
    await delay(beganMs + i * SCRAPE_EVERY_MS - performance.now());
    if (isScraped) await scrape();
  }
  const cpuPercent = (100 * (readCpuMs(pid) - cpuMs)) / (performance.now() - beganMs);
  stallsS.push(await readSelf(exporter, STALL));
  return {
    what: isScraped ? 'gzip every 15 s' : 'not scraped',
    ...(isScraped ? { answerMiB: bytes / 2 ** 20 } : {}),
    cpuPercent,
    longestStallMs: 1000 * Math.max(...stallsS),
    residentMiB: readMemoryMiB(pid, 'VmRSS'),
    peakMiB: readMemoryMiB(pid, 'VmHWM'),
  };
}

/** All ask at once, three times, each time of another refresh. */
async function measureBurst(
  exporter: Exporter,
  format: keyof typeof ACCEPT,
  coding: 'gzip' | 'identity',
  scrapers: number,
): Promise<Figures> {
  const { pid } = exporter.child;
  const headers = { Accept: ACCEPT[format], 'Accept-Encoding': coding };
  const [tookMs, answersCpuMs]: [number[], number[]] = [[], []];
  let [failed, bytes] = [0, 0];
  for (let burst = 0; burst < SCRAPES; burst++) {
    const refreshes = await readSelf(exporter, /^xtrace_refreshes_total (\S+)$/m);
    while ((await readSelf(exporter, /^xtrace_refreshes_total (\S+)$/m)) === refreshes) await delay(TICK_MS);
    const [cpuMs, beganMs] = [readCpuMs(pid), performance.now()];
    await Promise.all(
      Array.from({ length: scrapers }, async () => {
        // Undefined: cut off.
        const reply = await requestRaw(exporter.url, { headers, keepBody: false }).catch(() => undefined);
        tookMs.push(performance.now() - beganMs);
        if (reply?.status === 200) bytes = reply.bytes;
        else failed++;
      }),
    );
    answersCpuMs.push((readCpuMs(pid) - cpuMs) / scrapers);
  }
  tookMs.sort((a, b) => a - b);
  return {
    what: `${format}, ${coding}, ${String(scrapers).padStart(3)} at once`,
    answerMiB: bytes / 2 ** 20,
    cpuMs: median(answersCpuMs),
    p50Ms: median(tookMs),
    p99Ms: tookMs[Math.ceil(tookMs.length * 0.99) - 1] ?? Number.NaN,
    failed,
    peakMiB: readMemoryMiB(pid, 'VmHWM'),
  };
}

/** What the exporter tells of itself, which is a small answer. */
async function readSelf(exporter: Exporter, pattern: RegExp): Promise<number> {
  const { body } = await requestRaw(`${exporter.url}?collect[]=self`);
  return readFigure(body, pattern);
}

function readFigure(text: Buffer, pattern: RegExp): number {
  // It is among the families, which come before the flows.
  const found = pattern.exec(text.toString('latin1', 0, 1 << 22))?.[1];
  if (found === undefined) throw new Error(`the answer has no ${pattern}`);
  return Number(found);
}

/** User and system time of all threads: fields 14 and 15 of proc(5)'s stat, in hundredths of a second. */
function readCpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}
