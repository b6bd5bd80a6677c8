// SPDX-License-Identifier: Apache-2.0
// Boots a machine of test/vm/machines and runs test files in it; each test of theirs is one of ours. For tests only.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start } from '../support/processes.js';
import { failureText, parseTap } from './tap.js';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SCRIPTS = path.join(ROOT, 'test/vm');

export interface GuestRun {
  /** Folder of the unpacked kernel, see test/vm/fetch-kernel. */
  readonly kernel: string;
  /** Options of test/vm/run-guest. */
  readonly options?: readonly string[];
  /** The guest's Node, a path in there. */
  readonly node: string;
  /** NAME=value, for the tests. */
  readonly environment: readonly string[];
  /** Files of dist/test. */
  readonly tests: readonly string[];
  readonly limitS: number;
}

/** Runs a script of test/vm; the last line that it prints, or why there is none. */
export function prepare(
  script: string,
  ...args: readonly string[]
): { folder: string } | { missing: string } {
  const { status, stdout, stderr } = spawnSync(path.join(SCRIPTS, script), args, {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) return { missing: `${script} ${args.join(' ')}: ${stderr.trim()}` };
  return { folder: stdout.trim().split('\n').at(-1) ?? '' };
}

/** The first command that is not installed. */
export function missingCommand(commands: readonly string[]): string | undefined {
  const absent = commands.find((command) => spawnSync('which', [command]).status !== 0);
  return absent === undefined ? undefined : `there is no ${absent}`;
}

/** Skips a test that needs a virtual machine, with a loud line; fails it where the machine is required. */
export function skipWithoutGuest(t: TestContext, missing: string): void {
  assert.notEqual(process.env['XTRACE_REQUIRE_VM'], '1', `the guest is required here, but ${missing}`);
  process.stderr.write(`SKIPPED, needs a virtual machine (${missing}): ${t.name}\n`);
  t.skip(`SKIPPED: ${missing}`);
}

export async function runGuestTests(t: TestContext, run: GuestRun): Promise<void> {
  const files = run.tests.map((name) => `dist/test/${name}`);
  const runner = [run.node, '--test', '--test-reporter=tap', '--test-concurrency=2'];
  const guest = start(
    path.join(SCRIPTS, 'run-guest'),
    [...(run.options ?? []), run.kernel, 'env', ...run.environment, ...runner, ...files],
    { cwd: ROOT, env: { XTRACE_VM_LIMIT_S: String(run.limitS) } },
  );
  t.after(() => guest.stop('SIGKILL'));
  const { code } = await guest.exited;

  const { results, planned } = parseTap(guest.stdout);
  for (const result of results) {
    await t.test(result.name, (sub) => {
      for (const line of result.diagnostics) sub.diagnostic(line);
      if (result.skipped !== undefined) sub.skip(result.skipped);
      if (!result.ok) throw new Error(`in the guest:\n${failureText(result)}`);
    });
  }
  const tail = `\n${guest.stdout.slice(-4000)}\n${guest.stderr}`;
  assert.equal(results.length, planned, `the guest's tests did not come to their end${tail}`);
  assert.ok(results.length > files.length, `too few results${tail}`);
  if (results.every(({ ok }) => ok)) assert.equal(code, 0, `how the guest ended${tail}`);
}
