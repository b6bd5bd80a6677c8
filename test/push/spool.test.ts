// SPDX-License-Identifier: Apache-2.0
// The spool on a real folder: order, limits, damage, the lock. What kill -9 and a full disk leave is
// in spool-survival.test.ts.
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { ExporterError } from '../../src/errors.js';
import type { Batch } from '../../src/push/batch.js';
import { openSpool, type Spool } from '../../src/push/spool.js';
import { openSpoolDirectory, type SpoolDirectory } from '../../src/push/spool-directory.js';
import { START_MS, temporaryFolder } from './push-fixture.js';

const MAX_BYTES = 1 << 20;
const BLOCK = 4096;

function batch(sequence: number, bytes = 100): Batch {
  const body = Buffer.alloc(bytes, sequence);
  return { sequence, format: 'remote_write_1', encoding: 'snappy', body, samples: 10, timestampMs: START_MS };
}

/** Opens it, and closes it after the test. */
async function open(
  context: TestContext,
  path: string,
  { maxBytes = MAX_BYTES, wrap = (directory: SpoolDirectory) => directory } = {},
): Promise<Spool> {
  const spool = await openSpool({ maxBytes }, wrap(openSpoolDirectory(path)));
  context.after(() => spool.close());
  return spool;
}

/** append(), with what had to go for it. */
async function append(spool: Spool, one: Batch, spared?: number) {
  const removed: [sequence: number, samples: number, reason: string][] = [];
  let isToldStored = false;
  const result = await spool.append(
    one,
    {
      onStored() {
        isToldStored = true;
        assert.ok(spool.has(one.sequence));
      },
      onRemoved(entry, reason) {
        removed.push([entry.sequence, entry.samples, reason]);
        assert.ok(!spool.has(entry.sequence));
      },
    },
    spared,
  );
  assert.equal(isToldStored, result.stored);
  return { stored: result.stored, removed };
}

async function readAll(spool: Spool): Promise<number[]> {
  const numbers: number[] = [];
  for (let entry = spool.oldest(); entry !== undefined; entry = spool.oldest(entry.sequence)) {
    const read = await spool.read(entry);
    numbers.push(typeof read === 'string' ? -entry.sequence : read.sequence);
  }
  return numbers;
}

const fileNames = (path: string): string[] =>
  readdirSync(path)
    .filter((name) => name.endsWith('.batch'))
    .sort();

test('what was appended is there after a restart, oldest first, whatever order it came in', async (context) => {
  const path = join(temporaryFolder(context), 'a', 'b');
  const first = await open(context, path);
  assert.equal(first.nextSequence, 1);
  for (const sequence of [12, 3, 7]) assert.equal((await append(first, batch(sequence))).stored, true);
  assert.deepEqual(await readAll(first), [3, 7, 12]);
  await first.close();

  const second = await open(context, path);
  assert.deepEqual(second.totals, { batches: 3, samples: 30, bytes: 3 * BLOCK });
  assert.equal(second.nextSequence, 13);
  assert.deepEqual(await readAll(second), [3, 7, 12]);
  const oldest = second.oldest();
  assert.ok(oldest !== undefined);
  assert.deepEqual(await second.read(oldest), batch(3));
  await second.remove(3);
  await second.remove(3); // again is fine
  assert.deepEqual([await readAll(second), fileNames(path).length, second.has(3)], [[7, 12], 2, false]);
});

test('nobody else may look in', async (context) => {
  const path = join(temporaryFolder(context), 'spool');
  const spool = await open(context, path);
  await append(spool, batch(1));
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(path, fileNames(path)[0] ?? '')).mode & 0o777, 0o600);
});

test('at the limit the oldest goes first, and disk space counts in blocks', async (context) => {
  const path = temporaryFolder(context);
  const spool = await open(context, path, { maxBytes: 4 * BLOCK });
  for (const sequence of [1, 2, 3, 4]) {
    assert.deepEqual((await append(spool, batch(sequence))).removed, []);
  }
  const result = await append(spool, batch(5, BLOCK)); // with its header two blocks
  assert.deepEqual(result.removed, [
    [1, 10, 'spool_full'],
    [2, 10, 'spool_full'],
  ]);
  assert.deepEqual([await readAll(spool), spool.totals.bytes], [[3, 4, 5], 4 * BLOCK]);
  assert.equal(fileNames(path).length, 3);
});

test('the batch that is being sent is spared, and one that is too large for all is not taken', async (context) => {
  const spool = await open(context, temporaryFolder(context), { maxBytes: 2 * BLOCK });
  await append(spool, batch(1));
  await append(spool, batch(2));
  assert.deepEqual(
    (await append(spool, batch(3), 1)).removed.map(([sequence]) => sequence),
    [2],
  );
  const result = await append(spool, batch(4, 3 * BLOCK), 1);
  assert.equal(result.stored, false);
  assert.ok(spool.has(1));
});

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
      const path = temporaryFolder(context);
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

  test('gone, or a folder in its place', async (context) => {
    const path = temporaryFolder(context);
    const spool = await open(context, path);
    mkdirSync(join(path, '0000000000000001-1-10-140.batch'));
    await spool.close();
    const again = await open(context, path);
    const entry = again.oldest();
    assert.ok(entry !== undefined);
    assert.equal(await again.read(entry), 'it cannot be read (EISDIR)');
    const gone = { ...entry, sequence: 9, name: 'gone' };
    assert.equal(await again.read(gone), 'it is gone; somebody else removed it');
  });
});

