// SPDX-License-Identifier: Apache-2.0
// What our programs ask of the kernel's verifier, which takes at most a million instructions.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildRunner } from './build-native.js';

const OBJECTS = ['flow.bpf.o', 'flow-portable.bpf.o'].map((name) =>
  fileURLToPath(new URL(`../bpf/${name}`, import.meta.url)),
);
const ROUNDS = 5;
/** As the exporter has them by default. */
const SLOTS_PER_CPU = 131_072;

export interface VerifierRow {
  readonly object: string;
  readonly program: string;
  /** What the kernel made of it: after constants and what they make unreachable. */
  readonly instructions: number;
  /** Those that the verifier went through, on all ways; 0 before Linux 5.16. */
  readonly verifiedInstructions: number;
  /** Machine code. */
  readonly jitedBytes: number;
  /** By the verifier's own clock; other processes may be in it. Least of the rounds. */
  readonly verificationMs: number;
  /** CPU time to load the object with this program alone: maps, relocations, verifier, compiler. Least of the rounds. */
  readonly loadMs: number;
}

/** One load, as verifier.c prints it. */
interface Load extends Omit<VerifierRow, 'verificationMs'> {
  readonly verificationUs: number;
}

/** Needs root, a C compiler, libbpf-dev and the built objects. */
export function benchVerifier(): VerifierRow[] {
  const runner = buildRunner('verifier', 'subject.c', 'counts.c');
  const output = execFileSync(runner, [String(ROUNDS), String(SLOTS_PER_CPU), ...OBJECTS], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const loads = JSON.parse(output) as Load[];
  return loads
    .slice(0, loads.length / ROUNDS)
    .map((first) => summarize(loads.filter((load) => isSameProgram(load, first))));
}

function isSameProgram(a: Load, b: Load): boolean {
  return a.object === b.object && a.program === b.program;
}

/** The verifier goes the same ways each time; only times differ, and others on the machine only add to them. */
function summarize(loads: readonly Load[]): VerifierRow {
  const [first] = loads;
  if (first === undefined) throw new Error('no program was loaded');
  return {
    object: path.basename(first.object),
    program: first.program,
    instructions: first.instructions,
    verifiedInstructions: first.verifiedInstructions,
    jitedBytes: first.jitedBytes,
    verificationMs: Math.min(...loads.map(({ verificationUs }) => verificationUs / 1000)),
    loadMs: Math.min(...loads.map(({ loadMs }) => loadMs)),
  };
}
