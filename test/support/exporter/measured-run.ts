// SPDX-License-Identifier: Apache-2.0
// Runs the program to its end and tells what that cost. For tests only.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { PROGRAM } from './exporter.js';

export interface MeasuredRun {
  /** null where it was killed after 20 s. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Of its whole life; undefined where it did not come to its end. */
  readonly usage: RunUsage | undefined;
}

export interface RunUsage {
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
}

/** What the environment of whoever runs the tests must not decide. */
const NOT_OURS = /^(NETWORK_INTERFACE|VICTORIAMETRICS_|COLLECT_AGG|NODE_OPTIONS)/;

/** Loaded before the program; writes down what the run cost when it exits. */
const METER = `
  import { writeFileSync } from 'node:fs';
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage = {
      cpuMs: (userCPUTime + systemCPUTime) / 1000,
      peakMemoryBytes: maxRSS * 1024,
    };
    writeFileSync(process.env.XTRACE_TEST_USAGE, JSON.stringify(usage));
  });`;

export interface MeasuredRunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A command before the program: `sh -c SCRIPT` gets it as "$0" "$@". */
  readonly through?: readonly string[];
  readonly input?: string;
}

export function measuredRun(args: readonly string[], options: MeasuredRunOptions = {}): MeasuredRun {
  const { env = {}, through = [], input = '' } = options;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-run-'));
  try {
    const usageFile = path.join(folder, 'usage');
    const [command = PROGRAM, ...rest] = [...through, PROGRAM, ...args];
    const { status, stdout, stderr } = spawnSync(command, rest, {
      encoding: 'utf8',
      timeout: 20_000,
      killSignal: 'SIGKILL',
      maxBuffer: 64 << 20,
      input,
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_OURS.test(name))),
        NODE: process.execPath,
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(METER)}`,
        XTRACE_TEST_USAGE: usageFile,
        ...env,
      },
    });
    return { status, stdout, stderr, usage: readUsage(usageFile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readUsage(file: string): RunUsage | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RunUsage;
  } catch {
    return undefined; // it was killed
  }
}
