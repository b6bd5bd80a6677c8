// SPDX-License-Identifier: Apache-2.0
// From the command line to the first answer, and what an exporter takes that has nothing to do: bin/xtrace-catch in a
// namespace of its own, on a veth without traffic. Where BENCH_BEFORE names another built tree, both take turns.
//
// Moves the calling thread to that namespace: nothing that needs the machine's own can come after.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM } from '../test/support/exporter/exporter.js';
import { createWire } from '../test/support/kernel/wire.js';
import { readMemoryMiB } from '../test/support/process-state.js';
import { median } from './median.js';

export interface StartRow {
  readonly what: string;
  readonly tree: 'now' | 'before';
  readonly runs: number;
  /** Medians. Of CPU: of all threads, of the process and of the shell that starts it. */
  readonly wallMs?: number;
  readonly cpuMs: number;
  readonly residentMiB?: number;
  /** Of it the slots and other maps that the kernel shares with the process. */
  readonly mapsMiB?: number;
}

interface Run {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly residentMiB?: number;
  readonly mapsMiB?: number;
}

interface Tree {
  readonly name: StartRow['tree'];
  readonly program: string;
}

const LIMIT_MS = 180_000;
const PAUSE_MS = 2;
/** As long as V8 takes to give back what the start has left. */
const SETTLE_MS = 30_000;
const INTERVAL_MS = 5000;
const INTERVALS = 6;

/** Needs root. */
export async function benchStart(runs: number): Promise<StartRow[]> {
  const wire = createWire('st');
  try {
    const before = process.env['BENCH_BEFORE'];
    const trees: Tree[] = [
      { name: 'now', program: PROGRAM },
      ...(before === undefined
        ? []
        : [{ name: 'before' as const, program: path.join(before, 'bin/xtrace-catch') }]),
    ];
    const device = wire.sinkDevice();
    return [
      ...(await inTurns('--version', trees, runs, (tree) => runOnce(tree, ['--version']))),
      ...(await inTurns('--help', trees, runs, (tree) => runOnce(tree, ['--help']))),
      ...(await inTurns('start to ready', trees, runs, (tree) => startOnce(tree, device))),
      ...(await inTurns('an idle interval', trees, 1, (tree) => idleOnce(tree, device))),
    ];
  } finally {
    wire.dispose();
  }
}

async function inTurns(
  what: string,
  trees: readonly Tree[],
  runs: number,
  once: (tree: Tree) => Promise<Run>,
): Promise<StartRow[]> {
  const measured = trees.map(() => [] as Run[]);
  for (let run = 0; run < runs; run++) {
    for (const [index, tree] of trees.entries()) measured[index]?.push(await once(tree));
  }
  return trees.map(({ name }, index) => {
    const of = measured[index] ?? [];
    const medianOf = (field: keyof Run): number => median(of.map((run) => run[field] ?? Number.NaN));
    const hasMemory = of[0]?.residentMiB !== undefined;
    return {
      what,
      tree: name,
      runs,
      wallMs: medianOf('wallMs'),
      cpuMs: medianOf('cpuMs'),
      ...(hasMemory ? { residentMiB: medianOf('residentMiB'), mapsMiB: medianOf('mapsMiB') } : {}),
    };
  });
}

async function runOnce({ program }: Tree, args: readonly string[]): Promise<Run> {
  const cpuBefore = childrenCpuMs();
  const startedMs = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  await new Promise((resolve) => child.on('close', resolve));
  return { wallMs: performance.now() - startedMs, cpuMs: childrenCpuMs() - cpuBefore };
}

async function startOnce(tree: Tree, device: string): Promise<Run> {
  const startedMs = performance.now();
  return await withReady(tree, device, async (pid) => ({
    wallMs: performance.now() - startedMs,
    ...stateOf(pid),
  }));
}

async function idleOnce(tree: Tree, device: string): Promise<Run> {
  return await withReady(tree, device, async (pid) => {
    await sleep(SETTLE_MS);
    const before = stateOf(pid).cpuMs;
    await sleep(INTERVALS * INTERVAL_MS);
    const { cpuMs, ...memory } = stateOf(pid);
    return { wallMs: INTERVAL_MS, cpuMs: (cpuMs - before) / INTERVALS, ...memory };
  });
}

async function withReady(
  { program }: Tree,
  device: string,
  measure: (pid: number) => Promise<Run>,
): Promise<Run> {
  const socketPath = path.join(tmpdir(), `xtrace-bench-${process.pid}.sock`);
  const child = spawn(
    program,
    ['-i', device, '--no-print', `--web.listen-address=unix:${socketPath}`, `--interval=${INTERVAL_MS}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise((resolve) => child.on('close', resolve));
  try {
    const untilMs = performance.now() + LIMIT_MS;
    while (!(await isReady(socketPath))) {
      if (child.exitCode !== null || performance.now() > untilMs) throw new Error(`${program} is not ready`);
      await sleep(PAUSE_MS);
    }
    return await measure(child.pid ?? 0);
  } finally {
    child.kill('SIGTERM');
    await ended;
    rmSync(socketPath, { force: true });
  }
}

function isReady(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    request({ socketPath, path: '/-/ready', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .end();
  });
}

/** CPU of all its threads so far, from the scheduler's own books, and its memory. */
function stateOf(pid: number): Omit<Run, 'wallMs'> {
  const cpuMs = readdirSync(`/proc/${pid}/task`)
    .map(
      (thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6,
    )
    .reduce((sum, ms) => sum + ms, 0);
  const mapsKiB = [
    ...readFileSync(`/proc/${pid}/smaps`, 'utf8').matchAll(
      / anon_inode:bpf-map\nSize:.*\n(?:.*\n)*?Rss: +(\d+) kB/g,
    ),
  ]
    .map(([, kib]) => Number(kib))
    .reduce((sum, kib) => sum + kib, 0);
  return { cpuMs, residentMiB: readMemoryMiB(pid, 'VmRSS'), mapsMiB: mapsKiB / 1024 };
}

/** Of children that have ended, by clock ticks of 10 ms. */
function childrenCpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
