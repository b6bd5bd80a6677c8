// SPDX-License-Identifier: Apache-2.0
// An exporter that answers, and all that may answer in its place: each is over in time, with one sentence.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type ApiClient, type ApiClientOptions, createApiClient } from '../../src/top/api-client.js';
import { serve, startFakeExporter, urlOf } from '../support/top/fake-exporter.js';

function clientOf(t: TestContext, url: string, options: Partial<ApiClientOptions> = {}): ApiClient {
  const client = createApiClient({
    url,
    shown: 'the exporter',
    socketPath: undefined,
    authorization: undefined,
    tls: { isUnchecked: false },
    timeoutMs: 20_000,
    answerMaxBytes: 100_000,
    ...options,
  });
  t.after(() => client.close());
  return client;
}

async function sentenceOf(
  t: TestContext,
  onRequest: RequestListener,
  options: Partial<ApiClientOptions> = {},
) {
  const answer = await clientOf(t, urlOf(await serve(t, 0, onRequest)), options).ask('overview');
  assert.ok(answer.kind !== 'json');
  return answer.sentence;
}

test('over TCP, with what is asked', async (t) => {
  const fake = await startFakeExporter(t);
  const client = clientOf(t, fake.url);
  const answer = await client.ask('flows', { top: '5', src: '10.0.0.0/8' });
  assert.equal(answer.kind, 'json');
  assert.deepEqual(fake.asked, ['/api/v1/flows?top=5&src=10.0.0.0%2F8']);
});

test('over a socket in the file system', async (t) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-top-client-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const socketPath = path.join(folder, 'x.sock');
  const fake = await startFakeExporter(t, { listen: socketPath });
  assert.equal((await clientOf(t, 'http://localhost', { socketPath }).ask('overview')).kind, 'json');
  await fake.close();
  const gone = await clientOf(t, 'http://localhost', { socketPath, shown: 'unix:/x' }).ask('overview');
  assert.deepEqual(gone, { kind: 'none', sentence: 'there is no socket unix:/x' });
});

test('a login goes with every question', async (t) => {
  const seen: (string | undefined)[] = [];
  const server = await serve(t, 0, (request, response) => {
    seen.push(request.headers.authorization);
    response.end('{}');
  });
  await clientOf(t, urlOf(server), { authorization: 'Basic eA==' }).ask('overview');
  assert.deepEqual(seen, ['Basic eA==']);
});

test('an exporter that was started again is asked anew', async (t) => {
  const first = await startFakeExporter(t);
  const { port } = new URL(first.url);
  const client = clientOf(t, first.url);
  assert.equal((await client.ask('overview')).kind, 'json');
  await first.close();
  assert.deepEqual(await client.ask('overview'), {
    kind: 'none',
    sentence: 'nothing listens at the exporter',
  });
  await startFakeExporter(t, { listen: Number(port) });
  assert.equal((await client.ask('overview')).kind, 'json');
});

describe('what is wrong is one sentence', () => {
  const status =
    (code: number, body = '', type = 'text/plain; charset=utf-8'): RequestListener =>
    (_, response) => {
      response.writeHead(code, { 'content-type': type });
      response.end(body);
    };
  const cases: [string, RequestListener, RegExp][] = [
    ['no JSON', status(200, '<html>'), /^the exporter answers, but with no JSON/],
    ['half a JSON', status(200, '{"a":'), /^the exporter answers, but with no JSON/],
    ['another page', status(404, '<h1>', 'text/html'), /^the exporter has no \/api\/v1\//],
    ['web.ui: false', status(404, 'It is switched off.\n'), /^It is switched off$/],
    ['a login', status(401, 'no'), /^the exporter asks for a login: give --user and --password-file$/],
    ['a rate limit', status(429), /^the exporter has a rate limit/],
    ['another place', status(302), /^the exporter sends elsewhere \(302\)/],
    ['busy', status(503, '\x1b[2JTry later.'), /^\\x1b\[2JTry later$/],
    ['a fault', status(500, '', 'text/html'), /^the exporter answers with status 500$/],
    [
      'cut short',
      (_, response) => void response.write('{', () => response.destroy()),
      /has cut the connection/,
    ],
    ['no answer', (request) => request.socket.destroy(), /has cut the connection \(is it https\?\)/],
    [
      'endless',
      (_, response) => {
        const more = (): void =>
          void (response.write(' '.repeat(10_000)) ? setImmediate(more) : response.once('drain', more));
        response.on('error', () => undefined);
        more();
      },
      /^the exporter answers with more than 0\.1 MB/,
    ],
  ];
  for (const [name, onRequest, wanted] of cases) {
    test(name, async (t) => assert.match(await sentenceOf(t, onRequest), wanted));
  }

  test('slow, before the answer and in it', async (t) => {
    const silent: RequestListener = () => undefined;
    const halting: RequestListener = (_, response) => void response.write('{');
    for (const onRequest of [silent, halting]) {
      assert.match(
        await sentenceOf(t, onRequest, { timeoutMs: 100 }),
        /^the exporter does not answer within 0\.1 s$/,
      );
    }
  });

  test('no HTTP, and no TLS', async (t) => {
    const server = createTcpServer((socket) => void socket.on('error', () => undefined).end('SSH-2.0-x\r\n'));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    t.after(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const plain = await clientOf(t, `http://127.0.0.1:${port}`).ask('overview');
    assert.match(plain.kind === 'none' ? plain.sentence : '', /does not speak HTTP/);
    const tls = await clientOf(t, `https://127.0.0.1:${port}`).ask('overview');
    assert.match(tls.kind === 'none' ? tls.sentence : '', /TLS fails|has cut the connection/);
  });
});
