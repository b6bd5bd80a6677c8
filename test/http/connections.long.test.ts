// SPDX-License-Identifier: Apache-2.0
// What clients do with a connection besides one request after the other, over real sockets.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CONNECTION_TIMES, type ConnectionTimes } from '../../src/http/client-connection.js';
import { type CloseReason, CROWD } from '../../src/http/connections.js';
import { type ListeningServer, listen } from '../../src/http/listen.js';
import { createHttpApp } from '../../src/http/server.js';
import { createGate, createHttpFixture, type HttpFixture, until } from '../support/http/http-fixture.js';
import { connectRaw, get, type RawClient } from '../support/http/raw-client.js';

interface Rig {
  readonly fixture: HttpFixture;
  readonly server: ListeningServer;
  readonly closed: CloseReason[];
  connect(): Promise<RawClient>;
}

interface RigOptions {
  readonly maxConnections?: number;
  readonly times?: Partial<ConnectionTimes>;
}

async function createRig(t: TestContext, { times, ...options }: RigOptions = {}): Promise<Rig> {
  const fixture = createHttpFixture(10);
  const closed: CloseReason[] = [];
  const server = await listen(
    [{ host: '127.0.0.1', port: 0 }],
    {
      respond: createHttpApp(fixture.options, fixture.parts),
      onFault: (error) => fixture.faults.push(error),
      onClosed: (reason) => closed.push(reason),
    },
    { ...options, times: { ...CONNECTION_TIMES, ...times } },
  );
  t.after(() => server.close(0));
  return { fixture, server, closed, connect: () => connectRaw(t, server.port) };
}

/** Holds every scrape until it is opened. */
function holdScrapes(t: TestContext, fixture: HttpFixture): () => void {
  const gate = createGate();
  fixture.guard = gate.promise;
  t.after(gate.open);
  return gate.open;
}

