// SPDX-License-Identifier: Apache-2.0
// Compiles the benches' own C: runners and the programs that ours is compared with.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OUT = path.join(ROOT, 'dist/bench');
const WARNINGS = ['-Wall', '-Wextra', '-Werror'];
const INCLUDES = ['-Ibpf', '-Ibench'];

/** Builds bench/<name>.c, with further sources of bench/, against libbpf; returns the binary's path. */
export function buildRunner(name: string, ...furtherSources: readonly string[]): string {
  const sources = [`${name}.c`, ...furtherSources].map((source) => `bench/${source}`);
  const runner = path.join(OUT, name);
  compile(['-O2', ...WARNINGS, ...INCLUDES, ...sources, '-o', runner, '-lbpf']);
  return runner;
}

/** Builds bench/<name>.bpf.c with the flags of the Makefile: what is compared is built alike. */
export function buildProgram(name: string): string {
  const machine = execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim();
  const object = path.join(OUT, `${name}.bpf.o`);
  const flags = [
    '-O2',
    '-g',
    '-mcpu=v3',
    '-Wpadded',
    '-target',
    'bpf',
    `-I/usr/include/${machine}-linux-gnu`,
  ];
  compile([...flags, ...WARNINGS, ...INCLUDES, '-c', `bench/${name}.bpf.c`, '-o', object]);
  return object;
}

function compile(args: readonly string[]): void {
  mkdirSync(OUT, { recursive: true });
  execFileSync('clang', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
}
