// SPDX-License-Identifier: Apache-2.0
// What the image's HEALTHCHECK runs, against answers that the exporter gives with and without a web configuration.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { CertificateFolder } from '../support/http/certificates.js';
import { start } from '../support/processes.js';

const DOCKERFILE = path.join(import.meta.dirname, '..', '..', '..', 'Dockerfile');

for (const { what, status, exitCode } of [
  { what: 'healthy where it answers', status: 200, exitCode: 0 },
  { what: 'healthy where it asks for a login', status: 401, exitCode: 0 },
  { what: 'healthy where there were too many requests', status: 429, exitCode: 0 },
  { what: 'not healthy where it has a fault', status: 503, exitCode: 1 },
]) {
  test(`over HTTP it is ${what}`, async (t) => {
    assert.equal(await checkHealth(await serve(t, 'http', status)), exitCode);
  });
}

test('over HTTPS it is healthy with a certificate for another name', async (t) => {
  assert.equal(await checkHealth(await serve(t, 'https', 401)), 0);
});

test('nobody who listens is not healthy', async () => {
  assert.equal(await checkHealth('http://127.0.0.1:1/-/healthy'), 1);
});

/** Where every page is answered with the status. */
async function serve(t: TestContext, scheme: 'http' | 'https', status: number): Promise<string> {
  const answer = (_: unknown, response: ServerResponse) => response.writeHead(status).end();
  const server =
    scheme === 'http' ? createHttpServer(answer) : createHttpsServer(foreignCertificate(t), answer);
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/-/healthy`;
}

function foreignCertificate(t: TestContext): { cert: string; key: string } {
  const folder = new CertificateFolder(t);
  folder.make('server', { names: 'DNS:node1.example.com' });
  return { cert: folder.read('server.crt'), key: folder.read('server.key') };
}

/** The exit code of the image's HEALTHCHECK. */
async function checkHealth(url: string): Promise<number | null> {
  const [, words = ''] = /^ {2}CMD (\[.*\])$/m.exec(readFileSync(DOCKERFILE, 'utf8')) ?? [];
  const [command, ...args] = JSON.parse(words) as string[];
  assert.equal(command, 'node');
  const child = start(process.execPath, args, { env: { HEALTH_URL: url } });
  return (await child.exited).code;
}
