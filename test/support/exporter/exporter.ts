// SPDX-License-Identifier: Apache-2.0
// The built program, bin/xtrace-catch, as a child process in a network namespace, and its pages. For
// tests only. Who asks for pages has joined that namespace (own-netns.ts).

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { atEnd } from '../cleanup.js';
import { waitFor } from '../conditions.js';
import type { Namespace } from '../kernel/namespace.js';
import { type Exposition, parseExposition } from '../oracle/exposition-parser.js';
import type { Child, Exit } from '../processes.js';
import { requestRaw } from './raw-http.js';

export const PROGRAM = fileURLToPath(new URL('../../../../bin/xtrace-catch', import.meta.url));

export interface ExporterOptions {
  /** Where it runs. */
  readonly namespace: Pick<Namespace, 'start'>;
  /** Besides --web.listen-address=127.0.0.1:0 and --no-print, which they may overrule. */
  readonly args?: readonly string[];
  /** Settings as in the configuration file; becomes a file of its own. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Another build of it than the repository's. */
  readonly program?: string;
  /** A command and arguments before the program, such as setpriv. */
  readonly through?: readonly string[];
}

/** What the environment of whoever runs the tests must not decide. */
const NO_SETTINGS = {
  NETWORK_INTERFACE: undefined,
  VICTORIAMETRICS_ENABLED: undefined,
  VICTORIAMETRICS_REMOTE_WRITE: undefined,
  COLLECT_AGG: undefined,
} as const;

/** Starts the program and waits for nothing; see startExporter(). */
export function spawnExporter(options: ExporterOptions): Child {
  const { namespace, args = [], settings, env = {}, program = PROGRAM, through = [] } = options;
  // Addresses add up: one that is asked for must be the only one.
  const isElsewhere = args.some((arg) => /^--web\.(listen-address|systemd-socket)/.test(arg));
  const defaults = [...(isElsewhere ? [] : ['--web.listen-address=127.0.0.1:0']), '--no-print'];
  const file = settings === undefined ? [] : [`--config.file=${writeSettings(settings)}`];
  const [command = program, ...rest] = [...through, program, ...defaults, ...file, ...args];
  return namespace.start(command, rest, { env: { ...NO_SETTINGS, NODE: process.execPath, ...env } });
}

/**
 * Resolves when it serves and counts. Rejects, with its output, when it ends before. Unless the settings say
 * otherwise, new series show their value at once: most tests ask what was counted, and ask once.
 */
export function startExporter(options: ExporterOptions): Promise<Exporter> {
  return startExporterAsConfigured({ ...options, settings: withValuesAtOnce(options.settings) });
}

/** The same by nothing but what is given. */
export async function startExporterAsConfigured(options: ExporterOptions): Promise<Exporter> {
  const child = spawnExporter(options);
  try {
    const url = await child.waitFor('the exporter to say where its metrics are', () =>
      /metrics are at (https?:\/\/[^\s",]+)/.exec(child.stderr)?.[1]?.replace('localhost', '127.0.0.1'),
    );
    return new Exporter(child, url);
  } catch (error) {
    await child.stop('SIGKILL');
    throw error;
  }
}

function withValuesAtOnce(settings: ExporterOptions['settings'] = {}): Record<string, unknown> {
  const flows = settings['flows'] as Readonly<Record<string, unknown>> | undefined;
  return { ...settings, flows: { new_series: 'at_value', ...flows } };
}

export class Exporter {
  readonly child: Child;
  /** Of the metrics. */
  readonly url: string;

  constructor(child: Child, url: string) {
    this.child = child;
    this.url = url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** A page by its path. */
  page(pagePath: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(new URL(pagePath, this.url), { headers: { connection: 'close', ...headers } });
  }

  /** One scrape, read strictly. */
  async scrape(): Promise<Exposition> {
    if (this.url.startsWith('https:')) return this.#scrapeSecurely();
    const response = await fetch(this.url, { headers: { connection: 'close' } });
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${this.url} answered ${response.status}: ${text}`);
    return parseExposition(text);
  }

  /** fetch() takes no certificate that a test has made. */
  async #scrapeSecurely(): Promise<Exposition> {
    const { status, body } = await requestRaw(this.url);
    if (status !== 200) throw new Error(`${this.url} answered ${status}: ${body}`);
    return parseExposition(body.toString());
  }

  /** Scrapes until the condition holds; resolves with the scrape in which it did. */
  scrapeUntil(what: string, condition: (exposition: Exposition) => boolean): Promise<Exposition> {
    let last: Exposition | undefined;
    return this.child
      .waitFor(what, async () => {
        last = await this.scrape();
        return condition(last) && last;
      })
      .catch((error: unknown) => {
        const shown = [...(last?.series.values() ?? [])]
          .filter(({ name }) => /^xtrace_(interface|network|other|refreshes)/.test(name))
          .map(({ name, labels, value }) => `${name}${JSON.stringify(Object.fromEntries(labels))} ${value}`);
        throw new Error(`${String(error)}\n--- last scrape\n${shown.join('\n')}`, { cause: error });
      });
  }

  /** Waits for a line of the log; resolves with the match. */
  logged(pattern: RegExp): Promise<RegExpExecArray> {
    return this.child.waitFor(
      `the log to say ${pattern}`,
      () => pattern.exec(this.child.stderr) ?? undefined,
    );
  }

  /** Ends it; a second call is no fault. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    return this.child.stop(signal);
  }
}

/** Runs the program to its end, whatever its exit code. */
export async function runExporter(
  options: ExporterOptions,
): Promise<Exit & { readonly stdout: string; readonly stderr: string }> {
  const child = spawnExporter(options);
  try {
    await waitFor(`xtrace-catch ${(options.args ?? []).join(' ')} to end`, () => child.exit !== undefined);
  } finally {
    await child.stop('SIGKILL');
  }
  return { ...(await child.exited), stdout: child.stdout, stderr: child.stderr };
}

/** A configuration file with these settings, gone when the test process ends. */
export function writeSettings(settings: Readonly<Record<string, unknown>>): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-settings-'));
  chmodSync(folder, 0o755); // also for an exporter that is not root
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'xtrace-catch.yaml');
  writeFileSync(file, stringify(settings));
  return file;
}
