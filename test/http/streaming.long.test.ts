// SPDX-License-Identifier: Apache-2.0
// Scrapes over real sockets: sharing, slow, stuck and vanished clients, limits, closing.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ExporterError } from '../../src/errors.js';
import { type ListeningServer, listen } from '../../src/http/listen.js';
import { scrapeLimitMs } from '../../src/http/metrics-handler.js';
import { createHttpApp } from '../../src/http/server.js';
import { parseText } from '../support/exposition/text-grammar.js';
import {
  createGate,
  createHttpFixture,
  fetchReply,
  type HttpFixture,
  until,
} from '../support/http/http-fixture.js';

const HERE = { host: '127.0.0.1', port: 0 };

async function serve(t: TestContext, fixture: HttpFixture): Promise<ListeningServer> {
  const respond = createHttpApp(fixture.options, fixture.parts);
  const server = await listen([HERE], { respond, onFault: (error) => fixture.faults.push(error) });
  t.after(() => server.close(0));
  return server;
}

/** A client that sends a request and reads nothing until told to. */
async function connectStuck(t: TestContext, port: number, headers = ''): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.pause();
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(`GET /metrics HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  return socket;
}

// 40 MB: more than socket buffers of both sides take.
const MANY_FLOWS = 50_000;

test('a large exposition arrives whole, plain and as gzip', async (t) => {
  const fixture = createHttpFixture(MANY_FLOWS);
  const { url } = await serve(t, fixture);
  const plain = await fetchReply(`${url}/metrics`);
  assert.equal(plain.headers['content-length'], String(plain.body.length));
  assert.equal(parseText(plain.body.toString()).at(-1)?.samples.length, MANY_FLOWS);
  const zipped = await fetchReply(`${url}/metrics`, { headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(zipped.headers['content-length'], String(zipped.body.length));
  const unzipped = gunzipSync(zipped.body);
  assert.equal(unzipped.length, plain.body.length);
  assert.equal(fixture.exposer.renderings, 0);
});

test('scrapes at the same time share one rendering', async (t) => {
  const fixture = createHttpFixture(1000);
  const { url } = await serve(t, fixture);
  const gate = createGate();
  fixture.guard = gate.promise;
  const replies = Promise.all(Array.from({ length: 8 }, () => fetchReply(`${url}/metrics`)));
  await until('all of them wait', () => fixture.scrapes === 8);
  gate.open();
  const [first, ...others] = await replies;
  for (const other of others) assert.deepEqual(other.body, first?.body);
  assert.deepEqual(fixture.renderings, ['text']);
});

test('a client that is gone while it waits costs nothing, and is counted as aborted', async (t) => {
  const fixture = createHttpFixture(1000);
  const { port } = await serve(t, fixture);
  const gate = createGate();
  fixture.guard = gate.promise;
  const socket = await connectStuck(t, port);
  await until('the scrape waits', () => fixture.exposer.renderings === 1);
  socket.destroy();
  await until('nobody waits', () => fixture.exposer.renderings === 0);
  gate.open();
  await until('it is counted', () => fixture.codes.length === 1);
  assert.deepEqual(fixture.codes, ['aborted']);
  assert.deepEqual(fixture.renderings, []);
  assert.deepEqual(fixture.faults, []);
});

test('a client that leaves in the middle of the body frees its rendering', async (t) => {
  const fixture = createHttpFixture(MANY_FLOWS);
  const { port } = await serve(t, fixture);
  const socket = await connectStuck(t, port);
  await until('it is rendered', () => fixture.renderings.length === 1);
  socket.destroy();
  await until('the rendering is gone', () => fixture.exposer.renderings === 0);
  assert.deepEqual(fixture.faults, []);
});

for (const [what, limits] of [
  ['takes nothing for too long', { maxStallMs: 500 }],
  ['is not done in time', { maxDurationMs: 3000 }],
] as const) {
  test(`a stuck client that ${what} is cut off, and its rendering is freed`, async (t) => {
    const fixture = createHttpFixture(MANY_FLOWS, limits);
    const { port } = await serve(t, fixture);
    const socket = await connectStuck(t, port);
    await until('it is rendered', () => fixture.renderings.length === 1);
    await until('it is cut off', () => fixture.exposer.renderings === 0);
    let bytes = 0;
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    socket.resume();
    await until('the client sees the end', () => socket.closed);
    assert.ok(bytes > 0 && bytes < 30e6, `${bytes} bytes are not the whole`);
    await until('it is counted', () => fixture.codes.length === 1);
    assert.deepEqual(fixture.codes, ['aborted']);
  });
}

test('a slow client gets all of it, and the server holds no more than it has to', async (t) => {
  const fixture = createHttpFixture(MANY_FLOWS);
  const { port } = await serve(t, fixture);
  const socket = await connectStuck(t, port, 'Connection: close\r\n');
  await until('it is rendered', () => fixture.renderings.length === 1);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    socket.pause();
    setImmediate(() => socket.resume());
  });
  socket.resume();
  await until('the client sees the end', () => socket.closed);
  const reply = Buffer.concat(chunks);
  const bodyStart = reply.indexOf('\r\n\r\n') + 4;
  const length = /content-length: (\d+)/i.exec(reply.subarray(0, bodyStart).toString())?.[1];
  assert.equal(String(reply.length - bodyStart), length);
});

test('a scrape that cannot be ready in time is 503 before its timeout, not part of a 200', async (t) => {
  const fixture = createHttpFixture();
  const { url } = await serve(t, fixture);
  fixture.guard = createGate().promise; // never opened
  const headers = { 'X-Prometheus-Scrape-Timeout-Seconds': '0.1' };
  const reply = await fetchReply(`${url}/metrics`, { headers });
  assert.equal(reply.status, 503);
  assert.match(reply.body.toString(), /^The metrics were not ready within 0\.05 s; .*\.\n$/);
  assert.equal(reply.headers['retry-after'], '1');
  assert.equal(fixture.exposer.renderings, 0);
  assert.deepEqual(fixture.faults, []);
});

test('more scrapes than allowed are 503, and served again when there is room', async (t) => {
  const fixture = createHttpFixture(10, { maxRequests: 2 });
  const { url } = await serve(t, fixture);
  const gate = createGate();
  fixture.guard = gate.promise;
  const waiting = [fetchReply(`${url}/metrics`), fetchReply(`${url}/metrics?again`)];
  await until('both wait', () => fixture.scrapes === 2);
  const refused = await fetchReply(`${url}/metrics`);
  assert.equal(refused.status, 503);
  assert.match(refused.body.toString(), /^2 scrapes are being served already \(web\.max_requests\); .*\.\n$/);
  assert.equal((await fetchReply(`${url}/-/healthy`)).status, 200, 'other pages have room');
  gate.open();
  for (const reply of await Promise.all(waiting)) assert.equal(reply.status, 200);
  assert.equal((await fetchReply(`${url}/metrics`)).status, 200);
});

test('a scrape that finds no place waits for one for a while', async (t) => {
  const fixture = createHttpFixture(10, { maxRequests: 2 });
  const { url } = await serve(t, fixture);
  const gate = createGate();
  fixture.guard = gate.promise;
  const scrapes = Array.from({ length: 20 }, () => fetchReply(`${url}/metrics`));
  await until('two are inside', () => fixture.scrapes === 2);
  gate.open();
  for (const reply of await Promise.all(scrapes)) assert.equal(reply.status, 200);
});

test('stuck clients are cut off sooner where others wait for their places', async (t) => {
  const fixture = createHttpFixture(MANY_FLOWS, { maxRequests: 2, maxStallMs: 60_000 });
  const { url, port } = await serve(t, fixture);
  for (let i = 0; i < 2; i++) {
    await connectStuck(t, port);
    await until('it is inside', () => fixture.scrapes === i + 1);
  }
  await until('it is rendered', () => fixture.renderings.length === 1);
  const startedMs = performance.now();
  const reply = await fetchReply(`${url}/metrics`);
  assert.equal(reply.status, 200);
  assert.ok(reply.complete);
  assert.ok(performance.now() - startedMs < 20_000, 'long before their time is over');
  assert.ok(fixture.codes.includes('aborted'));
});

test('scrapeLimitMs leaves half a second of the scraper to the way back', () => {
  for (const [header, expected] of [
    [undefined, 60_000],
    ['10', 9_500],
    ['10.000', 9_500],
    ['0.5', 250],
    ['1', 500],
    ['1000', 60_000],
    ['0', 60_000],
    ['-1', 60_000],
    ['', 60_000],
    ['soon', 60_000],
    ['Infinity', 60_000],
    [['1', '2'], 60_000],
  ] as const) {
    assert.equal(
      scrapeLimitMs(header === undefined || typeof header === 'string' ? header : [...header], 60_000),
      expected,
    );
  }
});

test('close lets a response under way end, takes no new connection, and does not wait for idle ones', async (t) => {
  const fixture = createHttpFixture();
  const server = await serve(t, fixture);
  const idle = connect({ host: '127.0.0.1', port: server.port });
  t.after(() => idle.destroy());
  idle.write('GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => idle.once('data', resolve));

  const gate = createGate();
  fixture.guard = gate.promise;
  const underWay = fetchReply(`${server.url}/metrics`);
  await until('a scrape waits', () => fixture.exposer.renderings === 1);
  const closed = server.close(60_000);
  await assert.rejects(fetchReply(`${server.url}/-/healthy`), /ECONNREFUSED/);
  gate.open();
  const reply = await underWay;
  assert.equal(reply.status, 200);
  assert.ok(reply.complete);
  await closed;
  await until('the idle connection is closed', () => idle.closed || idle.destroyed || idle.readableEnded);
});

test('close cuts what is left at its limit', async (t) => {
  const fixture = createHttpFixture();
  const server = await serve(t, fixture);
  fixture.guard = createGate().promise; // never opened
  const hanging = fetchReply(`${server.url}/metrics`);
  hanging.catch(() => undefined);
  await until('a scrape waits', () => fixture.exposer.renderings === 1);
  await server.close(50);
  await assert.rejects(hanging, /socket hang up|ECONNRESET/);
  await until('nobody waits', () => fixture.exposer.renderings === 0);
  await server.close(50); // a second one does no harm
});

test('a port in use is one sentence that names it and what to do', async (t) => {
  const { port } = await serve(t, createHttpFixture());
  const { parts, options } = createHttpFixture();
  const second = listen([{ host: '127.0.0.1', port }], {
    respond: createHttpApp(options, parts),
    onFault: assert.fail,
  });
  await assert.rejects(second, (error) => {
    assert.ok(error instanceof ExporterError);
    assert.equal(error.code, 'LISTEN');
    assert.match(
      error.message,
      new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${port}: port ${port} is in use`),
    );
    assert.match(error.message, /--web\.listen-address/);
    return true;
  });
});

test('an address that is not of this host is one sentence', async () => {
  // 192.0.2.0/24 is for documentation (RFC 5737): no host has it.
  const listening = listen([{ host: '192.0.2.1', port: 0 }], { respond: assert.fail, onFault: assert.fail });
  await assert.rejects(
    listening,
    /^ExporterError: cannot listen on 192\.0\.2\.1:0: this host has no address 192\.0\.2\.1/,
  );
});
