// SPDX-License-Identifier: Apache-2.0
// When the pusher uses the spool, and in which order it sends what is in it. The files are in memory
// and time is a fake; the real folder is in spool.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { TransportResult } from '../../src/push/transport.js';
import {
  type FakeReply,
  type FakeTransport,
  imbalance,
  payload,
  refusedConnection,
  START_MS,
  sentNumbers,
} from '../support/push/push-fixture.js';
import { AWAY, createSite, NEVER, stop } from '../support/push/spool-site.js';

test('a receiver that works costs no write', async (context) => {
  const { directory, start } = createSite(context);
  const { pusher, clock, transport } = await start(() => 204);
  for (let number = 1; number <= 20; number++) {
    pusher.enqueue([payload(number)]);
    await clock.advance(5000);
  }
  assert.equal(transport.requests.length, 20);
  assert.equal(directory.writes, 0);
  await pusher.close(1000);
});

test('while it is away every batch is on disk, the one that failed included; nothing waits in memory', async (context) => {
  const { directory, start } = createSite(context);
  const { pusher, clock, log } = await start(AWAY);
  for (let number = 1; number <= 20; number++) {
    pusher.enqueue([payload(number)]);
    await clock.advance(1000);
    assert.deepEqual([pusher.stats.queueSamples, directory.files.size], [0, number]);
    assert.equal(imbalance(pusher.stats), 0);
  }
  const { stats } = pusher;
  assert.deepEqual([stats.spoolBatches, stats.spoolSamples, stats.samplesSpooled], [20, 60, 60]);
  assert.match(log.texts[0] ?? '', /batches wait in the spool/);
  await pusher.close(1000);
});

