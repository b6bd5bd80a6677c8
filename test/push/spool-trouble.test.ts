// SPDX-License-Identifier: Apache-2.0
// A spool that is damaged, full or out of order, under a pusher: what is lost is counted, the rest
// arrives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TransportResult } from '../../src/push/transport.js';
import {
  type FakeReply,
  imbalance,
  payload,
  refusedConnection,
  sentNumbers,
} from '../support/push/push-fixture.js';
import { AWAY, createSite } from '../support/push/spool-site.js';

test('a damaged file is skipped, counted and removed; its neighbours arrive', async (context) => {
  const { directory, start } = createSite(context);
  let isAway = true;
  const { pusher, clock, transport, log } = await start(() => (isAway ? refusedConnection() : 204));
  pusher.enqueue([payload(1), payload(2), payload(3), payload(4)]);
  await clock.advance(100);
  const [, second = '', third = ''] = directory.sorted;
  directory.files.set(second, (directory.files.get(second) ?? Buffer.alloc(0)).subarray(0, 70));
  directory.files.delete(third);
  isAway = false;
  await clock.advance(60_000);
  assert.deepEqual([...new Set(sentNumbers(transport.requests))], [1, 4]);
  const { stats } = pusher;
  assert.deepEqual([stats.spoolDamagedFiles, stats.samplesDropped.damaged, imbalance(stats)], [2, 6, 0]);
  assert.equal(directory.files.size, 0);
  assert.match(
    log.texts.join('\n'),
    /error: a file of the spool is damaged: .*\.batch: it has \d+ bytes of a body of/,
  );
  await pusher.close(1000);
});

test('at its limit the oldest go first, counted; the newest arrive', async (context) => {
  const { start } = createSite(context, 5 * 4096);
  let isAway = true;
  const { pusher, clock, transport, log } = await start(() => (isAway ? refusedConnection() : 204));
  for (let number = 1; number <= 12; number++) {
    pusher.enqueue([payload(number)]);
    await clock.advance(1000);
    assert.equal(imbalance(pusher.stats), 0);
  }
  assert.equal(pusher.stats.samplesDropped.spool_full, 21);
  isAway = false;
  const before = transport.requests.length;
  await clock.advance(60_000);
  assert.deepEqual(sentNumbers(transport.requests.slice(before)), [8, 9, 10, 11, 12]);
  assert.equal(
    log.texts.filter((text) => text.includes('the spool (push.spool_max_bytes) is full')).length,
    1,
  );
  await pusher.close(1000);
});

test('a batch that begins to be sent while another is written makes no room for it', async (context) => {
  const { directory, start } = createSite(context);
  let answer = (_: TransportResult): void => undefined;
  const slow = new Promise<TransportResult>((resolve) => {
    answer = resolve;
  });
  const replies: FakeReply[] = [refusedConnection(), slow];
  const { pusher, clock, transport } = await start((_, index) => replies[index] ?? 204);
  pusher.enqueue([payload(1), payload(2)]);
  await clock.advance(100);
  let failWrite = (): void => undefined;
  const write = directory.write.bind(directory);
  directory.write = () => {
    directory.write = write;
    return new Promise((_, reject) => {
      failWrite = () => reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    });
  };
  pusher.enqueue([payload(3)]);
  await clock.advance(500);
  assert.equal(transport.requests.length, 2);
  failWrite();
  await clock.advance(10);
  answer({ kind: 'answer', answer: { status: 204, headers: {}, bodyStart: '' }, resent: false });
  await clock.advance(10);
  assert.deepEqual(sentNumbers(transport.requests), [1, 1, 3]);
  const { stats } = pusher;
  assert.deepEqual([stats.samplesSent, stats.samplesDropped.disk_full, imbalance(stats)], [6, 3, 0]);
  await pusher.close(1000);
});

test('a disk that cannot be written: batches wait in memory, one line, and go to the disk when it can', async (context) => {
  const { directory, start } = createSite(context);
  const { pusher, clock, log } = await start(AWAY);
  directory.fault = 'EROFS';
  for (let number = 1; number <= 10; number++) {
    pusher.enqueue([payload(number)]);
    await clock.advance(3000);
  }
  assert.deepEqual([pusher.stats.queueSamples, pusher.stats.spoolSamples], [30, 0]);
  assert.ok(pusher.stats.spoolFailures >= 2 && directory.writes <= 5, `${directory.writes} writes`);
  directory.fault = undefined;
  await clock.advance(60_000);
  assert.deepEqual(
    [pusher.stats.queueSamples, pusher.stats.spoolSamples, imbalance(pusher.stats)],
    [0, 30, 0],
  );
  assert.deepEqual(log.texts.filter((text) => text.includes('the spool')).slice(1), [
    'error: the spool (push.spool_path) cannot be written; batches wait in memory',
    'info: the spool works again',
  ]);
  await pusher.close(1000);
});

test('a file that cannot be read for now is tried again, not given up', async (context) => {
  const { directory, start } = createSite(context);
  let isAway = true;
  const { pusher, clock } = await start(() => (isAway ? refusedConnection() : 204));
  pusher.enqueue([payload(1)]);
  await clock.advance(100);
  directory.fault = 'EMFILE';
  isAway = false;
  await clock.advance(60_000);
  assert.equal(pusher.stats.samplesSent, 0);
  directory.fault = undefined;
  await clock.advance(60_000);
  assert.deepEqual([pusher.stats.samplesSent, imbalance(pusher.stats)], [3, 0]);
  await pusher.close(1000);
});
