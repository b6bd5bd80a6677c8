// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch top`, wired: finds the exporter, or starts one, and prints a snapshot of it or lets it be watched.

import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../clock.js';
import type { Config, TopConfig } from '../config/config.js';
import { type TopTarget, targetOfListener, topTarget } from '../config/top-target.js';
import { describeReadFailure, EXIT_CODE, ExporterError } from '../errors.js';
import { readFileStart } from '../system/file-start.js';
import { type ApiClient, createApiClient } from '../top/api-client.js';
import { ASCII_SYMBOLS, type Symbols, UTF8_SYMBOLS } from '../top/paint.js';
import { readOverview } from '../top/read-answers.js';
import { renderOnce, WIDTH_WITHOUT_TERMINAL } from '../top/render-once.js';
import { renderSnapshotJson, takeTopSnapshot } from '../top/take-snapshot.js';
import { readWebFile } from '../web-config/read-web-file.js';
import { type AttachedExporter, attachExporter } from './attach-exporter.js';
import { watchOnTerminal, whyNoTerminal } from './top-terminal.js';

export interface TopRunParts {
  readonly process: NodeJS.Process;
  /** To stdout. */
  print(text: string): void;
}

/** Of one question: a refresh of a large exporter that is busy takes some hundred milliseconds. */
const ANSWER_LIMIT_MS = 5000;
/** As the exporter itself bounds its answers. */
const ANSWER_MAX_BYTES = 8_000_000;
/** From the start of an exporter of our own to its first answer. */
const START_LIMIT_MS = 30_000;
const START_PAUSE_MS = 50;
/** Beyond two intervals, for rates of a snapshot; no longer than that in all. */
const SNAPSHOT_SPARE_MS = 5000;
const SNAPSHOT_LIMIT_MS = 30_000;
const SECRET_FILE_MAX_BYTES = 1 << 20;

/** @throws ExporterError (rejects) where nothing can be shown, with one sentence. */
export async function runTop(
  { config, top }: { readonly config: Config; readonly top: TopConfig },
  parts: TopRunParts,
): Promise<void> {
  const { process } = parts;
  const isWatched = !top.once && !top.json;
  const refusal = isWatched ? whyNoTerminal(process) : undefined;
  if (refusal !== undefined) throw topError(refusal);
  const own = top.attach ? attachExporter({ config, hasInterval: top.hasInterval }, process) : undefined;
  const end = new AbortController();
  const onSignal = (): void => end.abort();
  for (const signal of ENDING_SIGNALS) process.on(signal, onSignal);
  process.on('SIGUSR2', IGNORE);
  let client: ApiClient | undefined;
  try {
    const targets =
      own === undefined
        ? await findTargets(config, top)
        : [targetOfListener({ path: own.socketPath }, false)];
    const clients = targets.map((target) => createApiClient(clientOptions(target, top)));
    client =
      own === undefined ? await firstThatAnswers(clients, top) : await onceStarted(clients, own, end.signal);
    if (client === undefined || end.signal.aborted) return;
    if (isWatched) {
      await watchOnTerminal(
        { interfaceName: top.interfaceName, symbols: symbolsOf(process.env) },
        { process, client, end: end.signal, ended: () => own?.ended(), clockText },
      );
    } else await printSnapshot(top, { ...parts, client, end: end.signal });
  } finally {
    client?.close();
    await own?.stop();
    for (const signal of ENDING_SIGNALS) process.off(signal, onSignal);
    process.off('SIGUSR2', IGNORE);
  }
}

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** It would end the process, and leave the terminal as it is. */
const IGNORE = (): void => undefined;

function topError(sentence: string): ExporterError {
  return new ExporterError('TOP', sentence, { exitCode: EXIT_CODE.failure });
}

async function findTargets(config: Config, { url }: TopConfig): Promise<readonly TopTarget[]> {
  const isTls = await speaksTls(config);
  if (url !== undefined) {
    const judged = topTarget(isTls)(url);
    if ('value' in judged) return [judged.value];
    throw topError(`--url ${judged.problem}`); // resolveConfig() has judged it
  }
  const targets = config.web.listenAddress
    .filter((target) => 'path' in target || target.port !== 0)
    .map((target) => targetOfListener(target, isTls));
  if (targets.length > 0) return targets;
  throw topError('the configuration lets the exporter listen on any free port: say which with --url');
}