test('what a former process left unfinished is removed; what is not ours stays', async (context) => {
  const path = temporaryFolder(context);
  writeFileSync(join(path, '0000000000000001-1-10-140.batch.tmp'), 'half');
  writeFileSync(join(path, 'notes.txt'), 'mine');
  const spool = await open(context, path);
  assert.deepEqual([spool.unfinishedFiles, spool.totals.batches], [1, 0]);
  assert.deepEqual(readdirSync(path).sort(), ['lock', 'notes.txt']);
});

/** A directory whose writes fail while `failing` says so. */
function failingDirectory(failing: (name: string) => string | undefined) {
  return (directory: SpoolDirectory): SpoolDirectory => ({
    ...directory,
    write(name, parts) {
      const code = failing(name);
      if (code !== undefined) return Promise.reject(Object.assign(new Error(code), { code }));
      return directory.write(name, parts);
    },
  });
}

describe('a full disk', () => {
  test('the oldest goes until there is room', async (context) => {
    let failures = 0;
    const wrap = failingDirectory((name) =>
      name.startsWith('0000000000000005') && failures++ < 2 ? 'ENOSPC' : undefined,
    );
    const spool = await open(context, temporaryFolder(context), { wrap });
    for (const sequence of [1, 2, 3, 4]) await append(spool, batch(sequence));
    const result = await append(spool, batch(5));
    assert.deepEqual(
      [result.stored, result.removed],
      [
        true,
        [
          [1, 10, 'disk_full'],
          [2, 10, 'disk_full'],
        ],
      ],
    );
    assert.deepEqual(await readAll(spool), [3, 4, 5]);
  });

  test('that others fill costs no more of the spool than the batch needs', async (context) => {
    let isFull = false;
    const wrap = failingDirectory(() => (isFull ? 'EDQUOT' : undefined));
    const spool = await open(context, temporaryFolder(context), { wrap });
    for (let sequence = 1; sequence <= 20; sequence++) await append(spool, batch(sequence));
    isFull = true;
    const result = await append(spool, batch(21));
    assert.equal(result.stored, false);
    assert.ok(result.removed.length <= 4, `${result.removed.length} batches went for one of a block`);
  });
});

test('a disk that fails otherwise costs nothing but the write', async (context) => {
  const wrap = failingDirectory((name) => (name.startsWith('0000000000000002') ? 'EIO' : undefined));
  const spool = await open(context, temporaryFolder(context), { wrap });
  await append(spool, batch(1));
  const result = await append(spool, batch(2));
  assert.deepEqual([result.stored, result.removed, await readAll(spool)], [false, [], [1]]);
});

describe('one exporter a folder', () => {
  test('a second one is refused with a sentence, and disturbs nothing', async (context) => {
    const path = temporaryFolder(context);
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

  test('of several at once exactly one gets it', async (context) => {
    const path = temporaryFolder(context);
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path))),
    );
    const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    for (const spool of opened) await spool.close();
    assert.equal(opened.length, 1);
    assert.equal(existsSync(join(path, 'lock')), false);
  });

  test('it works where the path is longer than a socket may be called', async (context) => {
    const path = join(temporaryFolder(context), 'x'.repeat(120), 'y'.repeat(120));
    await open(context, path);
    await assert.rejects(openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path)), /is in use/);
  });
});

test('a folder that cannot be used is one sentence', async (context) => {
  const path = join(temporaryFolder(context), 'file');
  writeFileSync(path, '');
  await assert.rejects(openSpool({ maxBytes: MAX_BYTES }, openSpoolDirectory(path)), {
    message: `push.spool_path ${path} cannot be used: EEXIST: file already exists, mkdir '${path}'`,
    code: 'SPOOL',
  });
  chmodSync(path, 0o600);
});

test('law: whatever is appended and removed, the index is what is in the folder', async (context) => {
  const root = temporaryFolder(context);
  let run = 0;
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 30 }), bytes: fc.integer({ min: 1, max: 3 * BLOCK }) }),
    fc.record({ remove: fc.integer({ min: 1, max: 30 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const path = join(root, String(run++));
      const maxBytes = 8 * BLOCK;
      const spool = await openSpool({ maxBytes }, openSpoolDirectory(path));
      for (const one of steps) {
        if ('remove' in one) await spool.remove(one.remove);
        else if (!spool.has(one.add)) await append(spool, batch(one.add, one.bytes));
        assert.ok(spool.totals.bytes <= maxBytes);
      }
      const { totals } = spool;
      const numbers = await readAll(spool);
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      );
      assert.equal(fileNames(path).length, totals.batches);
      await spool.close();
      const again = await openSpool({ maxBytes }, openSpoolDirectory(path));
      assert.deepEqual([again.totals, await readAll(again)], [totals, numbers]);
      await again.close();
    }),
    { numRuns: 30 },
  );
});
