// SPDX-License-Identifier: Apache-2.0
// From the command line to an exit code. Alone in seeing argv, the environment and signals. What only a
// running exporter needs is loaded for one alone: a wrong flag is refused in a third of the time.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ATTACHED_VARIABLE } from './compose/attached-variable.js';
import type { IgnoredSignals } from './compose/ignored-signals.js';
import { openStderr, type Stderr } from './compose/open-stderr.js';
import type { Config, DoctorConfig, EstimateConfig } from './config/config.js';
import { renderHelp } from './config/help.js';
import { type Resolution, type RunResolution, resolveConfig } from './config/resolve-config.js';
import { type BuildInfo, parseBuildInfo, renderVersion } from './config/version.js';
import { ConfigError, EXIT_CODE, ExporterError, KernelError } from './errors.js';
import { renderVisible, renderVisibleLines } from './print/visible-text.js';
import { readFileStart } from './system/file-start.js';

const NAME = 'xtrace-catch';
/** A stop that takes longer is cut short: the promise is five seconds. */
const STOP_LIMIT_MS = 4500;
/** What the reader of stderr has not taken by then is lost; within the same promise. */
const LAST_LINES_LIMIT_MS = 250;

/** Files of the build, beside dist/src/ as well as dist/program/. */
const BUILD_INFO = fileURLToPath(new URL('../build-info.json', import.meta.url));
const BPF_OBJECT = fileURLToPath(new URL('../bpf/flow.bpf.o', import.meta.url));
const PORTABLE_OBJECT = fileURLToPath(new URL('../bpf/flow-portable.bpf.o', import.meta.url));
const PAGE_FOLDER = fileURLToPath(new URL('../page', import.meta.url));
const PACKAGE_JSON = fileURLToPath(new URL('../../package.json', import.meta.url));

/** What a command has besides its configuration. */
interface Host {
  readonly process: NodeJS.Process;
  readonly stderr: Stderr;
  readonly signals: IgnoredSignals;
  /** Of the configuration file. */
  readonly fileContents: Uint8Array | undefined;
}

/** Never rejects; sets the exit code. */
export async function main(process: NodeJS.Process, signals: IgnoredSignals): Promise<void> {
  const stderr = openStderr(process);
  // At an exit of any kind: the last lines say why it ends.
  process.on('exit', () => stderr.lines.flush(LAST_LINES_LIMIT_MS));
  try {
    let fileContents: Uint8Array | undefined;
    const resolution = resolveConfig({
      argv: process.argv.slice(2),
      env: process.env,
      readFile(path, mostBytes) {
        fileContents = readFileStart(path, { mostBytes });
        return fileContents;
      },
    });
    if (resolution.action !== 'run') signals.release();
    await runAction({ process, stderr, signals, fileContents }, resolution);
  } catch (error) {
    stderr.lines.write(explain(error));
    process.exitCode = error instanceof ExporterError ? error.exitCode : EXIT_CODE.failure;
  }
}

async function runAction(host: Host, resolution: Resolution): Promise<void> {
  const { process } = host;
  switch (resolution.action) {
    case 'help':
      printAnswer(host, renderHelp(resolution.topic));
      return;
    case 'version':
      printAnswer(host, renderVersion(readBuildInfo(), { ...process, nodeVersion: process.version }));
      return;
    case 'list':
      printAnswer(
        host,
        (await import('./compose/interface-table.js')).renderInterfaceTable(resolution.interfaces),
      );
      return;
    case 'check':
      await (await import('./compose/connect-networks.js')).loadNetworksOnce(resolution.config);
      await (await import('./compose/connect-listeners.js')).checkWebFile(resolution.config);
      printAnswer(
        host,
        `${resolution.configFile ?? 'the configuration'} is valid\n` +
          (await import('./compose/interface-meanings.js')).describeInterfaces(resolution.config),
      );
      return;
    case 'doctor':
      await printDoctor(host, resolution);
      return;
    case 'estimate':
      await printEstimate(host, resolution);
      return;
    case 'top':
      await (await import('./compose/top.js')).runTop(resolution, {
        process,
        print: (text) => printAnswer(host, text),
      });
      return;
    case 'unpin':
      printAnswer(host, await (await import('./compose/unpin.js')).runUnpin(resolution.config));
      return;
    case 'run':
      await run(host, resolution);
      return;
    default:
      resolution satisfies never;
  }
}

/** To stdout, whose reader may have seen enough already (--help | head -1), or take its time. */
function printAnswer({ process, stderr }: Host, text: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    stderr.lines.write(`${NAME}: stdout cannot be written: ${error.message}\n`);
    process.exitCode = EXIT_CODE.failure;
  });
  process.stdout.write(renderVisibleLines(text));
}

async function printDoctor(
  host: Host,
  { config, doctor }: { readonly config: Config; readonly doctor: DoctorConfig },
): Promise<void> {
  const { process } = host;
  const { runDoctor } = await import('./compose/doctor.js');
  const { text, willWork } = await runDoctor({
    config,
    doctor,
    version: readBuildInfo().version,
    objectPath: BPF_OBJECT,
    portableObjectPath: PORTABLE_OBJECT,
  });
  process.exitCode = willWork ? 0 : EXIT_CODE.failure;
  printAnswer(host, text);
  // A reading of RDMA counters that still hangs in a driver must not keep us.
  await new Promise((written) => process.stdout.write('', written));
  process.exit();
}

