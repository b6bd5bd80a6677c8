// SPDX-License-Identifier: Apache-2.0
// Whatever stderr is, and whatever user owns it: a child writes 600 KB to it while nobody reads, goes on, and when
// it is read again every line comes whole.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { atEnd } from '../support/cleanup.js';
import { waitFor } from '../support/conditions.js';
import { isBlocking, openSmallPipe } from '../support/exporter/small-pipe.js';
import { openTerminal } from '../support/exporter/terminal.js';

const SCRIPT = join(import.meta.dirname, 'write-lines.js');
/** Far more than any buffer of the kernel keeps, and than may wait. */
const LINES = 6000;
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] as const;

interface Writer {
  readonly child: ChildProcess;
  /** Lines it has dropped when it had written all. */
  readonly dropped: number;
}

/** Resolves when it has written all, which must not wait for anyone. */
async function writeAll(
  t: TestContext,
  stderr: number | 'pipe',
  through: readonly string[] = [],
  stdin: number | 'ignore' = 'ignore',
): Promise<Writer> {
  const [command = '', ...args] = [...through, process.execPath, SCRIPT, String(LINES)];
  const child = spawn(command, args, { stdio: [stdin, 'pipe', stderr] });
  t.after(atEnd(() => child.kill('SIGKILL')));
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const said = await waitFor('all lines to be written', () => /^dropped (\d+)\n/.exec(stdout));
  return { child, dropped: Number(said[1]) };
}

/** Lets it end, and reads all the while; resolves with its exit code and all that came. */
async function readToTheEnd({ child }: Writer, read: () => string) {
  let text = '';
  child.kill('SIGUSR2');
  await waitFor(
    'the process to end',
    () => {
      text += read();
      return child.exitCode !== null || child.signalCode !== null;
    },
    { intervalMs: 1 },
  );
  for (let rest = read(); rest !== ''; rest = read()) text += rest;
  return { code: child.exitCode, text };
}

/**
 * Every line is whole and in order, and where some are missing one line says how many. Returns in how many
 * places: more than one where some more is taken without a reader, as by a terminal, or by Node from a socket.
 */
function assertWhole(text: string, dropped: number): number {
  const lines = text.split('\n');
  assert.equal(lines.pop(), '', 'the text ends with a line feed');
  assert.equal(lines.pop(), 'the last line');
  let expected = 0;
  let missing = 0;
  let gaps = 0;
  for (const line of lines) {
    const gap = / level=warn msg="log lines were dropped here: [^"]*" lines=(\d+)$/.exec(line);
    if (gap === null) {
      assert.equal(line, `${String(expected++).padStart(6, '0')} ${'x'.repeat(92)}`);
    } else {
      gaps++;
      missing += Number(gap[1]);
      expected += Number(gap[1]);
    }
  }
  assert.equal(expected, LINES);
  assert.equal(missing, dropped);
  return gaps;
}

/** Why another user cannot run the script; undefined where it can. */
function whyNotAsNobody(): string | undefined {
  const [command, ...args] = NOBODY;
  const { status } = spawnSync(command, [...args, process.execPath, '-e', '0', SCRIPT], { stdio: 'ignore' });
  const canRead = spawnSync(command, [...args, 'cat', SCRIPT], { stdio: 'ignore' }).status === 0;
  return status === 0 && canRead ? undefined : 'SKIPPED: this is not root, or others may not read the files';
}
const asNobody = { skip: whyNotAsNobody() ?? false };

for (const [who, through, options] of [
  ['of its own user', [], {}],
  ['of another user', NOBODY, asNobody],
] as const) {
  test(`a pipe ${who} that nobody reads`, options, async (t) => {
    const pipe = openSmallPipe();
    t.after(() => pipe.close());
    const writer = await writeAll(t, pipe.writeFd, through);
    assert.ok(writer.dropped > LINES / 2, `${writer.dropped} dropped`);
    const { code, text } = await readToTheEnd(writer, () => pipe.read());
    assert.equal(code, 7);
    assert.equal(assertWhole(text, writer.dropped), 1);
    assert.ok(isBlocking(pipe.writeFd), 'it is left as it was');
  });

  test(`a terminal ${who} that is stopped`, options, async (t) => {
    const terminal = openTerminal();
    t.after(() => terminal.close());
    const fd = openSync(terminal.path, 'r+');
    t.after(() => closeSync(fd));
    const writer = await writeAll(t, fd, ['setsid', '--ctty', ...through], fd);
    assert.ok(writer.dropped > LINES / 2, `${writer.dropped} dropped`);
    assert.ok(isBlocking(fd), 'the description is shared');
    const { code, text } = await readToTheEnd(writer, () => terminal.read());
    assert.equal(code, 7);
    assert.ok(assertWhole(text.replaceAll('\r\n', '\n'), writer.dropped) >= 1);
  });
}

test('a Unix socket that nobody reads, as the journal may be', async (t) => {
  const writer = await writeAll(t, 'pipe');
  const { stderr } = writer.child;
  assert.ok(stderr);
  assert.ok(writer.dropped > LINES / 4, `${writer.dropped} dropped`);
  let text = '';
  stderr.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const closed = new Promise((resolve) => stderr.on('close', resolve));
  const { code } = await readToTheEnd(writer, () => '');
  await closed;
  assert.equal(code, 7);
  assert.ok(assertWhole(text, writer.dropped) >= 1);
});

test('a file takes all, after what it holds', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'xtrace-stderr-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'log');
  const fd = openSync(path, 'a');
  t.after(() => closeSync(fd));
  const first = await writeAll(t, fd);
  await readToTheEnd(first, () => '');
  const second = await writeAll(t, fd);
  await readToTheEnd(second, () => '');
  const text = readFileSync(path, 'utf8');
  assert.equal(first.dropped + second.dropped, 0);
  for (const half of [text.slice(0, text.length / 2), text.slice(text.length / 2)]) {
    assert.equal(assertWhole(half, 0), 0);
  }
});

test('/dev/null takes all, and so does a stderr that is closed', async (t) => {
  const fd = openSync('/dev/null', 'w');
  t.after(() => closeSync(fd));
  for (const through of [[], ['sh', '-c', 'exec "$0" "$@" 2>&-']]) {
    const writer = await writeAll(t, fd, through);
    assert.equal(writer.dropped, 0);
    assert.equal((await readToTheEnd(writer, () => '')).code, 7);
  }
});