test('a client that sends two requests at once gets both answers, in order, one after the other', async (t) => {
  const { fixture, connect } = await createRig(t);
  const open = holdScrapes(t, fixture);
  const client = await connect();
  client.send(get('/metrics') + get('/nowhere') + get('/-/healthy'));
  await until('the first is under way', () => fixture.scrapes === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(client.statuses(), [], 'the others wait for it');
  open();
  await until('all are answered', () => client.statuses().length === 3);
  assert.deepEqual(client.statuses(), [200, 404, 200]);
  await until('all are counted', () => fixture.codes.length === 3);
  assert.deepEqual(fixture.codes, ['200', '404', '200']);
});

for (const pieceBytes of [1, 7, 100]) {
  test(`requests that come ${pieceBytes} bytes at a time are answered one by one`, async (t) => {
    const { fixture, connect } = await createRig(t);
    const client = await connect();
    const text = `\r\n${get('/metrics')}${get('/-/healthy')}\r\n${get('/metrics', 'A: b\r\n')}`;
    for (let at = 0; at < text.length; at += pieceBytes) {
      client.send(text.slice(at, at + pieceBytes));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('all are answered', () => client.statuses().length === 3);
    assert.deepEqual(client.statuses(), [200, 200, 200]);
    await until('no rendering is left', () => fixture.exposer.renderings === 0);
  });
}

test('a client that sends thousands of requests ahead loses its connection, and they are not begun', async (t) => {
  const { fixture, server, closed, connect } = await createRig(t);
  const client = await connect();
  client.send(get('/metrics').repeat(4000));
  await until('it is cut off', () => client.isClosed);
  assert.deepEqual(closed, ['read_ahead']);
  assert.ok(fixture.scrapes <= 1, `${fixture.scrapes} scrapes begun`);
  await until('nothing of it is left', () => server.connections === 0 && fixture.exposer.renderings === 0);
});

test('a client that sends nothing but empty lines loses its connection, too', async (t) => {
  const { closed, connect } = await createRig(t);
  const client = await connect();
  const sending = setInterval(() => client.send('\r\n'.repeat(500)), 1);
  t.after(() => clearInterval(sending));
  await until('it is cut off', () => client.isClosed);
  assert.deepEqual(closed, ['read_ahead']);
});

test('what a client sends ahead during an answer counts as well', async (t) => {
  const { fixture, closed, connect } = await createRig(t);
  holdScrapes(t, fixture);
  const client = await connect();
  client.send(get('/metrics'));
  await until('its scrape waits', () => fixture.exposer.renderings === 1);
  for (let i = 0; i < 40 && !client.isClosed; i++) {
    client.send(get('/metrics').repeat(20));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('it is cut off', () => client.isClosed);
  assert.deepEqual(closed, ['read_ahead']);
  await until('its scrape is dropped', () => fixture.exposer.renderings === 0);
  assert.equal(fixture.scrapes, 1);
  assert.deepEqual(fixture.codes, ['aborted']);
});

/** So many new connections that nobody may send ahead. */
async function crowd({ connect }: Rig): Promise<void> {
  const clients = await Promise.all(Array.from({ length: CROWD + 1 }, () => connect()));
  for (const client of clients) client.socket.destroy();
}

test('in a crowd a client that sends a second request ahead is not answered', async (t) => {
  const rig = await createRig(t);
  await crowd(rig);
  const ahead = await rig.connect();
  ahead.send(get('/metrics').repeat(2));
  await until('it is cut off', () => ahead.isClosed);
  assert.deepEqual(rig.closed, ['read_ahead']);
  const patient = await rig.connect();
  for (const answers of [1, 2]) {
    patient.send(get('/metrics'));
    await until('it is answered', () => patient.statuses().length === answers);
  }
  assert.equal(rig.fixture.scrapes, 2);
});

test('in a crowd a client that ends before its turn is not answered', async (t) => {
  const rig = await createRig(t);
  await crowd(rig);
  const gone = await rig.connect();
  gone.socket.end(get('/metrics'));
  await until('it is cut off', () => gone.isClosed);
  assert.deepEqual([rig.closed, rig.fixture.scrapes], [['half_closed'], 0]);
});

for (const [who, isNew] of [
  ['a new client', true],
  ['one that was there before', false],
] as const) {
  test(`a crowd is over when few came for a second: ${who} may send ahead`, async (t) => {
    const rig = await createRig(t);
    const former = await rig.connect();
    await crowd(rig);
    const sendsAhead = async (client: RawClient): Promise<boolean> => {
      client.send(get('/metrics').repeat(2));
      await until('it is over', () => client.isClosed || client.statuses().length === 2);
      return !client.isClosed;
    };
    if (!isNew) {
      await new Promise((resolve) => setTimeout(resolve, 2500));
      assert.ok(await sendsAhead(former));
      return;
    }
    await until('it may', async () => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return sendsAhead(await rig.connect());
    });
  });
}

test('requests of a client that is gone are not begun', async (t) => {
  const { fixture, server, connect } = await createRig(t);
  const open = holdScrapes(t, fixture);
  const client = await connect();
  client.send(get('/metrics').repeat(100));
  await until('the first is under way', () => fixture.scrapes === 1);
  client.socket.destroy();
  await until('the connection is gone', () => server.connections === 0);
  open();
  await until('it is counted', () => fixture.codes.length > 0);
  assert.deepEqual([fixture.scrapes, fixture.codes, fixture.faults], [1, ['aborted'], []]);
  assert.deepEqual(fixture.renderings, []);
});

test('a client that half-closes after its request still gets what can be answered at once', async (t) => {
  const { server, connect } = await createRig(t);
  const client = await connect();
  client.socket.end(get('/-/healthy') + get('/nowhere'));
  await until('it is answered', () => client.isClosed);
  assert.deepEqual(client.statuses(), [200, 404]);
  await until('nothing of it is left', () => server.connections === 0);
});

for (const [what, request, statuses] of [
  ['POST with a body', 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n', [405]],
  [
    'POST without its length',
    'POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
    [405],
  ],
  ['GET with a body', get('/-/healthy', 'Content-Length: 100000\r\n'), [200]],
  ['POST that asks to go on', 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n', [405]],
  ['GET that expects something else', get('/-/healthy', 'Expect: tea\r\n'), [200]],
  ['upgrade', get('/-/healthy', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'), [200]],
  ['tunnel', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', []],
  // node:http waits for the rest of it, which is not passed on before there is a request.
  ['request of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [408]],
  ['request of HTTP/1.0', 'GET /-/healthy HTTP/1.0\r\n\r\n', [200]],
  ['request without Host', 'GET / HTTP/1.1\r\n\r\n', [400]],
  ['request with bare line feeds', 'GET / HTTP/1.1\nHost: x\n\n', [400]],
  ['huge URL', get(`/${'x'.repeat(100_000)}`), [431]],
  ['huge header', get('/', `A: ${'x'.repeat(100_000)}\r\n`), [431]],
  ['request that is none', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', [400]],
] as const) {
  test(`a ${what} is answered with ${statuses.join() || 'nothing'}, and the connection is over or free`, async (t) => {
    const { fixture, server, connect } = await createRig(t, { times: { requestMs: 1000 } });
    const client = await connect();
    client.send(request);
    const isFree = /upgrade|expects/.test(what);
    await until('it is answered', () => (isFree ? client.statuses().length === 1 : client.isClosed));
    assert.deepEqual(client.statuses(), statuses);
    client.socket.end();
    await until('nothing of it is left', () => server.connections === 0);
    assert.deepEqual(fixture.faults, []);
  });
}

test('the answer to a large body arrives, though the body does not', async (t) => {
  const { connect, server } = await createRig(t);
  const client = await connect();
  client.send('POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n');
  for (let i = 0; i < 10; i++) {
    client.send('x'.repeat(20_000));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until('it is answered', () => client.statuses().length === 1);
  assert.match(client.text, /This page answers GET and HEAD, not POST\.\n$/);
  await until('the connection is closed, whoever goes on sending', () => server.connections === 0);
});

test('a body without end is not read for long', async (t) => {
  const { connect, server } = await createRig(t);
  const client = await connect();
  client.send('POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const sending = setInterval(() => client.send(`10000\r\n${'x'.repeat(65_536)}\r\n`), 1);
  t.after(() => clearInterval(sending));
  await until('the connection is closed', () => client.isClosed && server.connections === 0);
});

test('at the limit the connection that has been idle longest makes room', async (t) => {
  const { closed, connect } = await createRig(t, { maxConnections: 3 });
  const silent = await connect();
  const partial = await connect();
  partial.send('GET / HTTP/1.1\r\nHo');
  const used = await connect();
  used.send(get('/-/healthy'));
  await until('one is used', () => used.statuses().length === 1);
  assert.deepEqual(closed, []);
  const more: RawClient[] = [];
  for (const evicted of [silent, partial, used]) {
    const client = await connect();
    more.push(client);
    await until('one makes room', () => evicted.isClosed);
    client.send(get('/-/healthy'));
    await until('the new one is served', () => client.statuses().length === 1);
  }
  assert.deepEqual(closed, ['evicted', 'evicted', 'evicted']);
  assert.ok(more.every(({ isClosed }) => !isClosed));
  // A request makes it the youngest again.
  more[0]?.send(get('/-/healthy'));
  await until('it is served again', () => more[0]?.statuses().length === 2);
  await connect();
  await until('the oldest but for that goes', () => more[1]?.isClosed === true);
  assert.equal(more[0]?.isClosed, false);
});

test('where each connection has a request under way the new one is refused', async (t) => {
  const { fixture, server, closed, connect } = await createRig(t, { maxConnections: 3 });
  const open = holdScrapes(t, fixture);
  const busy: RawClient[] = [];
  for (let i = 0; i < 3; i++) {
    const client = await connect();
    client.send(get('/metrics'));
    busy.push(client);
    await until('it is under way', () => fixture.scrapes === i + 1);
  }
  const refused = await connect();
  await until('it is refused', () => refused.isClosed);
  assert.deepEqual([closed, server.connections], [['refused'], 3]);
  open();
  await until('the others are served', () => busy.every((client) => client.statuses().length === 1));
  const client = await connect();
  client.send(get('/-/healthy'));
  await until('there is room again', () => client.statuses().length === 1);
  assert.deepEqual(closed, ['refused', 'evicted']);
});

test('a request that does not get whole in time is answered with 408', async (t) => {
  const { server, closed, connect } = await createRig(t, { times: { requestMs: 200 } });
  const slow = await connect();
  slow.send('GET / HTTP/1.1\r\n');
  const sending = setInterval(() => slow.send('A: b\r\n'), 20);
  t.after(() => clearInterval(sending));
  await until('it is over', () => slow.isClosed && server.connections === 0);
  assert.deepEqual([slow.statuses(), closed], [[408], ['request_timeout']]);
});

test('a connection on which nothing comes is closed without a word', async (t) => {
  const { server, closed, connect } = await createRig(t, { times: { requestMs: 200 } });
  const silent = await connect();
  await until('it is over', () => silent.isClosed && server.connections === 0);
  assert.deepEqual([silent.text, closed], ['', ['request_timeout']]);
});

test('an idle connection is kept for its time, and then closed', async (t) => {
  const { server, closed, connect } = await createRig(t, { times: { requestMs: 100, idleMs: 400 } });
  const client = await connect();
  client.send(get('/-/healthy'));
  await until('it is answered', () => client.statuses().length === 1);
  const answeredMs = performance.now();
  await until('it is over', () => client.isClosed && server.connections === 0);
  assert.ok(performance.now() - answeredMs > 300);
  assert.deepEqual(closed, []);
});

test('a client that takes no answer loses its connection, on whichever page', async (t) => {
  const { fixture, server, closed, connect } = await createRig(t, { times: { stallMs: 300 } });
  const client = await connect();
  client.socket.pause();
  let sent = 0;
  const sending = setInterval(() => {
    if (sent > fixture.codes.length) return;
    client.send(get('/').repeat(200));
    sent += 200;
  }, 1);
  t.after(() => clearInterval(sending));
  await until('it is over', () => server.connections === 0);
  assert.ok(fixture.codes.length > 200, `${fixture.codes.length} answers were taken`);
  assert.equal(fixture.codes.at(-1), 'aborted');
  assert.deepEqual(closed, []);
});

test('close drops idle connections, also in the middle of a request, and answers what waits', async (t) => {
  const { fixture, server, connect } = await createRig(t);
  const open = holdScrapes(t, fixture);
  const silent = await connect();
  const partial = await connect();
  partial.send('GET / HTTP/1.1\r\n');
  const busy = await connect();
  busy.send(get('/metrics') + get('/-/healthy'));
  await until('a scrape waits', () => fixture.scrapes === 1);
  const closing = server.close(60_000);
  await until('the idle ones are closed', () => silent.isClosed && partial.isClosed);
  open();
  await closing;
  await until('the other is closed', () => busy.isClosed);
  assert.deepEqual(busy.statuses(), [200]);
});

test('nothing is left of thousands of connections', async (t) => {
  const { fixture, server, connect } = await createRig(t, { maxConnections: 20 });
  const warnings: Error[] = [];
  const onWarning = (warning: Error): number => warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  for (let round = 0; round < 15; round++) {
    const clients = await Promise.all(Array.from({ length: 40 }, connect));
    clients.forEach((client, i) => {
      if (i % 4 === 0) client.send(get('/-/healthy'));
      if (i % 4 === 1) client.send(get('/metrics').repeat(3));
      if (i % 4 === 2) client.send('GET');
    });
    await new Promise((resolve) => setImmediate(resolve));
    for (const { socket } of clients) socket.destroy();
  }
  await until('all are gone', () => server.connections === 0);
  await until('no rendering is left', () => fixture.exposer.renderings === 0);
  assert.deepEqual([warnings, fixture.faults], [[], []]);
});
