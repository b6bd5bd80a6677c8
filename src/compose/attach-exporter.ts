// SPDX-License-Identifier: Apache-2.0
// An exporter for `top --attach` alone: a child on a socket in a folder that only this user may enter. It has the
// configuration that was given, but listens nowhere else, and pushes, pins and keeps nothing: another exporter of
// this host may do that.

import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/config.js';
import { renderConfig } from '../config/render-config.js';
import { makeAttachedFolder, removeAttachedFolder } from './attached-folder.js';
import { ATTACHED_VARIABLE } from './attached-variable.js';

export interface AttachedExporter {
  readonly socketPath: string;
  /** Why it has ended, its own last words, a sentence each; undefined while it runs. */
  ended(): string | undefined;
  /** Ends it, and removes the folder. */
  stop(): Promise<void>;
}

/** As long as its own stop may take, and a little. */
const STOP_LIMIT_MS = 5500;
/** Of what it writes to stderr, the end. */
const WORDS_MAX_CHARS = 4096;
/** A flow that is gone should not stay for minutes on a screen that people look at. */
const INTERVAL_MS = 1000;

export interface AttachedExporterOptions {
  readonly config: Config;
  /** Otherwise it refreshes every second. */
  readonly hasInterval: boolean;
}

/** Starts it, and waits for nothing. */
export function attachExporter(
  { config, hasInterval }: AttachedExporterOptions,
  process: NodeJS.Process,
): AttachedExporter {
  const folder = makeAttachedFolder(tmpdir());
  const remove = (): void => removeAttachedFolder(folder);
  process.on('exit', remove);
  const socketPath = join(folder, 'exporter.sock');
  const file = join(folder, 'xtrace-catch.yaml');
  writeFileSync(file, renderConfig(attachedConfig(config, { socketPath, hasInterval }), leftOut(config)), {
    mode: 0o600,
  });
  const [, program = ''] = process.argv;
  const child = spawn(
    process.execPath,
    [...process.execArgv, program, `--config.file=${file}`, '--no-print'],
    {
      // A session of its own: Ctrl-C is for us alone, and we end it.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...withoutSettings(process.env), [ATTACHED_VARIABLE]: '1' },
    },
  );
  let words = '';
  let isEnded = false;
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-WORDS_MAX_CHARS);
  });
  child.on('error', (error) => {
    words += error.message;
    isEnded = true;
  });
  // With its last words read.
  child.on('close', () => {
    isEnded = true;
  });
  return {
    socketPath,
    ended: () => (isEnded ? lastSentence(words) : undefined),
    async stop() {
      if (!isEnded) await stopChild(child);
      process.off('exit', remove);
      remove();
    },
  };
}

function attachedConfig(
  config: Config,
  { socketPath, hasInterval }: { readonly socketPath: string; readonly hasInterval: boolean },
): Config {
  return {
    ...config,
    intervalMs: hasInterval ? config.intervalMs : INTERVAL_MS,
    web: {
      ...config.web,
      listenAddress: [{ path: socketPath }],
      systemdSocket: false,
      configFile: '',
      ui: true,
    },
    kernel: { ...config.kernel, pinPath: '' },
  };
}

/** Where nobody named an interface, the exporter is to choose one. */
function leftOut({ interfacesGiven }: Config): string[] {
  return ['push', 'state_path', ...(interfacesGiven ? [] : ['interfaces'])];
}

/** The file has all that they gave. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NETWORK_INTERFACE: _interface, COLLECT_AGG: _label, ...rest } = env;
  return Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith('VICTORIAMETRICS_')));
}

/** What it said of its end, not of its start. */
function lastSentence(words: string): string {
  const lines = words.split('\n').filter((line) => line !== '');
  const own = lines.filter((line) => line.startsWith('xtrace-catch: '));
  return (own.at(-1) ?? lines.at(-1) ?? 'it said nothing').replace(/^xtrace-catch: /, '');
}

function stopChild(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    child.on('close', () => {
      clearTimeout(kill);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