async function printEstimate(
  host: Host,
  { config, estimate }: { readonly config: Config; readonly estimate: EstimateConfig },
): Promise<void> {
  const { process, stderr } = host;
  const watch = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Of the second one; the kernel detaches us, whatever happens.
      if (watch.signal.aborted) process.exit(EXIT_CODE.failure);
      watch.abort();
    });
  }
  const { runEstimate } = await import('./compose/estimate.js');
  const text = await runEstimate(
    {
      config,
      estimate,
      version: readBuildInfo().version,
      objectPath: BPF_OBJECT,
      portableObjectPath: PORTABLE_OBJECT,
    },
    {
      cutShort: watch.signal,
      onStart: (sentence) => stderr.lines.write(`${NAME}: ${renderVisible(sentence)}\n`),
    },
  );
  printAnswer(host, text);
}

async function run(
  { process, stderr, signals, fileContents }: Host,
  { config, configFile, reload }: RunResolution,
): Promise<void> {
  const { createLogger } = await import('./log.js');
  stderr.format = config.log.format;
  const logOptions = { ...config.log };
  const log = createLogger(logOptions, { destination: stderr.lines });
  // A rejection that nobody handles ends up here too. The kernel detaches us, whatever happens.
  process.on('uncaughtException', (error) => {
    log.debug({ stack: error.stack }, 'where it happened');
    stderr.lines.write(explain(error));
    process.exit(EXIT_CODE.failure);
  });
  // Node would write its warnings by a way of its own, which waits for the reader of stderr.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ err: warning }, 'Node warns'));
  signals.reportTo((sentence) => log.warn(sentence));
  const { createConfigSource } = await import('./compose/config-source.js');
  const { createExporter } = await import('./compose/exporter.js');
  const { connectSystemd } = await import('./compose/connect-systemd.js');
  const exporter = createExporter(
    {
      config,
      reload,
      build: readBuildInfo(),
      pageFolder: PAGE_FOLDER,
      objectPath: BPF_OBJECT,
      portableObjectPath: PORTABLE_OBJECT,
    },
    {
      log,
      stdout: process.stdout,
      systemd: connectSystemd(process, { log }),
      droppedLogLines: () => stderr.lines.droppedLines,
      source: createConfigSource({ argv: process.argv.slice(2), env: { ...process.env } }, configFile),
      fileContents,
      onConfigured(next) {
        Object.assign(logOptions, next.log);
        stderr.format = next.log.format;
      },
    },
  );
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, resolve);
    onParentsEnd(process, () => resolve('SIGTERM'));
  });
  try {
    await exporter.start();
    signals.onHangup(() => void exporter.reload('SIGHUP'));
    const signal = await stopped;
    log.info(`${signal}: stopping`);
    setTimeout(() => {
      log.error(`the stop took longer than ${STOP_LIMIT_MS} ms and is cut short`);
      process.exit(EXIT_CODE.failure);
    }, STOP_LIMIT_MS).unref();
    await exporter.stop();
  } catch (error) {
    if (error instanceof KernelError && error.detail !== '') log.debug({ detail: error.detail }, 'detail');
    throw error;
  }
  process.exit(0); // an interval or a socket that someone still holds must not keep us
}

/** An exporter that `top --attach` has started ends when that does, however it does. */
function onParentsEnd(process: NodeJS.Process, task: () => void): void {
  if (process.env[ATTACHED_VARIABLE] === undefined) return;
  if (!process.connected) {
    task();
    return;
  }
  process.once('disconnect', task);
  // Where the exporter cannot start, waiting for that must not keep us.
  process.channel?.unref();
}

function readBuildInfo(): BuildInfo {
  const buildInfo = existsSync(BUILD_INFO) ? readFileSync(BUILD_INFO, 'utf8') : undefined;
  return parseBuildInfo(readFileSync(PACKAGE_JSON, 'utf8'), buildInfo);
}

/** Whoever reads more of them reads none. */
const PROBLEMS_SHOWN = 50;

/** What a user reads: the sentence, one line per problem; the stack only of what we did not foresee. */
function explain(error: unknown): string {
  const lines = sentencesOf(error).map((sentence) => `${NAME}: ${renderVisible(sentence)}\n`);
  return lines.join('');
}

function sentencesOf(error: unknown): readonly string[] {
  if (error instanceof ConfigError) {
    const { problems } = error;
    const more = problems.length - PROBLEMS_SHOWN;
    return [
      ...problems.slice(0, PROBLEMS_SHOWN).map(({ path, message }) => `${path}: ${message}`),
      ...(more > 0 ? [`and ${more} more such problems`] : []),
      'see --help',
    ];
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ExporterError) return [message];
  if (error instanceof Error && 'code' in error && error.code === 'EMFILE') {
    return [`too many files are open here: raise the limit (ulimit -n): ${message}`];
  }
  return [`unexpected: ${message}; please report it (NODE_DEBUG and --log.level debug say more)`];
}
