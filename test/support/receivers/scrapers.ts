// SPDX-License-Identifier: Apache-2.0
// Real scrapers on the loopback of a namespace: Debian's prometheus, and vmagent with a
// victoria-metrics to write to. Whoever asks them has joined that namespace. For tests only.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { atEnd } from '../cleanup.js';
import type { Namespace } from '../kernel/namespace.js';
import type { Child } from '../processes.js';

/** The namespace is the test's own: ports are free. */
const PROMETHEUS = '127.0.0.1:9090';
const VICTORIA_METRICS = '127.0.0.1:8428';
const VMAGENT = '127.0.0.1:8429';
const VMALERT = '127.0.0.1:8880';

/** One sample, or one series of a range query: labels and [time in seconds, value]. */
interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

/** Of an alert; vmalert tells its name beside the labels. */
interface AlertState {
  readonly name?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Target {
  readonly health: string;
  readonly lastError: string;
}

export interface Annotations {
  readonly alert: string;
  readonly texts: Readonly<Record<string, string>>;
}

/** Pages that are scraped under one job. */
export interface ScrapedPage {
  readonly url: string;
  /** Default: as all others. */
  readonly everyS?: number;
}

/** A scraper with what it has stored. */
export interface Scraper {
  readonly name: string;
  /** An instant query; as of now, or of a Unix time in seconds. */
  query(promQl: string, atS?: number): Promise<readonly Sample[]>;
  /** The value of the one sample of an instant query. */
  value(promQl: string): Promise<number>;
  /** All values of all series of a range query in steps of a second. */
  range(promQl: string, fromS: number, toS: number): Promise<readonly number[]>;
  targets(): Promise<readonly Target[]>;
  /** The annotations of alerts that it knows of now, by the name of the alert. */
  annotations(): Promise<readonly Annotations[]>;
  /** What it tells of itself, as text. */
  ownMetrics(): Promise<string>;
  /** What its processes have printed. */
  output(): string;
  stop(): Promise<void>;
}

export interface PrometheusOptions {
  readonly name?: string;
  /** Another one than Debian's. */
  readonly program?: string;
  readonly address?: string;
  readonly flags?: readonly string[];
  readonly everyS?: number;
  /** Default: as long as everyS. */
  readonly timeoutS?: number;
  /** Of its scrape config: tls_config, basic_auth, params. */
  readonly scrape?: Readonly<Record<string, unknown>>;
  /** Evaluated as often. */
  readonly ruleFiles?: readonly string[];
}

/** Scrapes the metrics of this URL, or of these, once a second where nothing else is said. */
export async function startPrometheus(
  namespace: Namespace,
  metrics: string | readonly ScrapedPage[],
  options: PrometheusOptions = {},
): Promise<Scraper> {
  const { name = 'prometheus', program = 'prometheus', address = PROMETHEUS, flags = [] } = options;
  const { everyS = 1, timeoutS = everyS, ruleFiles, scrape } = options;
  const folder = createFolder('prometheus');
  const child = namespace.start(program, [
    `--config.file=${writeScrapeConfig(folder, metrics, { everyS, timeoutS, ...(ruleFiles && { ruleFiles }), ...(scrape && { scrape }) })}`,
    `--storage.tsdb.path=${path.join(folder, 'data')}`,
    `--web.listen-address=${address}`,
    '--log.level=warn',
    ...flags,
  ]);
  await ready(child, `http://${address}/-/ready`);
  return createScraper(name, [child], {
    queryUrl: `http://${address}`,
    targetsUrl: `http://${address}/api/v1/targets`,
    alertsUrl: `http://${address}/api/v1/alerts`,
  });
}

export interface VmagentOptions {
  readonly everyS?: number;
  readonly flags?: readonly string[];
  /** Of victoria-metrics. */
  readonly storageFlags?: readonly string[];
  /** Evaluated by vmalert, as often. */
  readonly ruleFiles?: readonly string[];
}

/** The same by vmagent, kept by victoria-metrics. */
export async function startVmagent(
  namespace: Namespace,
  metrics: string | readonly ScrapedPage[],
  options: VmagentOptions = {},
): Promise<Scraper> {
  const { everyS = 1, flags = [], storageFlags = [], ruleFiles = [] } = options;
  const folder = createFolder('vmagent');
  const storage = namespace.start('victoria-metrics', [
    `-storageDataPath=${path.join(folder, 'data')}`,
    `-httpListenAddr=${VICTORIA_METRICS}`,
    '-memory.allowedBytes=134217728',
    // Show samples at once, not 30 s later.
    '-search.latencyOffset=0s',
    '-search.disableCache',
    '-loggerLevel=WARN',
    ...storageFlags,
  ]);
  await ready(storage, `http://${VICTORIA_METRICS}/health`);
  const agent = namespace.start('vmagent', [
    `-promscrape.config=${writeScrapeConfig(folder, metrics, { everyS })}`,
    `-remoteWrite.url=http://${VICTORIA_METRICS}/api/v1/write`,
    `-remoteWrite.tmpDataPath=${path.join(folder, 'queue')}`,
    `-httpListenAddr=${VMAGENT}`,
    '-memory.allowedBytes=67108864',
    '-loggerLevel=WARN',
    ...flags,
  ]);
  await ready(agent, `http://${VMAGENT}/health`);
  const judges = ruleFiles.length === 0 ? [] : [await startVmalert(namespace, ruleFiles, everyS)];
  return createScraper('vmagent', [...judges, agent, storage], {
    queryUrl: `http://${VICTORIA_METRICS}`,
    targetsUrl: `http://${VMAGENT}/api/v1/targets`,
    alertsUrl: `http://${VMALERT}/api/v1/alerts`,
  });
}

/** Evaluates rules; what they record goes into victoria-metrics, too. */
async function startVmalert(
  namespace: Namespace,
  ruleFiles: readonly string[],
  everyS: number,
): Promise<Child> {
  const judge = namespace.start('vmalert', [
    ...ruleFiles.map((file) => `-rule=${file}`),
    `-datasource.url=http://${VICTORIA_METRICS}`,
    `-remoteWrite.url=http://${VICTORIA_METRICS}`,
    '-remoteWrite.flushInterval=500ms',
    '-notifier.url=http://127.0.0.1:9', // it asks for one; nobody is there
    `-evaluationInterval=${everyS}s`,
    `-httpListenAddr=${VMALERT}`,
    '-loggerLevel=WARN',
  ]);
  await ready(judge, `http://${VMALERT}/health`);
  return judge;
}

function createScraper(
  name: string,
  children: readonly Child[],
  { queryUrl, targetsUrl, alertsUrl }: { queryUrl: string; targetsUrl: string; alertsUrl: string },
): Scraper {
  const ask = async (
    api: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<readonly Result[]> => {
    const { data } = await getJson<{ data: { result: readonly Result[] } }>(
      `${queryUrl}/api/v1/${api}?${new URLSearchParams(parameters)}`,
    );
    return data.result;
  };
  const query = async (promQl: string, atS?: number): Promise<readonly Sample[]> =>
    (await ask('query', { query: promQl, ...(atS === undefined ? {} : { time: String(atS) }) })).map(
      ({ metric, value }) => ({
        labels: metric,
        value: Number(value?.[1]),
      }),
    );
  return {
    name,
    query,
    async value(promQl) {
      const samples = await query(promQl);
      const [sample] = samples;
      if (sample === undefined || samples.length > 1) {
        throw new Error(`${name}: ${samples.length} samples, not 1, are ${promQl}`);
      }
      return sample.value;
    },
    async range(promQl, fromS, toS) {
      const results = await ask('query_range', {
        query: promQl,
        start: String(fromS),
        end: String(toS),
        step: '1s',
      });
      return results.flatMap(({ values = [] }) => values.map(([, value]) => Number(value)));
    },
    async targets() {
      const { data } = await getJson<{ data: { activeTargets: readonly Target[] } }>(targetsUrl);
      return data.activeTargets;
    },
    async annotations() {
      const { data } = await getJson<{ data: { alerts: readonly AlertState[] } }>(alertsUrl);
      return data.alerts.map(({ name, labels, annotations }) => ({
        alert: name ?? labels['alertname'] ?? '',
        texts: annotations,
      }));
    },
    ownMetrics: () => getText(`${queryUrl}/metrics`),
    output: () => children.map(({ stdout, stderr }) => stdout + stderr).join(''),
    async stop() {
      for (const child of children) await child.stop();
    },
  };
}

async function getJson<T>(url: string): Promise<T> {
  return JSON.parse(await getText(url)) as T;
}

async function getText(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text;
}

async function ready(child: Child, url: string): Promise<void> {
  await child.waitFor(url, async () => (await fetch(url, { headers: { connection: 'close' } })).ok);
}

function createFolder(name: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), `xtrace-${name}-`));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface ScrapeSettings {
  readonly everyS: number;
  readonly timeoutS?: number;
  readonly ruleFiles?: readonly string[];
  /** As PrometheusOptions. */
  readonly scrape?: Readonly<Record<string, unknown>>;
}

/** JSON is YAML, too. */
function writeScrapeConfig(
  folder: string,
  metrics: string | readonly ScrapedPage[],
  { everyS, timeoutS = everyS, ruleFiles, scrape }: ScrapeSettings,
): string {
  const pages = typeof metrics === 'string' ? [{ url: metrics }] : metrics;
  const file = path.join(folder, 'scrape.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      global: {
        scrape_interval: `${everyS}s`,
        scrape_timeout: `${timeoutS}s`,
        ...(ruleFiles && { evaluation_interval: `${everyS}s` }),
      },
      ...(ruleFiles && { rule_files: ruleFiles }),
      scrape_configs: pages.map(({ url, everyS: ownS }: ScrapedPage, i) => ({
        job_name: `page ${i}`,
        ...(ownS !== undefined && { scrape_interval: `${ownS}s`, scrape_timeout: `${ownS}s` }),
        metrics_path: new URL(url).pathname,
        scheme: new URL(url).protocol.slice(0, -1),
        ...scrape,
        static_configs: [{ targets: [new URL(url).host], labels: { job: 'xtrace-catch' } }],
      })),
    }),
  );
  return file;
}
