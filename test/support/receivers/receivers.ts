// SPDX-License-Identifier: Apache-2.0
// Real receivers of pushes: victoria-metrics, vmagent and prometheus, Debian's or given ones, each in
// a namespace of its own, that can be killed and started again with what they stored. For tests only.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { atEnd } from '../cleanup.js';
import type { Namespace } from '../kernel/namespace.js';
import type { Child } from '../processes.js';

/** A series as it is stored; a stale marker is NaN, where the receiver tells it at all. */
export interface StoredSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds, ascending. */
  readonly timestamps: readonly number[];
  readonly values: readonly number[];
}

export interface Receiver {
  readonly name: string;
  /** `http://address:port`. */
  readonly base: string;
  /** For remote write. */
  readonly writeUrl: string;
  start(): Promise<void>;
  /** SIGKILL: as it goes when its machine does, but for what the page cache has. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** What it printed since it was started last. */
  output(): string;
}

/** A receiver that can be asked what it has stored. */
export interface Storage extends Receiver {
  /** Whether stored() has stale markers, as NaN. */
  readonly showsMarkers: boolean;
  /** How far a fraction may come back from what was sent, as a share of it. */
  readonly fractionTolerance: number;
  /** All samples of the last hour, by a selector such as `{job="x"}`. */
  stored(selector: string): Promise<readonly StoredSeries[]>;
  /** An instant query: series that are not stale, and their values. */
  query(promQl: string): Promise<readonly { labels: Readonly<Record<string, string>>; value: number }[]>;
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly readyPath: string;
}

export async function startVictoriaMetrics(
  namespace: Namespace,
  command = 'victoria-metrics',
  flags: readonly string[] = [],
): Promise<Storage> {
  const address = '127.0.0.1:8428';
  const folder = createFolder('victoria-metrics');
  const receiver = createReceiver(namespace, address, {
    command,
    readyPath: '/health',
    args: [
      `-storageDataPath=${path.join(folder, 'data')}`,
      `-httpListenAddr=${address}`,
      '-memory.allowedBytes=134217728',
      // Show samples at once, not 30 s later.
      '-search.latencyOffset=0s',
      '-search.disableCache',
      '-loggerLevel=WARN',
      ...flags,
    ],
  });
  await receiver.start();
  // What has just come is shown seconds later, unless it is told to flush.
  const flush = (): Promise<string> => getText(`${receiver.base}/internal/force_flush`);
  return {
    ...receiver,
    showsMarkers: true,
    // It keeps decimals: conversionPrecision of its lib/decimal is 1e12.
    fractionTolerance: 1e-12,
    async stored(selector) {
      await flush();
      const text = await getText(
        `${receiver.base}/api/v1/export?${new URLSearchParams({ 'match[]': selector })}`,
      );
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => toStored(JSON.parse(line) as ExportLine));
    },
    async query(promQl) {
      await flush();
      return instantQuery(receiver.base, promQl);
    },
  };
}

export async function startPrometheusReceiver(
  namespace: Namespace,
  command = 'prometheus',
): Promise<Storage> {
  const address = '127.0.0.1:9090';
  const folder = createFolder('prometheus');
  const config = path.join(folder, 'prometheus.yaml');
  writeFileSync(config, 'global: {}\n');
  const receiver = createReceiver(namespace, address, {
    command,
    readyPath: '/-/ready',
    args: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${path.join(folder, 'data')}`,
      `--web.listen-address=${address}`,
      '--web.enable-remote-write-receiver',
      '--log.level=warn',
    ],
  });
  await receiver.start();
  return {
    ...receiver,
    showsMarkers: false,
    fractionTolerance: 1e-14,
    async stored(selector) {
      const results = await queryApi(receiver.base, `${selector}[1h]`);
      return results.map(({ metric, values = [] }) => ({
        labels: metric,
        timestamps: values.map(([timeS]) => Math.round(timeS * 1000)),
        values: values.map(([, text]) => Number(text)),
      }));
    },
    query: (promQl) => instantQuery(receiver.base, promQl),
  };
}

/** It passes on what it takes to this URL of remote write. */
export async function startVmagentReceiver(
  namespace: Namespace,
  forwardUrl: string,
  command = 'vmagent',
): Promise<Receiver> {
  const address = '127.0.0.1:8429';
  const folder = createFolder('vmagent');
  const receiver = createReceiver(namespace, address, {
    command,
    readyPath: '/health',
    args: [
      `-remoteWrite.url=${forwardUrl}`,
      `-remoteWrite.tmpDataPath=${path.join(folder, 'queue')}`,
      `-httpListenAddr=${address}`,
      '-memory.allowedBytes=67108864',
      '-loggerLevel=WARN',
    ],
  });
  await receiver.start();
  return receiver;
}

function createReceiver(namespace: Namespace, address: string, program: Program): Receiver {
  const base = `http://${address}`;
  let child: Child | undefined;
  return {
    name: path.basename(program.command),
    base,
    writeUrl: `${base}/api/v1/write`,
    async start() {
      const started = namespace.start(program.command, program.args);
      child = started;
      const url = base + program.readyPath;
      await started.waitFor(url, async () => (await fetch(url, { headers: { connection: 'close' } })).ok);
    },
    async stop(signal = 'SIGTERM') {
      await child?.stop(signal);
    },
    output: () => (child === undefined ? '' : child.stdout + child.stderr),
  };
}

interface ExportLine {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (number | string | null)[];
  readonly timestamps: readonly number[];
}

/** NaN is null there, and infinity is text. */
function toStored({ metric, values, timestamps }: ExportLine): StoredSeries {
  return {
    labels: metric,
    timestamps,
    values: values.map((value) => (value === null ? Number.NaN : Number(value))),
  };
}

interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

async function instantQuery(base: string, promQl: string) {
  const results = await queryApi(base, promQl);
  return results.map(({ metric, value }) => ({ labels: metric, value: Number(value?.[1]) }));
}

async function queryApi(base: string, promQl: string): Promise<readonly QueryResult[]> {
  const text = await getText(`${base}/api/v1/query?${new URLSearchParams({ query: promQl })}`);
  return (JSON.parse(text) as { data: { result: readonly QueryResult[] } }).data.result;
}

async function getText(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text;
}

function createFolder(name: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), `xtrace-${name}-`));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
