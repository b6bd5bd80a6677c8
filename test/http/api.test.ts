// SPDX-License-Identifier: Apache-2.0
// The paths under /api/v1/, over real sockets: answers, refusals, codings, and readers of events.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { API_PLACES, type ApiSource } from '../../src/http/api-handler.js';
import { CONNECTION_TIMES } from '../../src/http/client-connection.js';
import { EVENT_READERS_MAX, EventReaders, eventReaderLimit } from '../../src/http/event-readers.js';
import type { Guard } from '../../src/http/guard.js';
import { listen } from '../../src/http/listen.js';
import { sendSentence } from '../../src/http/sentence.js';
import { createHttpApp } from '../../src/http/server.js';
import { createHttpFixture, fetchReply, until } from '../support/http/http-fixture.js';
import { connectRaw, get, type RawClient } from '../support/http/raw-client.js';

const BODY = Buffer.from(`{"refresh":1,"text":"${'x'.repeat(2000)}"}\n`);

interface Timer {
  readonly delayMs: number;
  task(): void;
}

interface RigOptions {
  readonly limit?: number;
  readonly stallMs?: number;
  readonly maxConnections?: number;
  readonly guard?: Guard;
}

async function createRig(t: TestContext, options: RigOptions = {}) {
  const rig = {
    isOn: true,
    body: [BODY.subarray(0, 100), BODY.subarray(100)] as readonly Buffer[],
    /** Answers that are being made. */
    making: [] as (() => void)[],
    isHeld: false,
    asked: [] as string[],
    skipped: 0,
    refused: 0,
    fault: undefined as Error | undefined,
  };
  const timers = new Set<Timer>();
  const readers = new EventReaders({
    limit: () => options.limit ?? EVENT_READERS_MAX,
    onRefused: () => rig.refused++,
    onSkipped: (count) => {
      rig.skipped += count;
    },
    schedule(task, delayMs) {
      const timer = { task, delayMs };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  });
  const source: ApiSource = {
    names: ['overview', 'flows'],
    isOn: () => rig.isOn,
    async answer(name, params) {
      rig.asked.push(`${name}?${params}`);
      if (rig.fault !== undefined) throw rig.fault;
      if (params.has('wrong')) return { refused: 'query', sentence: 'It is wrong.' };
      if (params.has('busy')) return { refused: 'busy', sentence: 'It is too much.' };
      if (rig.isHeld) await new Promise<void>((resolve) => rig.making.push(resolve));
      return { body: rig.body };
    },
    events: readers.handle,
  };
  const fixture = createHttpFixture(10);
  const parts = { ...fixture.parts, api: source, guard: options.guard };
  const { stallMs = CONNECTION_TIMES.stallMs, maxConnections } = options;
  const server = await listen(
    [{ host: '127.0.0.1', port: 0 }],
    { respond: createHttpApp(fixture.options, parts), onFault: (error) => fixture.faults.push(error) },
    { times: { ...CONNECTION_TIMES, stallMs }, ...(maxConnections === undefined ? {} : { maxConnections }) },
  );
  t.after(() => server.close(0));
  const follow = async (): Promise<RawClient> => {
    const client = await connectRaw(t, server.port);
    client.send(get('/api/v1/events'));
    await until('the stream begins', () => client.text.includes('retry: 2000'));
    return client;
  };
  return Object.assign(rig, { fixture, readers, server, timers, follow, url: server.url });
}

test('an answer is JSON of its length, gzip for those who take it, and never kept', async (t) => {
  const { url, asked } = await createRig(t);
  const plain = await fetchReply(`${url}/api/v1/flows?top=5&src=10.0.0.0/8`);
  assert.equal(plain.status, 200);
  assert.equal(plain.headers['content-type'], 'application/json; charset=utf-8');
  assert.equal(plain.headers['content-length'], String(BODY.length));
  assert.equal(plain.headers['cache-control'], 'no-store');
  assert.equal(plain.headers['vary'], 'Accept-Encoding');
  assert.equal(plain.headers['etag'], undefined);
  assert.equal(plain.headers['x-content-type-options'], 'nosniff');
  assert.deepEqual(plain.body, BODY);
  assert.deepEqual(asked, [`flows?${new URLSearchParams({ top: '5', src: '10.0.0.0/8' })}`]);
  const coded = await fetchReply(`${url}/api/v1/flows`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(coded.headers['content-encoding'], 'gzip');
  assert.equal(coded.headers['content-length'], String(coded.body.length));
  assert.deepEqual(gunzipSync(coded.body), BODY);
  const head = await fetchReply(`${url}/api/v1/flows`, { method: 'HEAD' });
  assert.deepEqual(
    [head.status, head.headers['content-length'], head.body.length],
    [200, String(BODY.length), 0],
  );
});

test('what cannot be answered is said in a sentence', async (t) => {
  const rig = await createRig(t);
  const of = async (path: string, method = 'GET'): Promise<[number, string]> => {
    const { status, body } = await fetchReply(rig.url + path, { method });
    return [status, body.toString()];
  };
  assert.deepEqual(await of('/api/v1/flows?wrong=1'), [400, 'It is wrong.\n']);
  assert.deepEqual(await of('/api/v1/flows?busy=1'), [503, 'It is too much.\n']);
  assert.equal((await of('/api/v1/flows', 'POST'))[0], 405);
  assert.equal((await of('/api/v1/events', 'POST'))[0], 405);
  const [status, sentence] = await of('/api/v1/nothing');
  assert.equal(status, 404);
  assert.equal(
    sentence,
    'There is nothing at this path; there are /api/v1/overview, /api/v1/flows, /api/v1/events.\n',
  );
  rig.fault = new Error('a fault');
  assert.equal((await of('/api/v1/flows'))[0], 500);
  assert.equal(rig.fixture.faults.length, 1);
  rig.isOn = false;
  for (const path of ['overview', 'flows', 'events', 'nothing']) {
    const reply = await of(`/api/v1/${path}`);
    assert.equal(reply[0], 404);
    assert.match(reply[1], /switched off \(web\.ui: false\)/);
  }
});

test('a client with many requests keeps no other out, and some of its own are refused', async (t) => {
  const rig = await createRig(t);
  rig.isHeld = true;
  const ask = (client: string, name: string) =>
    fetchReply(`${rig.url}/api/v1/flows?client=${name}`, { localAddress: client });
  const many = Array.from({ length: 3 * API_PLACES }, () => ask('127.0.0.1', 'greedy'));
  await until('all places are taken', () => rig.making.length === API_PLACES);
  const other = ask('127.0.0.2', 'other');
  await until('the other is there', () => rig.server.connections > 3 * API_PLACES);
  await fetchReply(`${rig.url}/-/healthy`); // which is after it
  assert.equal(rig.asked.length, API_PLACES, 'the rest waits');
  rig.making.shift()?.();
  await until('the next is asked', () => rig.asked.length > API_PLACES);
  assert.match(rig.asked.at(-1) ?? '', /client=other$/);
  const refused = (await Promise.all(many.slice(API_PLACES))).map(({ status }) => status);
  assert.ok(refused.every((status) => status === 503));
  rig.isHeld = false;
  for (const go of rig.making) go();
  assert.equal((await other).status, 200);
});

test('a client that keeps taking is not cut off, however slow; one that takes nothing is', async (t) => {
  const BYTES = 20 * 1024 * 1024;
  const rig = await createRig(t, { stallMs: 1000 });
  rig.body = [Buffer.alloc(BYTES, 'x')];
  const slow = await connectRaw(t, rig.server.port);
  let taken = 0;
  slow.socket.removeAllListeners('data');
  slow.socket.on('data', (bytes: Buffer) => {
    taken += bytes.length;
    slow.socket.pause();
    setTimeout(() => slow.socket.resume(), 10);
  });
  slow.send(get('/api/v1/flows'));
  await until('all of it', () => taken > BYTES);
  const deaf = await connectRaw(t, rig.server.port);
  deaf.socket.pause();
  deaf.send(get('/api/v1/flows'));
  await until('it is cut off', () => rig.fixture.codes.includes('aborted'));
});

test('the guard stands before it, as before the metrics', async (t) => {
  const rig = await createRig(t, {
    guard: (_request, response) => sendSentence(response, 401, 'Log in.'),
  });
  for (const path of ['/api/v1/overview', '/api/v1/events', '/api/v1/x', '/metrics']) {
    assert.equal((await fetchReply(rig.url + path)).status, 401, path);
  }
  assert.deepEqual(rig.asked, []);
  assert.equal(rig.readers.count, 0);
});

test('a message goes to all readers; a stream has its head, and ends when it is told to', async (t) => {
  const { readers, follow, url } = await createRig(t);
  const clients = [await follow(), await follow()];
  assert.match(clients[0]?.text ?? '', /^HTTP\/1\.1 200 OK\r\n[\s\S]*content-type: text\/event-stream/i);
  assert.equal(readers.count, 2);
  readers.send('refresh', 7, '{"a":1}');
  for (const client of clients) {
    await until('it comes', () => client.text.includes('event: refresh\nid: 7\ndata: {"a":1}\n\n'));
  }
  const head = await fetchReply(`${url}/api/v1/events`, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers['content-type']], [200, 'text/event-stream; charset=utf-8']);
  clients[0]?.socket.destroy();
  await until('who is gone is no reader', () => readers.count === 1);
  readers.endAll();
  await until('the stream is over', () => clients[1]?.text.endsWith('0\r\n\r\n') === true);
  assert.equal(readers.count, 0);
  readers.send('refresh', 8, '{}');
});

test('silence is broken by a comment, and the timer ends with the last reader', async (t) => {
  const { readers, follow, timers } = await createRig(t);
  const client = await follow();
  assert.deepEqual(
    [...timers].map(({ delayMs }) => delayMs),
    [15_000],
  );
  for (const { task } of [...timers]) task();
  await until('a comment', () => client.text.includes('3\r\n:\n\n'));
  readers.send('refresh', 1, '{}');
  client.socket.destroy();
  await until('nobody reads', () => readers.count === 0);
  assert.equal(timers.size, 0);
});

test('one reader more than may be is told so', async (t) => {
  const rig = await createRig(t, { limit: 2 });
  await rig.follow();
  const second = await rig.follow();
  const { status, body, headers } = await fetchReply(`${rig.url}/api/v1/events`);
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '10');
  assert.match(body.toString(), /^2 readers follow events already/);
  assert.equal(rig.refused, 1);
  second.socket.destroy();
  await until('there is room', () => rig.readers.count === 1);
  await rig.follow();
  assert.deepEqual([512, 100, 8, 0].map(eventReaderLimit), [64, 12, 1, 1]);
});

