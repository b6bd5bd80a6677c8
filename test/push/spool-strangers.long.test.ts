// SPDX-License-Identifier: Apache-2.0
// What is in the folder of a spool and is no batch: set aside, counted, and in nobody's way.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { openSpool } from '../../src/push/spool.js';
import { openSpoolDirectory } from '../../src/push/spool-directory.js';
import { entryOf } from '../../src/push/spool-record.js';
import { append, batch, fileNames, MAX_BYTES, open, readAll } from '../support/push/spool-fixture.js';
import { ANOTHER_USER, STRANGERS } from '../support/push/strangers.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A folder with batches 1, 2, 3, which nobody holds open. */
async function folderOfThree(context: TestContext): Promise<{ path: string; second: string }> {
  const path = temporaryFolder('xtrace-push-');
  const spool = await open(context, path);
  for (const sequence of [1, 2, 3]) await append(spool, batch(sequence));
  await spool.close();
  return { path, second: fileNames(path)[1] ?? assert.fail() };
}

const kindOf = (path: string): string =>
  execFileSync('stat', ['-c', '%F', path], { encoding: 'utf8' }).trim();
const setAsideIn = (path: string): string[] =>
  readdirSync(path).filter((name) => name.startsWith('set-aside-'));

/** Without the name before it and what became of it. */
const faultIn = (sentence: string): string =>
  /^[^:]+: (.*); it is now set-aside-\S+$/.exec(sentence)?.[1] ?? sentence;

describe('found at the start: renamed, told, and the rest goes on', () => {
  for (const { name, put, fault, kind } of STRANGERS) {
    test(name, async (context) => {
      const { path, second } = await folderOfThree(context);
      await put(join(path, second));
      const spool = await open(context, path);
      assert.deepEqual([await readAll(spool), spool.totals.samples, spool.nextSequence], [[1, 3], 20, 4]);
      assert.equal(spool.setAsideFiles, 1);
      assert.match(faultIn(spool.foundAtStart[0] ?? ''), fault);
      assert.deepEqual(setAsideIn(path), [`set-aside-${second}`]);
      assert.equal(kindOf(join(path, `set-aside-${second}`)), kind);
    });
  }

  const names: [string, string, RegExp][] = [
    ['a number of 2^53 - 1', '9007199254740991-1-10-140.batch', /^the number 9007199254740991 is beyond/],
    ['a number above 2^52', '4503599627370497-1-10-140.batch', /^the number 4503599627370497 is beyond/],
    ['ten billion samples', '0000000000000009-1-9999999999-140.batch', /^no batch has 9999999999 samples$/],
    ['ten billion bytes', '0000000000000009-1-10-9999999999.batch', /^no batch has 9999999999 bytes$/],
    ['less than a header', '0000000000000009-1-10-39.batch', /^no batch has 39 bytes$/],
    ['a number that another batch has', '0000000000000002-9-10-140.batch', /^there is another batch 2$/],
  ];
  for (const [what, name, fault] of names) {
    test(`a name with ${what}`, async (context) => {
      const { path, second } = await folderOfThree(context);
      writeFileSync(join(path, name), readFileSync(join(path, second)));
      const spool = await open(context, path);
      assert.deepEqual([await readAll(spool), spool.totals.samples, spool.nextSequence], [[1, 2, 3], 30, 4]);
      assert.match(faultIn(spool.foundAtStart[0] ?? ''), fault);
      assert.deepEqual([setAsideIn(path), spool.setAsideFiles], [[`set-aside-${name}`], 1]);
    });
  }

  test('an unfinished file that is none', async (context) => {
    const { path } = await folderOfThree(context);
    const name = '0000000000000004-1-10-140.batch.tmp';
    mkdirSync(join(path, name));
    const spool = await open(context, path);
    assert.deepEqual([spool.unfinishedFiles, spool.setAsideFiles], [0, 1]);
    assert.deepEqual(setAsideIn(path), [`set-aside-${name}`]);
  });

  test('what was set aside before is not overwritten, nor looked at again', async (context) => {
    const { path, second } = await folderOfThree(context);
    for (const text of ['first', 'second', 'third']) {
      writeFileSync(join(path, second), text.padEnd(500, '.'));
      const spool = await open(context, path);
      assert.equal(spool.setAsideFiles, 1);
      await spool.close();
    }
    const kept = setAsideIn(path).sort();
    assert.deepEqual(
      kept,
      ['', '-2', '-3'].map((suffix) => `set-aside-${second}${suffix}`),
    );
    assert.deepEqual(
      kept.map((name) => readFileSync(join(path, name), 'utf8').split('.')[0]),
      ['first', 'second', 'third'],
    );
  });
});

