// SPDX-License-Identifier: Apache-2.0
// One pusher after another: what waits goes on, in order, and every sample is accounted for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createTestPusher,
  imbalance,
  payload,
  refusedConnection,
  sentNumbers,
  turns,
} from '../support/push/push-fixture.js';

test('what a receiver that is away has not taken goes to the next pusher', async () => {
  const first = createTestPusher({}, { reply: () => refusedConnection() });
  for (const number of [1, 2, 3]) first.pusher.enqueue([payload(number)]);
  await turns();
  const former = await first.pusher.handOver();
  assert.ok(first.transport.isClosed);
  assert.deepEqual(
    former.batches.map(({ samples }) => samples),
    [3, 3, 3],
  );

  const second = createTestPusher({}, { former });
  second.pusher.enqueue([payload(4)]);
  await turns();
  assert.deepEqual(sentNumbers(second.transport.requests), [1, 2, 3, 4]);
  const { stats } = second.pusher;
  assert.equal(stats.samples, 12, 'counters go on');
  assert.equal(stats.samplesSent, 12);
  assert.equal(imbalance(stats), 0);

  first.pusher.enqueue([payload(5)]);
  assert.equal(imbalance(second.pusher.stats), 0, 'what comes too late is dropped, and counted');
  assert.equal(second.pusher.stats.samplesDropped.shutdown, 3);
  await second.pusher.close(0);
});

test('a request under way is broken off, and its batch sent again', async () => {
  const first = createTestPusher({}, { reply: () => new Promise(() => undefined) });
  first.pusher.enqueue([payload(1)]);
  await turns();
  assert.equal(first.transport.requests.length, 1);
  const former = await first.pusher.handOver();
  const second = createTestPusher({}, { former });
  await turns();
  assert.deepEqual(sentNumbers(second.transport.requests), [1]);
  assert.equal(imbalance(second.pusher.stats), 0);
  await second.pusher.close(0);
});

test('a smaller queue keeps the newest', async () => {
  const first = createTestPusher({}, { reply: () => refusedConnection() });
  for (let number = 1; number <= 20; number++) first.pusher.enqueue([payload(number, { samples: 100 })]);
  await turns();
  const former = await first.pusher.handOver();
  const second = createTestPusher({ queueMaxBytes: 20_000 }, { former });
  await turns();
  const sent = sentNumbers(second.transport.requests);
  assert.equal(sent.at(-1), 20);
  assert.ok(sent.length < 20);
  assert.equal(second.pusher.stats.samplesDropped.queue_full, 100 * (20 - sent.length));
  assert.equal(imbalance(second.pusher.stats), 0);
  await second.pusher.close(0);
});