test('when it is back they come oldest first, before what is new, and the disk is left alone again', async (context) => {
  const { directory, start } = createSite(context);
  let isAway = true;
  const { pusher, clock, transport } = await start(() => (isAway ? refusedConnection() : 204));
  for (let number = 1; number <= 10; number++) {
    pusher.enqueue([payload(number)]);
    await clock.advance(5000);
  }
  isAway = false;
  const before = transport.requests.length;
  pusher.enqueue([payload(11)]);
  await clock.advance(60_000);
  assert.deepEqual(sentNumbers(transport.requests.slice(before)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const { stats } = pusher;
  assert.deepEqual([stats.samplesSent, stats.samplesReplayed, imbalance(stats)], [33, 33, 0]);
  const { writes } = directory;
  pusher.enqueue([payload(12)]);
  await clock.advance(1000);
  assert.deepEqual([directory.writes, directory.files.size], [writes, 0]);
  await pusher.close(1000);
});

test('a request that hangs for two seconds brings all that waits to the disk, itself included', async (context) => {
  const { directory, start } = createSite(context);
  const { pusher, clock, transport } = await start((_, index) => (index === 0 ? NEVER : 204));
  pusher.enqueue([payload(1), payload(2)]);
  await clock.advance(1999);
  assert.equal(directory.files.size, 0);
  await clock.advance(1);
  assert.equal(directory.files.size, 2);
  pusher.enqueue([payload(3)]);
  await clock.advance(0);
  assert.deepEqual([directory.files.size, transport.requests.length, imbalance(pusher.stats)], [3, 1, 0]);
  await stop({ pusher, clock });
});

test('a slow request that succeeds after all leaves no file, and is sent once', async (context) => {
  const { directory, start } = createSite(context);
  let succeed = (_: TransportResult): void => undefined;
  const slow = new Promise<TransportResult>((resolve) => {
    succeed = resolve;
  });
  const { pusher, clock, transport } = await start((_, index) => (index === 0 ? slow : 204));
  pusher.enqueue([payload(1)]);
  await clock.advance(3000);
  assert.equal(directory.files.size, 1);
  succeed({ kind: 'answer', answer: { status: 204, headers: {}, bodyStart: '' }, resent: false });
  await clock.advance(100);
  assert.deepEqual([directory.files.size, transport.requests.length], [0, 1]);
  assert.deepEqual([pusher.stats.samplesSent, imbalance(pusher.stats)], [3, 0]);
  await pusher.close(1000);
});

test('a batch that is delivered while it is being written leaves no file, and is not sent again', async (context) => {
  const { directory, start } = createSite(context);
  let written = (): void => undefined;
  directory.writing = new Promise((resolve) => {
    written = resolve;
  });
  let succeed = (_: TransportResult): void => undefined;
  const slow = new Promise<TransportResult>((resolve) => {
    succeed = resolve;
  });
  const { pusher, clock, transport } = await start((_, index) => (index === 0 ? slow : 204));
  pusher.enqueue([payload(1)]);
  await clock.advance(3000);
  assert.deepEqual([directory.writes, directory.files.size], [1, 0]);
  succeed({ kind: 'answer', answer: { status: 204, headers: {}, bodyStart: '' }, resent: false });
  await clock.advance(10);
  assert.deepEqual([pusher.stats.samplesSent, imbalance(pusher.stats)], [3, 0]);
  written();
  await clock.advance(10);
  assert.deepEqual([directory.files.size, transport.requests.length, imbalance(pusher.stats)], [0, 1, 0]);
  await stop({ pusher, clock });
});

test('what is new while older batches are on disk goes to the disk, too', async (context) => {
  const { start } = createSite(context);
  let reply: FakeReply = refusedConnection();
  const { pusher, clock } = await start(() => reply);
  pusher.enqueue([payload(1), payload(2), payload(3)]);
  await clock.advance(100);
  // Back, but the first answer takes a second, and the second never comes.
  let answers = 0;
  const answered: TransportResult = {
    kind: 'answer',
    answer: { status: 204, headers: {}, bodyStart: '' },
    resent: false,
  };
  reply = new Promise<TransportResult>((resolve) => {
    clock.schedule(() => {
      answers++;
      reply = NEVER;
      resolve(answered);
    }, 1000);
  });
  await clock.advance(1500);
  assert.deepEqual([answers, pusher.stats.samplesSent], [1, 3]);
  pusher.enqueue([payload(4)]);
  await clock.advance(10);
  assert.deepEqual(
    [pusher.stats.queueSamples, pusher.stats.spoolBatches, imbalance(pusher.stats)],
    [0, 3, 0],
  );
  await stop({ pusher, clock });
});

test('a queue that is half full goes to the disk before anything is dropped', async (context) => {
  const { directory, start } = createSite(context);
  const { pusher, clock } = await start(() => NEVER, { queueMaxBytes: 20_000 });
  const body = payload(1, { samples: 100 }).body.length;
  for (let number = 1; number <= 20; number++) {
    pusher.enqueue([payload(number, { samples: 100 })]);
    await clock.advance(10);
  }
  assert.ok(20 * body > 40_000);
  assert.ok(directory.files.size >= 15);
  assert.deepEqual([pusher.stats.samplesDropped.queue_full, imbalance(pusher.stats)], [0, 0]);
  await stop({ pusher, clock });
});

describe('a restart', () => {
  test('after a clean stop nothing is missing, and order goes on', async (context) => {
    const { start } = createSite(context);
    const first = await start(AWAY);
    first.pusher.enqueue([payload(1), payload(2), payload(3)]);
    await stop(first);
    assert.deepEqual(
      [
        first.pusher.stats.spoolSamples,
        first.pusher.stats.samplesDropped.shutdown,
        imbalance(first.pusher.stats),
      ],
      [9, 0, 0],
    );
    assert.equal(
      first.log.texts.at(-1),
      'info: not all could be sent: the spool keeps it for the next start',
    );

    const second = await start(() => 204);
    second.pusher.enqueue([payload(4)]);
    await second.clock.advance(1000);
    assert.deepEqual(sentNumbers(second.transport.requests), [1, 2, 3, 4]);
    const { stats } = second.pusher;
    assert.deepEqual([stats.samples, stats.samplesSent, imbalance(stats)], [12, 12, 0]);
    await second.pusher.close(1000);
  });

  test('a stop does not wait for a receiver that is away: the spool is safe', async (context) => {
    const { start } = createSite(context);
    const { pusher, clock } = await start(AWAY);
    pusher.enqueue([payload(1)]);
    await clock.advance(100_000);
    const stoppedMs = clock.nowMs;
    const closed = pusher.close(4000);
    await clock.advance(0);
    await closed;
    assert.equal(clock.nowMs, stoppedMs);
    assert.equal(clock.nextInMs, undefined);
  });

  test('another format in the configuration: what can be sent is, the rest is told', async (context) => {
    const { start } = createSite(context);
    const first = await start(AWAY);
    first.pusher.enqueue([payload(1), payload(2)]);
    await stop(first);
    const second = await start(() => 204, { format: 'text' });
    await second.clock.advance(1000);
    const { stats } = second.pusher;
    assert.deepEqual([stats.samplesDropped.unsendable, stats.samplesSent, imbalance(stats)], [6, 0, 0]);
    await second.pusher.close(1000);
  });
});

test('law: over absences and restarts, everything arrives once and in order', async (context) => {
  const step = fc.record({
    payloads: fc.integer({ min: 0, max: 4 }),
    waitMs: fc.integer({ min: 0, max: 40_000 }),
    reply: fc.constantFrom<FakeReply>(204, 204, 503, 500, 429, refusedConnection()),
    restart: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const { start, directory } = createSite(context);
      const accepted: number[] = [];
      let reply: FakeReply = 204;
      const answer: FakeTransport['reply'] = (request) => {
        if (reply === 204) accepted.push(...sentNumbers([request]));
        return reply;
      };
      let exporter = await start(answer);
      const stopIt = async (): Promise<void> => {
        await stop(exporter);
        assert.equal(imbalance(exporter.pusher.stats), 0);
        assert.equal(exporter.pusher.stats.queueSamples, 0);
      };
      let number = 0;
      for (const { payloads, waitMs, restart, ...one } of steps) {
        reply = one.reply;
        for (let count = 0; count < payloads; count++) exporter.pusher.enqueue([payload(++number)]);
        await exporter.clock.advance(waitMs);
        assert.equal(imbalance(exporter.pusher.stats), 0);
        if (restart) {
          await stopIt();
          exporter = await start(answer);
        }
      }
      reply = 204;
      await exporter.clock.advance(200_000);
      await stopIt();
      assert.deepEqual(
        accepted,
        Array.from({ length: number }, (_, index) => index + 1),
      );
      assert.equal(directory.files.size, 0);
    }),
    { numRuns: 40 },
  );
});

test('spooled batches grow old, too: from the time of their samples on', async (context) => {
  const { start, directory } = createSite(context);
  const { pusher, clock } = await start(AWAY, { maxAgeMs: 60_000 });
  pusher.enqueue([payload(1, { timestampMs: START_MS }), payload(2, { timestampMs: START_MS + 50_000 })]);
  await clock.advance(100_000);
  assert.deepEqual(
    [pusher.stats.samplesDropped.too_old, directory.files.size, imbalance(pusher.stats)],
    [3, 1, 0],
  );
  await pusher.close(1000);
});
