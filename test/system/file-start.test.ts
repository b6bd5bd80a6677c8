// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { readFileStart } from '../../src/system/file-start.js';
import { start } from '../support/processes.js';

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-file-start-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

function fifo(name: string): string {
  const file = path.join(folder, name);
  execFileSync('mkfifo', [file]);
  return file;
}

test('the beginning of a file, and no more', () => {
  const file = path.join(folder, 'file');
  writeFileSync(file, 'abcdef');
  assert.equal(readFileStart(file, { mostBytes: 4 }).toString(), 'abcd');
  assert.equal(readFileStart(file, { mostBytes: 100 }).toString(), 'abcdef');
  assert.equal(readFileStart('/dev/zero', { mostBytes: 70_000 }).length, 70_000);
  assert.equal(readFileStart('/dev/null', { mostBytes: 4 }).length, 0);
});

test('a pipe is read to its end, however many pieces it comes in', async () => {
  const file = fifo('pieces');
  // The writer has it open before we read, and until its end.
  const writer = start('sh', [
    '-c',
    'exec 3<>"$0"; echo ready; printf ab >&3; sleep 0.2; printf cd >&3',
    file,
  ]);
  try {
    await writer.waitFor('the writer', () => writer.stdout.includes('ready'));
    assert.equal(readFileStart(file, { mostBytes: 100 }).toString(), 'abcd');
  } finally {
    await writer.stop('SIGKILL');
  }
});

test('a pipe that somebody holds open and never ends is given up', async () => {
  const file = fifo('endless');
  const writer = start('sh', ['-c', 'exec 3<>"$0"; echo ready; printf ab >&3; exec sleep 20', file]);
  try {
    await writer.waitFor('the writer', () => writer.stdout.includes('ready'));
    assert.throws(() => readFileStart(file, { mostBytes: 100, endWaitMs: 200 }), {
      message: 'nobody ended it within 0.2 s',
    });
  } finally {
    await writer.stop('SIGKILL');
  }
});

test('a FIFO nobody writes to is given up within a second', () => {
  const file = fifo('silent');
  // What else runs on the machine may hold up a reading, but hardly three in a row.
  const tookMs = [1, 2, 3].map(() => {
    const startedMs = performance.now();
    const message = 'it is a FIFO that nobody writes to';
    assert.throws(() => readFileStart(file, { mostBytes: 4 }), { message });
    return performance.now() - startedMs;
  });
  assert.ok(Math.min(...tookMs) < 1000, `${tookMs} ms`);
});
