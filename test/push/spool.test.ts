// SPDX-License-Identifier: Apache-2.0
// The spool on a real folder: order and limits. What kill -9 and a full disk leave is
// in spool-survival.long.test.ts.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { openSpool } from '../../src/push/spool.js';
import { openSpoolDirectory, type SpoolDirectory } from '../../src/push/spool-directory.js';
import { append, BLOCK, batch, fileNames, open, readAll } from '../support/push/spool-fixture.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('what was appended is there after a restart, oldest first, whatever order it came in', async (context) => {
  const path = join(temporaryFolder('xtrace-push-'), 'a', 'b');
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
  const path = join(temporaryFolder('xtrace-push-'), 'spool');
  const spool = await open(context, path);
  await append(spool, batch(1));
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(statSync(join(path, fileNames(path)[0] ?? '')).mode & 0o777, 0o600);
});

test('at the limit the oldest goes first, and disk space counts in blocks', async (context) => {
  const path = temporaryFolder('xtrace-push-');
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
  const spool = await open(context, temporaryFolder('xtrace-push-'), { maxBytes: 2 * BLOCK });
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
    const spool = await open(context, temporaryFolder('xtrace-push-'), { wrap });
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
    const spool = await open(context, temporaryFolder('xtrace-push-'), { wrap });
    for (let sequence = 1; sequence <= 20; sequence++) await append(spool, batch(sequence));
    isFull = true;
    const result = await append(spool, batch(21));
    assert.equal(result.stored, false);
    assert.ok(result.removed.length <= 4, `${result.removed.length} batches went for one of a block`);
  });
});

test('a disk that fails otherwise costs nothing but the write', async (context) => {
  const wrap = failingDirectory((name) => (name.startsWith('0000000000000002') ? 'EIO' : undefined));
  const spool = await open(context, temporaryFolder('xtrace-push-'), { wrap });
  await append(spool, batch(1));
  const result = await append(spool, batch(2));
  assert.deepEqual([result.stored, result.removed, await readAll(spool)], [false, [], [1]]);
});

test('law: whatever is appended and removed, the index is what is in the folder', async (_context) => {
  const root = temporaryFolder('xtrace-push-');
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
