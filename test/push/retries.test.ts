// SPDX-License-Identifier: Apache-2.0
// When a batch is sent again and when it is not, by the sender's rules of remote write. Time and
// network are fakes; what a real connection brings is in http-transport.test.ts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createTestPusher,
  type FakeReply,
  imbalance,
  payload,
  refusedConnection,
  START_MS,
  sentNumbers,
  turns,
} from '../support/push/push-fixture.js';

/** Gaps between requests, in milliseconds. */
const gaps = (requests: readonly { atMs: number }[]): number[] =>
  requests.slice(1).map(({ atMs }, index) => atMs - (requests[index]?.atMs ?? 0));

describe('never again', () => {
  for (const status of [400, 401, 403, 404, 405, 408, 409, 413, 415, 422]) {
    test(`${status}: one request, its samples dropped and counted, the next one sent`, async () => {
      const { pusher, clock, transport } = createTestPusher(
        {},
        { reply: (_, index) => (index === 0 ? status : 204) },
      );
      pusher.enqueue([payload(1), payload(2)]);
      await clock.advance(60_000);
      assert.deepEqual(sentNumbers(transport.requests), [1, 2]);
      const { stats } = pusher;
      assert.deepEqual([stats.samplesDropped.refused, stats.samplesSent, stats.retries], [3, 3, 0]);
      assert.deepEqual(
        [...stats.requests],
        [
          [String(status), 1],
          ['204', 1],
        ],
      );
    });
  }

  for (const status of [200, 202, 204]) {
    test(`${status}: accepted, whatever the body says`, async () => {
      const reply: FakeReply = { status, body: 'error: everything is wrong' };
      const { pusher, clock, transport, log } = createTestPusher({}, { reply: () => reply });
      pusher.enqueue([payload(1)]);
      await clock.advance(60_000);
      assert.equal(transport.requests.length, 1);
      assert.deepEqual([pusher.stats.samplesSent, pusher.stats.bytesSent], [3, payload(1).body.length]);
      assert.deepEqual(log.texts, ['info: push works: the receiver takes remote_write_1 in snappy']);
    });
  }
});

