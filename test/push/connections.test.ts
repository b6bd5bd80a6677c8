// SPDX-License-Identifier: Apache-2.0
// What goes wrong with real connections: the batch arrives all the same.

import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { imbalance, payload, untilSent } from '../support/push/push-fixture.js';
import { openTestPusher, startReceiver } from '../support/push/real-pusher.js';
import { decodeSeries, type ReceivedPush, type Reply } from '../support/receivers/push-receiver.js';

/** The value of the first sample: the number of the payload. */
const numberOf = (push: ReceivedPush): number | undefined => decodeSeries(push)[0]?.samples[0]?.value;

describe('a connection that goes wrong: the batch arrives all the same', () => {
  const faults: [string, Reply, string][] = [
    ['reset before the answer', { fault: 'reset' }, 'reset'],
    ['no HTTP', { raw: 'SSH-2.0-OpenSSH_9.2\r\n' }, 'not_http'],
    ['an empty answer', { raw: '' }, 'reset'],
    ['a status of 999', { status: 999 }, '999'],
    ['500 with a megabyte of words', { status: 500, body: Buffer.alloc(1 << 20, 'x') }, '500'],
    ['500 that breaks off', { status: 500, fault: 'half' }, '500'],
    ['a redirect', { status: 308, headers: { Location: 'http://127.0.0.1:1/' } }, '308'],
  ];
  for (const [name, reply, code] of faults) {
    test(name, async (context) => {
      const receiver = await startReceiver(context, { reply: (_, index) => (index < 2 ? reply : {}) });
      const { pusher, log } = await openTestPusher(context, { url: receiver.url() });
      pusher.enqueue([payload(1)]);
      await untilSent(pusher);
      const { stats } = pusher;
      assert.deepEqual([stats.samplesSent, imbalance(stats)], [3, 0]);
      assert.ok((stats.requests.get(code) ?? 0) >= 1, JSON.stringify([...stats.requests]));
      assert.equal(numberOf(receiver.pushes.at(-1) ?? assert.fail()), 1);
      const line = log.lines.find(({ level }) => level === 'warn');
      assert.ok(String(line?.fields['reason']).length < 1200);
    });
  }

  test('no answer at all: after the timeout again', async (context) => {
    const receiver = await startReceiver(context, {
      reply: (_, index) => (index === 0 ? { fault: 'never' } : {}),
    });
    const { pusher } = await openTestPusher(context, { url: receiver.url(), timeoutMs: 100 });
    pusher.enqueue([payload(1)]);
    await untilSent(pusher);
    assert.deepEqual(
      [...pusher.stats.requests],
      [
        ['timeout', 1],
        ['204', 1],
      ],
    );
  });

  test('an answer whose body never ends: its status counts', async (context) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    context.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as { port: number };
    const { pusher } = await openTestPusher(context, {
      url: `http://127.0.0.1:${port}/write`,
      timeoutMs: 100,
    });
    pusher.enqueue([payload(1)]);
    await untilSent(pusher);
    assert.deepEqual([[...pusher.stats.requests], pusher.stats.samplesSent], [[['200', 1]], 3]);
  });

  test('a kept connection that was closed meanwhile costs no wait and no line', async (context) => {
    const receiver = await startReceiver(context);
    const { pusher, log } = await openTestPusher(context, {
      url: receiver.url(),
      minBackoffMs: 60_000,
      maxBackoffMs: 60_000,
    });
    for (let number = 1; number <= 5; number++) {
      pusher.enqueue([payload(number)]);
      // The close is on its way when the next request goes out: Node may or may not have seen it.
      await untilSent(pusher);
      receiver.closeConnections();
    }
    assert.deepEqual(receiver.pushes.map(numberOf), [1, 2, 3, 4, 5]);
    assert.equal(pusher.stats.samplesSent, 15);
    assert.equal(log.lines.length, 1);
  });

  test('a kept connection that is reset over the next request: sent again at once, counted', async (context) => {
    const receiver = await startReceiver(context, {
      reply: ({ connection }, index) => (index > 0 && connection === 1 ? { fault: 'reset' } : {}),
    });
    const { pusher, log } = await openTestPusher(context, {
      url: receiver.url(),
      minBackoffMs: 60_000,
      maxBackoffMs: 60_000,
    });
    pusher.enqueue([payload(1)]);
    await untilSent(pusher);
    pusher.enqueue([payload(2)]);
    await untilSent(pusher);
    assert.deepEqual(
      receiver.pushes.map(({ connection }) => connection),
      [1, 1, 2],
    );
    const { stats } = pusher;
    assert.deepEqual(
      [[...stats.requests], stats.retries, log.lines.length],
      [
        [
          ['204', 2],
          ['reset', 1],
        ],
        1,
        1,
      ],
    );
  });

  test('nobody there, then somebody', async (context) => {
    const gone = await startReceiver(context);
    const { port } = gone;
    await gone.stop();
    const { pusher, log } = await openTestPusher(context, { url: `http://127.0.0.1:${port}/api/v1/write` });
    for (let number = 1; number <= 10; number++) pusher.enqueue([payload(number)]);
    await waitFor('some failures', () => (pusher.stats.requests.get('refused') ?? 0) > 3, { intervalMs: 5 });
    const back = await startReceiver(context, { port });
    await untilSent(pusher);
    assert.deepEqual(back.pushes.map(numberOf), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.deepEqual([pusher.stats.samplesSent, imbalance(pusher.stats), log.lines.length], [30, 0, 2]);
    assert.match(log.texts[0] ?? '', /nothing listens at 127\.0\.0\.1:\d+ \(connection refused\)$/);
  });

  test('a name that does not exist is one sentence, and pushing goes on trying', async (context) => {
    const { pusher, log } = await openTestPusher(context, { url: 'http://receiver.invalid:1/write' });
    pusher.enqueue([payload(1)]);
    await waitFor(
      'it is tried again',
      () => {
        const { requests } = pusher.stats;
        return (requests.get('dns') ?? 0) > 1;
      },
      { intervalMs: 5 },
    );
    assert.match(log.texts[0] ?? '', /(there is no host named|the name) receiver\.invalid/);
    assert.equal(log.lines.length, 1);
  });
});

test('a stop breaks off a request that hangs', async (context) => {
  const receiver = await startReceiver(context, { reply: () => ({ fault: 'never' }) });
  const { pusher } = await openTestPusher(context, { url: receiver.url() });
  pusher.enqueue([payload(1)]);
  await waitFor('the request is there', () => receiver.pushes.length === 1, { intervalMs: 5 });
  await pusher.close(100);
  assert.deepEqual([pusher.stats.samplesDropped.shutdown, imbalance(pusher.stats)], [3, 0]);
});
