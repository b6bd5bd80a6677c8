// SPDX-License-Identifier: Apache-2.0
// The queue in memory: bounded whatever the receiver does, in order, and with every sample accounted
// for. The law at the end tries receivers nobody thought of.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { TransportResult } from '../../src/push/transport.js';
import {
  createTestPusher,
  type FakeReply,
  imbalance,
  payload,
  refusedConnection,
  START_MS,
  sentNumbers,
} from '../support/push/push-fixture.js';

/** A batch of 100 samples has 4 KB; the queue has room for some seven of 100 samples. */
const LIMIT_BYTES = 32_768;
const big = (number: number, timestampMs = START_MS) => payload(number, { samples: 100, timestampMs });

/** An answer that never comes. */
const NEVER: Promise<TransportResult> = new Promise(() => undefined);

describe('a dead receiver', () => {
  test('the queue never grows past its limit, and the oldest go first, counted', async () => {
    let isAway = true;
    const { pusher, clock, transport, log } = createTestPusher(
      { queueMaxBytes: LIMIT_BYTES },
      { reply: () => (isAway ? refusedConnection() : 204) },
    );
    for (let number = 1; number <= 100; number++) {
      pusher.enqueue([big(number)]);
      assert.ok(pusher.stats.queueBytes <= LIMIT_BYTES);
      await clock.advance(1000);
      assert.equal(imbalance(pusher.stats), 0);
    }
    const { stats } = pusher;
    const kept = stats.queueSamples / 100;
    assert.ok(kept >= 6, `${kept} batches are kept`);
    assert.equal(stats.samplesDropped.queue_full, 100 * (100 - kept));
    isAway = false;
    const before = transport.requests.length;
    await clock.advance(60_000);
    const wanted = Array.from({ length: kept }, (_, index) => 101 - kept + index);
    assert.deepEqual(sentNumbers(transport.requests.slice(before)), wanted);
    assert.equal(log.texts.filter((text) => text.includes('the queue')).length, 1);
  });

  test('a hanging one holds the batch that is being sent, and no other', async () => {
    const { pusher, clock, transport } = createTestPusher(
      { queueMaxBytes: LIMIT_BYTES },
      { reply: () => NEVER },
    );
    for (let number = 1; number <= 50; number++) {
      pusher.enqueue([big(number)]);
      await clock.advance(1000);
      assert.ok(pusher.stats.queueBytes <= LIMIT_BYTES);
    }
    assert.deepEqual(sentNumbers(transport.requests), [1]);
    assert.equal(imbalance(pusher.stats), 0);
  });

  test('a batch that is being sent is not dropped for newer ones: its success is not counted twice', async () => {
    let succeed = (_: TransportResult): void => undefined;
    const slow = new Promise<TransportResult>((resolve) => {
      succeed = resolve;
    });
    const { pusher, clock } = createTestPusher(
      { queueMaxBytes: LIMIT_BYTES },
      { reply: (_, index) => (index === 0 ? slow : NEVER) },
    );
    for (let number = 1; number <= 20; number++) {
      pusher.enqueue([big(number)]);
      await clock.advance(100);
    }
    assert.ok(pusher.stats.samplesDropped.queue_full > 0);
    succeed({ kind: 'answer', answer: { status: 204, headers: {}, bodyStart: '' }, resent: false });
    await clock.advance(0);
    assert.deepEqual([pusher.stats.samplesSent, imbalance(pusher.stats)], [100, 0]);
  });

  test('a payload that is larger than the whole queue is dropped alone', async () => {
    const { pusher, clock } = createTestPusher({ queueMaxBytes: 1000 }, { reply: () => refusedConnection() });
    pusher.enqueue([payload(1), payload(2, { samples: 1000 }), payload(3)]);
    await clock.advance(100);
    assert.deepEqual(
      [pusher.stats.queueSamples, pusher.stats.samplesDropped.queue_full, imbalance(pusher.stats)],
      [6, 1000, 0],
    );
  });
});

test('what is being compressed counts, too', async () => {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { pusher, clock } = createTestPusher(
    { queueMaxBytes: LIMIT_BYTES },
    {
      codec: {
        hasZstd: false,
        async compress(_encoding, body) {
          await gate;
          return Buffer.from(body.subarray(0, 10));
        },
        decompress: () => assert.fail(),
      },
    },
  );
  for (let number = 1; number <= 50; number++) pusher.enqueue([big(number)]);
  const { stats } = pusher;
  assert.ok(stats.queueBytes > LIMIT_BYTES / 2 && stats.queueBytes <= LIMIT_BYTES);
  assert.ok(stats.samplesDropped.queue_full > 0);
  assert.equal(imbalance(stats), 0);
  let isCompressed = false;
  void pusher.compressed().then(() => {
    isCompressed = true;
  });
  await clock.advance(0);
  assert.equal(isCompressed, false);
  release();
  await clock.advance(0);
  assert.equal(isCompressed, true);
  assert.equal(pusher.stats.queueBytes, 0);
});

