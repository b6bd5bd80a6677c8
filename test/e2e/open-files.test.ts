// SPDX-License-Identifier: Apache-2.0
// A limit of open files that is too low for Node to load the program: a sentence, no stack. At the least
// one that is allowed it runs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { PROGRAM, startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const LEAST = 128;
const STACK = /^\s+at |^Error:|^node:/m;

function withLimit(files: number, command: string): { status: number | null; stderr: string } {
  const script = `ulimit -n ${files}; exec ${command}`;
  const env = { ...process.env, NODE: process.execPath };
  return spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 20_000, env });
}

test('too few open files: one sentence that names both numbers, exit code 1', () => {
  for (const files of [15, 20, 30, 60, 100, LEAST - 1]) {
    for (const args of ['-i lo', '--config.check', '--version']) {
      const { status, stderr } = withLimit(files, `${PROGRAM} ${args}`);
      assert.equal(status, 1, stderr);
      assert.match(
        stderr,
        new RegExp(
          `^xtrace-catch: at most ${files} files may be open here, and it needs ${LEAST}: raise [^\\n]+\\n$`,
        ),
      );
    }
  }
});

test('so few that the shell cannot run: its sentence, and no stack', () => {
  const { status, stderr } = withLimit(8, `${PROGRAM} --version`);
  assert.notEqual(status, 0);
  assert.doesNotMatch(stderr, STACK);
});

test('a program that cannot be loaded: a sentence, no stack, exit code 1', () => {
  const folder = temporaryFolder('xtrace-torn-');
  const built = path.resolve(path.dirname(PROGRAM), '../dist/src');
  mkdirSync(path.join(folder, 'compose'));
  for (const file of ['cli.js', 'compose/ignored-signals.js']) {
    copyFileSync(path.join(built, file), path.join(folder, file));
  }
  writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  const { status, stderr } = withLimit(1024, `${process.execPath} ${path.join(folder, 'cli.js')} --version`);
  assert.equal(status, 1, stderr);
  assert.match(stderr, /^xtrace-catch: the program cannot be loaded: [^\n]*main\.js[^\n]*\n$/);
});

kernelTest('at the least number it runs, attaches and answers', async (t) => {
  const site = createSite(t, 'of');
  site.addVeth('va');
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '200'],
    through: ['prlimit', `--nofile=${LEAST}`],
  });
  t.after(() => exporter.stop('SIGKILL'));
  const limits = readFileSync(`/proc/${exporter.child.pid}/limits`, 'utf8');
  assert.match(limits, new RegExp(`^Max open files +${LEAST} +${LEAST} `, 'm'));
  assert.equal((await exporter.scrape()).value('xtrace_interface_attached', { interface: 'va' }), 1);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});
