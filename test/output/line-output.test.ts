// SPDX-License-Identifier: Apache-2.0
// Lines into real pipes of 4 KiB that are read when the test says so.

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { LineOutput } from '../../src/output/line-output.js';
import { reopenWithoutWaiting } from '../../src/output/open-output.js';
import { waitFor } from '../support/conditions.js';
import { openSmallPipe, SMALL_PIPE_BYTES } from '../support/exporter/small-pipe.js';

const LINE = `${'x'.repeat(92)}\n`;
/** 100 bytes with its number. */
const numbered = (number: number): string => `${String(number).padStart(6, '0')} ${LINE}`;
const MAX_WAITING_BYTES = 10_000;

function site(t: TestContext, maxWaitingBytes = MAX_WAITING_BYTES) {
  const pipe = openSmallPipe();
  const fd = reopenWithoutWaiting(pipe.writeFd);
  assert.ok(fd !== undefined);
  const lines = new LineOutput({ maxWaitingBytes }, { fd, renderGap: (count) => `gap ${count}\n` });
  // What waits is given up before the next test has a pipe under the same number.
  t.after(() => {
    pipe.hangUp();
    lines.flush(0);
    closeSync(fd);
    pipe.close();
  });
  return { pipe, lines };
}

/** Reads until the lines of the output wait no more. */
async function readAll(pipe: { read(): string }, end: string): Promise<string> {
  let text = '';
  await waitFor(`"${end.slice(0, 20)}" to come out`, () => {
    text += pipe.read();
    return text.endsWith(end);
  });
  return text;
}

test('a line is out when write() returns', (t) => {
  const { pipe, lines } = site(t);
  lines.write('one\n');
  assert.equal(pipe.read(), 'one\n');
  lines.write('two\n');
  lines.write('three\n');
  assert.equal(pipe.read(), 'two\nthree\n');
  assert.equal(lines.droppedLines, 0);
});

test('what the reader does not take waits, and comes out whole and in order when it reads again', async (t) => {
  const { pipe, lines } = site(t);
  const text = Array.from({ length: 120 }, (_, i) => numbered(i));
  for (const line of text) lines.write(line);
  const seen = await readAll(pipe, numbered(119));
  assert.equal(seen, text.join(''));
  assert.equal(lines.droppedLines, 0);
});

test('beyond the bound the oldest are dropped, and one line says how many, where they are missing', async (t) => {
  const { pipe, lines } = site(t);
  const total = 5000;
  for (let i = 0; i < total; i++) lines.write(numbered(i)); // which would never return if it waited
  const inPipe = Math.floor(SMALL_PIPE_BYTES / 100);
  const kept = MAX_WAITING_BYTES / 100;
  assert.equal(lines.droppedLines, total - inPipe - kept);
  const seen = await readAll(pipe, numbered(total - 1));
  const expected = [
    ...Array.from({ length: inPipe }, (_, i) => numbered(i)),
    `gap ${lines.droppedLines}\n`,
    ...Array.from({ length: kept }, (_, i) => numbered(total - kept + i)),
  ];
  assert.equal(seen, expected.join(''));
  // Said once: what comes later is as before.
  lines.write('later\n');
  assert.equal(pipe.read(), 'later\n');
});

test('a line that has gone out in part is finished, whatever was dropped meanwhile', async (t) => {
  const { pipe, lines } = site(t);
  const long = `${'y'.repeat(3 * SMALL_PIPE_BYTES)}\n`;
  lines.write(long);
  for (let i = 0; i < 500; i++) lines.write(numbered(i));
  const seen = await readAll(pipe, numbered(499));
  assert.ok(seen.startsWith(`${long}gap ${lines.droppedLines}\n`), seen.slice(long.length, long.length + 50));
  assert.equal(seen.split('\n').length, 1 + 1 + 100 + 1);
});

test('a line larger than the bound that cannot go out at once is dropped, and counted', async (t) => {
  const { pipe, lines } = site(t);
  pipe.fill();
  lines.write('z'.repeat(MAX_WAITING_BYTES + 1));
  assert.equal(lines.droppedLines, 1);
  const seen = await readAll(pipe, 'gap 1\n');
  assert.doesNotMatch(seen, /z/);
});

test('flush() waits for a reader, and for none longer than its limit', (t) => {
  const { pipe, lines } = site(t);
  pipe.fill();
  lines.write('last words\n');
  const startMs = performance.now();
  lines.flush(100);
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs >= 100 && tookMs < 5000, `${tookMs} ms`);
  assert.match(pipe.read(), /^[#\n]*$/);
  lines.flush(60_000);
  assert.equal(pipe.read(), 'last words\n');
});

test('what cannot be written at all is dropped and counted', (t) => {
  const fd = openSync('/dev/full', 'w');
  t.after(() => closeSync(fd));
  const lines = new LineOutput({ maxWaitingBytes: 1000 }, { fd, renderGap: (count) => `gap ${count}\n` });
  for (let i = 0; i < 50; i++) lines.write(numbered(i));
  lines.flush(60_000);
  assert.equal(lines.droppedLines, 50);
});

test('a reader that goes away costs its lines; the next one reads how many', (t) => {
  const { pipe, lines } = site(t);
  lines.write('one\n');
  assert.equal(pipe.read(), 'one\n');
  pipe.hangUp();
  lines.write('two\n');
  lines.write('three\n');
  assert.equal(lines.droppedLines, 2);
  pipe.takeUp();
  lines.write('four\n');
  assert.equal(pipe.read(), 'gap 2\nfour\n');
  assert.equal(lines.droppedLines, 2);
});
