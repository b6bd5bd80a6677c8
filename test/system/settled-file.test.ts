// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSettledFile } from '../../src/system/settled-file.js';

const OPTIONS = { mostBytes: 100, settleMs: 5 };

test('a file is read once it stays as it is; anything else is said, and nothing is waited for', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'xtrace-settled-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'a');
  writeFileSync(file, 'abc');
  symlinkSync(file, join(folder, 'link'));
  assert.equal(String(await readSettledFile(join(folder, 'link'), OPTIONS)), 'abc');
  writeFileSync(file, 'x'.repeat(1000));
  assert.equal((await readSettledFile(file, OPTIONS)).length, 100);

  const changing = readSettledFile(file, OPTIONS);
  truncateSync(file, 3);
  assert.equal(String(await changing), 'xxx', 'it was read again');

  await assert.rejects(readSettledFile(join(folder, 'none'), OPTIONS), /^Error: there is no such file$/);
  await assert.rejects(readSettledFile(folder, OPTIONS), /^Error: it is a directory/);
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  await assert.rejects(
    readSettledFile(fifo, OPTIONS),
    /^Error: it is a FIFO, and only a file can be read again$/,
  );

  let isWriting = true;
  const writer = (async () => {
    for (let n = 0; isWriting; n++) {
      writeFileSync(file, 'y'.repeat(n % 90));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await assert.rejects(readSettledFile(file, OPTIONS), /^Error: it is being written to/);
  isWriting = false;
  await writer;
});