test('readers that never read get nothing more, the others all; memory does not grow, and they are cut off', async (t) => {
  const rig = await createRig(t, { stallMs: 500 });
  const deaf = await Promise.all(Array.from({ length: 20 }, () => rig.follow()));
  for (const { socket } of deaf) socket.pause();
  const good = await rig.follow();
  const message = JSON.stringify({ text: 'x'.repeat(100_000) });
  let id = 0;
  await until('some are skipped', async () => {
    rig.readers.send('refresh', ++id, message);
    await until('the good one has it', () => good.text.includes(`id: ${id}\n`));
    good.text = '';
    return rig.skipped > 20;
  });
  const before = process.memoryUsage();
  for (let i = 0; i < 200; i++) rig.readers.send('refresh', ++id, message);
  const grownBytes = process.memoryUsage().external - before.external;
  assert.ok(grownBytes < 200 * message.length, `${grownBytes} bytes more, not ${200 * 20 * message.length}`);
  assert.ok(rig.skipped >= 200 * 15);
  await until('who takes nothing is cut off', () => rig.readers.count <= 1);
});

test('scrapes are answered beside as many event streams as there may be', async (t) => {
  const rig = await createRig(t, { maxConnections: 80, limit: eventReaderLimit(80) });
  const streams = await Promise.all(Array.from({ length: eventReaderLimit(80) }, () => rig.follow()));
  const answers = await Promise.all(Array.from({ length: 40 }, () => fetchReply(`${rig.url}/metrics`)));
  assert.ok(answers.every(({ status, complete }) => status === 200 && complete));
  assert.ok(
    streams.every(({ isClosed }) => !isClosed),
    'a stream is not idle: nobody takes its connection',
  );
});
