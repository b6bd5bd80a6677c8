// SPDX-License-Identifier: Apache-2.0
// What others do to the folder of a spool: damage, leftovers, a second exporter.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ExporterError } from '../../src/errors.js';
import { openSpool } from '../../src/push/spool.js';
import { openSpoolDirectory } from '../../src/push/spool-directory.js';
import { append, batch, fileNames, MAX_BYTES, open, readAll } from '../support/push/spool-fixture.js';
import { temporaryFolder } from '../support/temporary-folder.js';

describe('damaged files are told, and removed by whoever asks', () => {
  const damages: [string, (path: string) => void, RegExp][] = [
    [
      'torn',
      (path) => writeFileSync(path, readFileSync(path).subarray(0, 60)),
      /^it has 20 bytes of a body of 100$/,
    ],
    ['empty', (path) => writeFileSync(path, ''), /less than a header/],
    ['of zeros', (path) => writeFileSync(path, Buffer.alloc(140)), /does not start as a spool file does/],
    [
      'with one bit turned',
      (path) => {
        const bytes = readFileSync(path);
        bytes[99] = (bytes[99] ?? 0) ^ 4;
        writeFileSync(path, bytes);
      },
      /its checksum is wrong/,
    ],
  ];
  for (const [name, damage, wanted] of damages) {
    test(name, async (context) => {
      const path = temporaryFolder('xtrace-push-');
      const first = await open(context, path);
      for (const sequence of [1, 2, 3]) await append(first, batch(sequence));
      await first.close();
      damage(join(path, fileNames(path)[1] ?? ''));
      const second = await open(context, path);
      assert.deepEqual(await readAll(second), [1, -2, 3]);
      const damaged = second.oldest(1);
      assert.ok(damaged !== undefined);
      assert.match(String(await second.read(damaged)), wanted);
      await second.remove(2);
      assert.deepEqual([await readAll(second), fileNames(path).length], [[1, 3], 2]);
    });
  }

  test('gone', async (context) => {
    const spool = await open(context, temporaryFolder('xtrace-push-'));
    await append(spool, batch(1));
    const entry = spool.oldest() ?? assert.fail();
    const gone = { ...entry, sequence: 9, name: 'gone' };
    assert.equal(await spool.read(gone), 'it is gone; somebody else removed it');
  });
});

test('what a former process left unfinished is removed; what is not ours stays', async (context) => {
  const path = temporaryFolder('xtrace-push-');
  writeFileSync(join(path, '0000000000000001-1-10-140.batch.tmp'), 'half');
  writeFileSync(join(path, 'notes.txt'), 'mine');
  const spool = await open(context, path);
  assert.deepEqual([spool.unfinishedFiles, spool.totals.batches], [1, 0]);
  assert.deepEqual(readdirSync(path).sort(), ['lock', 'notes.txt']);
});

describe('one exporter a folder', () => {
  test('a second one is refused with a sentence, and disturbs nothing', async (context) => {
    const path = temporaryFolder('xtrace-push-');
    const first = await open(context, path);
    await append(first, batch(1));
    await assert.rejects(
      openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path)),
      (error) =>
        error instanceof ExporterError &&
        error.code === 'SPOOL' &&
        error.message === `push.spool_path ${path} is in use by another exporter; give each its own folder`,
    );
    assert.equal((await append(first, batch(2))).stored, true);
    await first.close();
    assert.deepEqual(await readAll(await open(context, path)), [1, 2]);
  });

  test('of several at once exactly one gets it', async (_context) => {
    const path = temporaryFolder('xtrace-push-');
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path))),
    );
    const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    for (const spool of opened) await spool.close();
    assert.equal(opened.length, 1);
    assert.equal(existsSync(join(path, 'lock')), false);
  });

  test('it works where the path is longer than a socket may be called', async (context) => {
    const path = join(temporaryFolder('xtrace-push-'), 'x'.repeat(120), 'y'.repeat(120));
    await open(context, path);
    await assert.rejects(openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path)), /is in use/);
  });
});

test('a folder that cannot be used is one sentence', async (_context) => {
  const path = join(temporaryFolder('xtrace-push-'), 'file');
  writeFileSync(path, '');
  await assert.rejects(openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path)), {
    message: `push.spool_path ${path} cannot be used: EEXIST: file already exists, mkdir '${path}'`,
    code: 'SPOOL',
  });
  chmodSync(path, 0o600);
});