/** As its web configuration file says; one that cannot be read here is none. */
async function speaksTls({ web }: Config): Promise<boolean> {
  if (web.configFile === '') return false;
  const { result } = await readWebFile(web.configFile);
  return 'tls' in result && result.tls !== undefined;
}

function clientOptions(target: TopTarget, top: TopConfig): Parameters<typeof createApiClient>[0] {
  const { login } = target;
  const user = top.user === '' ? login.user : top.user;
  const password =
    top.passwordFile === ''
      ? login.password
      : readSecret('--password-file', top.passwordFile).toString().trim();
  const cert = top.certFile === '' ? undefined : readSecret('--cert-file', top.certFile);
  return {
    url: target.url,
    socketPath: target.socketPath,
    shown: target.shown,
    authorization:
      user === '' && password === ''
        ? undefined
        : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
    tls: {
      isUnchecked: top.insecure,
      ...(top.caFile === '' ? {} : { ca: readSecret('--ca-file', top.caFile) }),
      ...(cert === undefined ? {} : { cert, key: cert }),
    },
    timeoutMs: ANSWER_LIMIT_MS,
    answerMaxBytes: ANSWER_MAX_BYTES,
  };
}

function readSecret(flag: string, path: string): Buffer {
  try {
    return Buffer.from(readFileStart(path, { mostBytes: SECRET_FILE_MAX_BYTES }));
  } catch (error) {
    throw topError(`${flag}: ${path} cannot be read: ${describeReadFailure(error)}`);
  }
}

async function firstThatAnswers(clients: readonly ApiClient[], top: TopConfig): Promise<ApiClient> {
  const sentences: string[] = [];
  let isThere = false;
  for (const client of clients) {
    const answer = await client.ask('overview');
    if (answer.kind === 'json') return client;
    sentences.push(answer.sentence);
    isThere ||= answer.kind === 'refused';
    client.close();
  }
  const start = '; start an exporter there (systemctl start xtrace-catch, or xtrace-catch -i eth0)';
  const others =
    top.url === undefined ? ', name another with --url, or take --attach to start one for this' : '';
  throw topError(sentences.join('; ') + (isThere ? '' : start + others));
}

/** undefined: it was to end before. */
async function onceStarted(
  [client]: readonly ApiClient[],
  own: AttachedExporter,
  end: AbortSignal,
): Promise<ApiClient | undefined> {
  const startedMs = performance.now();
  while (client !== undefined && !end.aborted) {
    const answer = await client.ask('overview');
    if (answer.kind === 'json' && readOverview(answer.value).refresh > 0) return client;
    const why = own.ended();
    if (why !== undefined) throw topError(`the exporter that it started has ended: ${why}`);
    if (performance.now() - startedMs > START_LIMIT_MS) {
      throw topError(`the exporter that it started does not answer within ${START_LIMIT_MS / 1000} s`);
    }
    await sleep(START_PAUSE_MS);
  }
  client?.close();
  return undefined;
}

async function printSnapshot(
  top: TopConfig,
  { client, process, print, end }: TopRunParts & { readonly client: ApiClient; readonly end: AbortSignal },
): Promise<void> {
  const first = await client.ask('overview');
  if (first.kind !== 'json') throw topError(first.sentence);
  const { intervalMs } = readOverview(first.value);
  const snapshot = await takeTopSnapshot(
    {
      query: top.interfaceName === undefined ? {} : { interface: top.interfaceName },
      limitMs: Math.min(SNAPSHOT_LIMIT_MS, 2 * intervalMs + SNAPSHOT_SPARE_MS),
    },
    {
      client,
      nowMs: systemClock().nowMs,
      // Rejects when it is to end: nothing is printed then.
      sleep: (ms) => sleep(ms, undefined, { signal: end }),
    },
  ).catch((error: unknown) => {
    if (end.aborted) return undefined;
    throw error;
  });
  if (snapshot === undefined) return;
  if ('kind' in snapshot) throw topError(snapshot.sentence);
  if (top.json) print(renderSnapshotJson(snapshot));
  else {
    const width = process.stdout.isTTY ? process.stdout.columns : WIDTH_WITHOUT_TERMINAL;
    print(renderOnce(snapshot, { width }, { symbols: symbolsOf(process.env), clockText }));
  }
}

/** locale(7): the first that is set decides. */
function symbolsOf(env: NodeJS.ProcessEnv): Symbols {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return /utf-?8/i.test(locale) ? UTF8_SYMBOLS : ASCII_SYMBOLS;
}

function clockText(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
