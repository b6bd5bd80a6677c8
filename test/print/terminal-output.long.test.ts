// SPDX-License-Identifier: Apache-2.0
// A real terminal (a pty made with Python, for Node has none) whose reader does not read: what a
// person does with Ctrl-S.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { openFlowOutput } from '../../src/print/terminal-output.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');

test('what is no terminal is used as it is', () => {
  const pipe = new Writable();
  assert.equal(openFlowOutput(pipe), pipe);
});

test('a terminal that cannot be opened anew is used as it is', () => {
  const stdout = Object.assign(new Writable(), { isTTY: true, fd: 999_999 });
  assert.equal(openFlowOutput(stdout), stdout);
});

/** Runs the program with a terminal as stdout, which is read only after its turns; prints what it read. */
const IN_A_TERMINAL = `
import os, pty, subprocess, sys, tty
master, slave = pty.openpty()
tty.setraw(slave)
program = subprocess.Popen(sys.argv[1:], stdout=slave, stderr=subprocess.PIPE)
os.close(slave)
told = program.stderr.readline()
text = b""
try:
    while True:
        part = os.read(master, 65536)
        if not part: break
        text += part
except OSError:
    pass
print(told.decode().strip(), program.wait(60), len(text), text.decode().split("\\n")[-2][:10])
`;

const PROGRAM = `
import { openFlowOutput } from './dist/src/print/terminal-output.js';
const out = openFlowOutput(process.stdout);
const line = 'x'.repeat(999) + '\\n';
let told = out.write(line.repeat(1000)); // far more than a terminal holds
out.write('the end\\n');
let turns = 0;
const timer = setInterval(() => {
  if (++turns < 20) return;
  clearInterval(timer);
  process.stderr.write(out === process.stdout ? 'blocking\\n' : 'turns\\n');
  const wait = setInterval(() => { if (out.writableLength === 0) process.exit(7); }, 5);
  if (process.argv.includes('leave')) process.exit(8);
}, 1);
`;

const python = spawnSync('python3', ['--version']);
const skip = python.status === 0 ? false : 'SKIPPED: there is no python3 to make a terminal with';

const run = (...argv: string[]) =>
  spawnSync(
    'python3',
    ['-c', IN_A_TERMINAL, process.execPath, '--input-type=module', '-e', PROGRAM, 'program', ...argv],
    { cwd: ROOT, encoding: 'utf8', timeout: 60_000 },
  );

test('a terminal that is not read holds up neither the event loop nor any text', { skip }, () => {
  const { stdout, stderr } = run();
  // Its 20 turns went by before the first byte was read; then all bytes came, in order.
  assert.equal(stdout, 'turns 7 1000008 the end\n', stderr);
});

test('nor the end of the process', { skip }, () => {
  const { stdout, stderr } = run('leave');
  assert.match(stdout, /^turns 8 \d+ x/, stderr);
});