describe('put there while the exporter runs: renamed, and told', () => {
  for (const { name, put, fault, kind } of STRANGERS) {
    test(`${name}, when it is read`, async (context) => {
      const path = temporaryFolder('xtrace-push-');
      const spool = await open(context, path);
      for (const sequence of [1, 2, 3]) await append(spool, batch(sequence));
      const second = fileNames(path)[1] ?? assert.fail();
      await put(join(path, second));
      const read = await spool.read(spool.oldest(1) ?? assert.fail());
      assert.ok(typeof read === 'object' && 'isStranger' in read);
      assert.match(faultIn(read.sentence), fault);
      assert.equal(kindOf(join(path, `set-aside-${second}`)), kind);
      assert.deepEqual([await readAll(spool), spool.setAsideFiles, spool.totals.batches], [[1, 3], 1, 2]);
    });
  }

  test('a directory, when the batch is to be removed', async (context) => {
    const path = temporaryFolder('xtrace-push-');
    const spool = await open(context, path);
    await append(spool, batch(1));
    const [first = ''] = fileNames(path);
    await STRANGERS.find(({ name }) => name === 'a directory')?.put(join(path, first));
    assert.match((await spool.remove(1)) ?? '', /it is a directory; it is now set-aside-/);
    assert.equal(kindOf(join(path, `set-aside-${first}`)), 'directory');
  });

  for (const { name, put, kind } of STRANGERS.filter(({ kind }) => kind !== 'regular file')) {
    for (const suffix of ['', '.tmp']) {
      test(`${name}, where a batch${suffix} is to be written`, async (context) => {
        const path = temporaryFolder('xtrace-push-');
        const spool = await open(context, path);
        const obstacle = entryOf(batch(7)).name + suffix;
        writeFileSync(join(path, obstacle), '');
        await put(join(path, obstacle));
        const { stored, setAside } = await append(spool, batch(7));
        assert.deepEqual([stored, setAside.length, spool.setAsideFiles], [true, 1, 1]);
        assert.deepEqual(await readAll(spool), [7]);
        assert.equal(kindOf(join(path, `set-aside-${obstacle}`)), kind);
      });
    }
  }

  test('a link where a batch is to be written leads to no file elsewhere', async (context) => {
    const path = temporaryFolder('xtrace-push-');
    const elsewhere = join(temporaryFolder('xtrace-push-'), 'precious');
    writeFileSync(elsewhere, 'precious');
    const spool = await open(context, path);
    symlinkSync(elsewhere, join(path, `${entryOf(batch(7)).name}.tmp`));
    assert.equal((await append(spool, batch(7))).stored, true);
    assert.equal(readFileSync(elsewhere, 'utf8'), 'precious');
  });
});

describe('what stands in place of the lock', () => {
  for (const { name, put, kind } of STRANGERS.filter((one) => one.name !== 'a socket')) {
    test(`${name}: set aside, and the lock is taken`, async (context) => {
      const { path } = await folderOfThree(context);
      writeFileSync(join(path, 'lock'), 'x');
      await put(join(path, 'lock'));
      const spool = await open(context, path);
      assert.equal(kindOf(join(path, 'set-aside-lock')), kind);
      assert.deepEqual([spool.setAsideFiles, await readAll(spool)], [1, [1, 2, 3]]);
      await assert.rejects(openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path)), /is in use/);
    });
  }

  test('a link to the socket of another program is no lock', async (context) => {
    const { path } = await folderOfThree(context);
    const socket = join(temporaryFolder('xtrace-push-'), 'socket');
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(socket, resolve);
    });
    context.after(() => server.close());
    symlinkSync(socket, join(path, 'lock'));
    const spool = await open(context, path);
    assert.deepEqual(await readAll(spool), [1, 2, 3]);
    assert.ok(lstatSync(join(path, 'set-aside-lock')).isSymbolicLink());
    assert.ok(existsSync(socket));
  });
});

describe('the folder itself', () => {
  const rejected = async (path: string): Promise<string> => {
    try {
      await (await openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path))).close();
      return 'taken';
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  test('that every user may empty is refused in one sentence', async (_context) => {
    const path = temporaryFolder('xtrace-push-');
    chmodSync(path, 0o777);
    assert.equal(
      await rejected(path),
      `push.spool_path ${path} cannot be used: every user may remove files from it: give a folder inside it, which is then made for this program alone, or take that right away (chmod o-w)`,
    );
    for (const mode of [0o1777, 0o2775, 0o755]) {
      chmodSync(path, mode);
      assert.equal(await rejected(path), 'taken');
    }
  });

  test('of another user is refused in one sentence', { skip: process.getuid?.() !== 0 }, async (_context) => {
    const path = temporaryFolder('xtrace-push-');
    chownSync(path, ANOTHER_USER, ANOTHER_USER);
    assert.equal(
      await rejected(path),
      `push.spool_path ${path} cannot be used: it belongs to user 12345, and this program runs as user 0: change its owner (chown), or give another folder`,
    );
  });

  test('may be a link to a folder; a loop of links and a FIFO are a sentence', async (_context) => {
    const root = temporaryFolder('xtrace-push-');
    mkdirSync(join(root, 'folder'));
    symlinkSync('folder', join(root, 'link'));
    symlinkSync('loop', join(root, 'loop'));
    execFileSync('mkfifo', [join(root, 'fifo')]);
    assert.equal(await rejected(join(root, 'link')), 'taken');
    assert.match(await rejected(join(root, 'loop')), /^push\.spool_path \S+ cannot be used: E/);
    assert.match(await rejected(join(root, 'fifo')), /^push\.spool_path \S+ cannot be used: E/);
  });
});