describe('again, with backoff', () => {
  const faults: [string, FakeReply][] = [
    ['500', 500],
    ['502', 502],
    ['503', 503],
    ['504', 504],
    ['429', 429],
    ['999', 999],
    ['a redirect', { status: 302, headers: { location: 'http://elsewhere/' } }],
    ['a refused connection', refusedConnection()],
  ];
  for (const [name, fault] of faults) {
    test(`${name}: twice as long each time, at most one request at a time, nothing lost`, async () => {
      const { pusher, clock, transport } = createTestPusher(
        {},
        { reply: (_, index) => (index < 9 ? fault : 204) },
      );
      pusher.enqueue([payload(1)]);
      await clock.advance(600_000);
      assert.deepEqual(sentNumbers(transport.requests), Array(10).fill(1));
      assert.deepEqual(
        gaps(transport.requests),
        [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
      );
      const { stats } = pusher;
      assert.deepEqual([stats.samplesSent, stats.retries, imbalance(stats)], [3, 9, 0]);
    });
  }

  test('429 drops the batch where the configuration says so', async () => {
    const { pusher, clock, transport } = createTestPusher({ retryOn429: false }, { reply: () => 429 });
    pusher.enqueue([payload(1)]);
    await clock.advance(600_000);
    assert.deepEqual([transport.requests.length, pusher.stats.samplesDropped.refused], [1, 3]);
  });

  test('a tenth of jitter, no more', async () => {
    const { pusher, clock, transport } = createTestPusher({}, { reply: () => 503, random: () => 0.999 });
    pusher.enqueue([payload(1)]);
    await clock.advance(5000);
    const ratios = gaps(transport.requests).map((gap, index) => gap / (500 * 2 ** index));
    for (const ratio of ratios) assert.ok(ratio > 1.09 && ratio <= 1.1, `${ratio}`);
  });

  test('after a success it starts from the shortest wait again', async () => {
    const script = [503, 503, 204, 503, 204];
    const { pusher, clock, transport } = createTestPusher({}, { reply: (_, index) => script[index] ?? 204 });
    pusher.enqueue([payload(1), payload(2)]);
    await clock.advance(60_000);
    assert.deepEqual(sentNumbers(transport.requests), [1, 1, 1, 2, 2]);
    assert.deepEqual(gaps(transport.requests), [500, 1000, 0, 500]);
  });

  test('new batches wait their turn, and do not cut a backoff short', async () => {
    const { pusher, clock, transport } = createTestPusher(
      {},
      { reply: (_, index) => (index < 3 ? 503 : 204) },
    );
    pusher.enqueue([payload(1)]);
    await clock.advance(100);
    pusher.enqueue([payload(2)]);
    await clock.advance(200);
    pusher.enqueue([payload(3)]);
    await clock.advance(60_000);
    assert.deepEqual(sentNumbers(transport.requests), [1, 1, 1, 1, 2, 3]);
    assert.deepEqual(gaps(transport.requests), [500, 1000, 2000, 0, 0]);
  });
});

describe('Retry-After', () => {
  const date = (ms: number): string => new Date(START_MS + ms).toUTCString();
  const cases: [string, number, string, number][] = [
    ['seconds, 503', 503, '7', 7000],
    ['seconds, 429', 429, '7', 7000],
    ['a date', 503, date(7000), 7000],
    ['a date that has passed is ignored', 503, date(-7000), 500],
    ['nonsense is ignored', 503, 'tomorrow', 500],
    ['less than the shortest wait', 503, '0', 500],
    ['more than the longest', 503, '86400', 30_000],
  ];
  for (const [name, status, header, wanted] of cases) {
    test(`${name}: ${header}`, async () => {
      const { pusher, clock, transport } = createTestPusher(
        {},
        { reply: (_, index) => (index === 0 ? { status, headers: { 'retry-after': header } } : 204) },
      );
      pusher.enqueue([payload(1)]);
      await clock.advance(60_000);
      assert.deepEqual(gaps(transport.requests), [wanted]);
    });
  }
});

describe('a batch that the receiver fails over cannot stall the queue', () => {
  const poison = (number: number) => (request: { body: Buffer }) =>
    sentNumbers([{ headers: {}, body: request.body }])[0] === number ? 500 : 204;

  test('it is given up when the receiver takes the next one right after', async () => {
    const { pusher, clock, transport, log } = createTestPusher({}, { reply: poison(1) });
    pusher.enqueue([payload(1), payload(2), payload(3)]);
    await clock.advance(60_000);
    assert.deepEqual(sentNumbers(transport.requests), [1, 1, 1, 1, 1, 2, 3]);
    const { stats } = pusher;
    assert.deepEqual([stats.samplesDropped.poison, stats.samplesSent, imbalance(stats)], [3, 6, 0]);
    assert.ok(log.texts.some((text) => text.startsWith('error: a batch makes the receiver fail')));
  });

  test('a receiver that fails over all of them is ill: nothing is given up', async () => {
    let isIll = true;
    const { pusher, clock, transport } = createTestPusher({}, { reply: () => (isIll ? 500 : 204) });
    pusher.enqueue([payload(1), payload(2)]);
    await clock.advance(600_000);
    isIll = false;
    const before = transport.requests.length;
    await clock.advance(60_000);
    assert.deepEqual(sentNumbers(transport.requests.slice(before)), [1, 2]);
    assert.deepEqual([pusher.stats.samplesSent, imbalance(pusher.stats)], [6, 0]);
  });

  test('that the next one is refused proves nothing', async () => {
    const { pusher, clock } = createTestPusher(
      {},
      { reply: (request) => (poison(1)(request) === 500 ? 500 : 400) },
    );
    pusher.enqueue([payload(1), payload(2), payload(3)]);
    await clock.advance(600_000);
    const { stats } = pusher;
    assert.deepEqual(
      [stats.samplesDropped.poison, stats.samplesDropped.refused, stats.queueSamples],
      [0, 6, 3],
    );
  });

  test('503 says that the receiver is busy, and is nobody else’s fault', async () => {
    const { pusher, clock, transport } = createTestPusher(
      {},
      { reply: (request) => (poison(1)(request) === 500 ? 503 : 204) },
    );
    pusher.enqueue([payload(1), payload(2)]);
    await clock.advance(600_000);
    assert.ok(sentNumbers(transport.requests).every((number) => number === 1));
  });

  test('alone in the queue it ends with its age', async () => {
    const { pusher, clock, transport } = createTestPusher({ maxAgeMs: 60_000 }, { reply: poison(1) });
    pusher.enqueue([payload(1, { timestampMs: START_MS })]);
    await clock.advance(120_000);
    const { stats } = pusher;
    assert.deepEqual([stats.samplesDropped.too_old, stats.queueSamples, imbalance(stats)], [3, 0, 0]);
    assert.ok((transport.requests.at(-1)?.atMs ?? 0) <= 60_000);
  });
});

test('samples that are too old already are not sent at all', async () => {
  const { pusher, clock, transport } = createTestPusher({ maxAgeMs: 60_000 });
  pusher.enqueue([
    payload(1, { timestampMs: START_MS - 60_001 }),
    payload(2, { timestampMs: START_MS - 60_000 }),
  ]);
  await clock.advance(0);
  assert.deepEqual(sentNumbers(transport.requests), [2]);
  assert.equal(pusher.stats.samplesDropped.too_old, 3);
});

test('one line when the receiver goes, one when it is back, however often it failed', async () => {
  let isAway = true;
  const { pusher, clock, log } = createTestPusher({}, { reply: () => (isAway ? refusedConnection() : 204) });
  for (let number = 1; number <= 20; number++) {
    pusher.enqueue([payload(number)]);
    await clock.advance(5000);
  }
  isAway = false;
  await clock.advance(60_000);
  assert.deepEqual(log.texts, [
    'warn: push fails, trying again; batches wait in memory: nothing listens at receiver:8428 (connection refused)',
    `info: push works after ${Math.round(((pusher.stats.lastSuccessMs ?? 0) - START_MS) / 1000)} s`,
  ]);
  assert.equal(pusher.stats.samplesSent, 60);
});

test('a receiver that refuses everything is told once, in its own words, and again when that is over', async () => {
  let refuses = true;
  const { pusher, clock, log } = createTestPusher(
    {},
    { reply: () => (refuses ? { status: 401, body: 'who are "you"?' } : 204) },
  );
  for (let number = 1; number <= 20; number++) {
    pusher.enqueue([payload(number)]);
    await clock.advance(5000);
  }
  refuses = false;
  for (let number = 21; number <= 40; number++) {
    pusher.enqueue([payload(number)]);
    await clock.advance(5000);
  }
  assert.deepEqual(log.texts, [
    'error: the receiver refuses samples, which are dropped: receiver:8428 answers 401: the login is missing or wrong; look at push.basic_auth and push.bearer_token_file; it says: who are "you"?',
    'info: push works: the receiver takes remote_write_1 in snappy',
    'info: no more samples are dropped: refused',
  ]);
  assert.deepEqual([pusher.stats.samplesDropped.refused, pusher.stats.samplesSent], [60, 60]);
});

test('requests are counted by status and by failure, and timed', async () => {
  const script: FakeReply[] = [refusedConnection(), 503, 204];
  const { pusher, clock } = createTestPusher({}, { reply: (_, index) => script[index] ?? 204 });
  assert.deepEqual([pusher.stats.isUp, pusher.stats.lastSuccessMs], [false, undefined]);
  pusher.enqueue([payload(1)]);
  await clock.advance(10_000);
  const { stats } = pusher;
  assert.deepEqual(
    [...stats.requests],
    [
      ['refused', 1],
      ['503', 1],
      ['204', 1],
    ],
  );
  assert.equal(
    stats.requestDuration.counts.reduce((sum, count) => sum + count, 0),
    3,
  );
  assert.deepEqual([stats.isUp, stats.lastSuccessMs], [true, START_MS + 1500]);
});

test('a fault of the program itself does not end pushing', async () => {
  const { pusher, clock, transport, log } = createTestPusher(
    {},
    {
      reply: (_, index) => {
        if (index === 0) throw new Error('a mistake');
        return 204;
      },
    },
  );
  pusher.enqueue([payload(1)]);
  await clock.advance(10_000);
  assert.equal(transport.requests.length, 2);
  assert.equal(pusher.stats.samplesSent, 3);
  assert.match(log.texts[0] ?? '', /unexpected: a mistake/);
  await turns();
});