describe('a stop', () => {
  test('sends what waits, then closes, and takes nothing any more', async () => {
    const { pusher, clock, transport } = createTestPusher();
    pusher.enqueue([payload(1), payload(2), payload(3)]);
    const closed = pusher.close(4000);
    pusher.enqueue([payload(4)]);
    await clock.advance(0);
    await closed;
    await pusher.close(4000);
    assert.deepEqual(sentNumbers(transport.requests), [1, 2, 3]);
    assert.deepEqual([transport.isClosed, clock.nextInMs], [true, undefined]);
    const { stats } = pusher;
    assert.deepEqual([stats.samplesSent, stats.samplesDropped.shutdown, imbalance(stats)], [9, 3, 0]);
  });

  test('cuts a backoff short for one more try', async () => {
    let isAway = true;
    const { pusher, clock, transport } = createTestPusher(
      {},
      { reply: () => (isAway ? refusedConnection() : 204) },
    );
    pusher.enqueue([payload(1)]);
    await clock.advance(100_000);
    isAway = false;
    const before = transport.requests.length;
    const closed = pusher.close(4000);
    await clock.advance(0);
    await closed;
    assert.equal(transport.requests.length, before + 1);
    assert.equal(pusher.stats.samplesSent, 3);
  });

  for (const [name, reply] of [
    ['away', refusedConnection()],
    ['hanging', NEVER],
  ] as [string, FakeReply][]) {
    test(`ends within its limit where the receiver is ${name}, and counts what it leaves`, async () => {
      const { pusher, clock, transport, log } = createTestPusher({}, { reply: () => reply });
      pusher.enqueue([payload(1), payload(2)]);
      await clock.advance(10);
      const closed = pusher.close(4000);
      await clock.advance(4000);
      await closed;
      assert.deepEqual([transport.isClosed, clock.nextInMs], [true, undefined]);
      const { stats } = pusher;
      assert.deepEqual([stats.samplesDropped.shutdown, stats.queueSamples, imbalance(stats)], [6, 0, 0]);
      assert.ok(log.texts.some((text) => text.includes('could not be sent before the stop')));
    });
  }
});

test('law: whatever the receiver answers, samples arrive in order, once, or are counted as dropped', async () => {
  const answers = fc.constantFrom<FakeReply>(
    204,
    200,
    400,
    404,
    429,
    500,
    503,
    refusedConnection(),
    { status: 503, headers: { 'retry-after': '3' } },
    { status: 302 },
  );
  const step = fc.record({
    payloads: fc.integer({ min: 0, max: 4 }),
    waitMs: fc.integer({ min: 0, max: 20_000 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(answers, { maxLength: 40 }),
      fc.array(step, { maxLength: 15 }),
      fc.integer({ min: 3000, max: 60_000 }),
      async (script, steps, queueMaxBytes) => {
        const accepted: number[] = [];
        const { pusher, clock } = createTestPusher(
          { queueMaxBytes },
          {
            reply: (request, index) => {
              const reply = script[index] ?? 204;
              if (reply === 204 || reply === 200) accepted.push(...sentNumbers([request]));
              return reply;
            },
          },
        );
        let number = 0;
        for (const { payloads, waitMs } of steps) {
          for (let count = 0; count < payloads; count++) {
            number++;
            pusher.enqueue([payload(number, { samples: 10, timestampMs: START_MS + clock.nowMs })]);
          }
          assert.equal(imbalance(pusher.stats), 0);
          await clock.advance(waitMs);
          assert.equal(imbalance(pusher.stats), 0);
          assert.ok(pusher.stats.queueBytes <= queueMaxBytes);
        }
        await clock.advance(2_000_000);
        const { stats } = pusher;
        assert.equal(stats.queueSamples, 0);
        assert.deepEqual(
          accepted,
          [...new Set(accepted)].sort((a, b) => a - b),
        );
        assert.equal(stats.samplesSent, 10 * accepted.length);
        assert.equal(imbalance(stats), 0);
        await pusher.close(1000);
      },
    ),
    { numRuns: 60 },
  );
});
