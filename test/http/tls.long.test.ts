// SPDX-License-Identifier: Apache-2.0
// Serving over TLS as real clients meet it: node:tls and openssl s_client. Handshakes that fail, hang or come by
// the hundred must leave the others alone.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { connect as connectPlain, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { CONNECTION_TIMES, type ConnectionTimes } from '../../src/http/client-connection.js';
import type { CloseReason } from '../../src/http/connections.js';
import { MAX_HANDSHAKES } from '../../src/http/handshake-queue.js';
import { listen } from '../../src/http/listen.js';
import { createHttpApp } from '../../src/http/server.js';
import { readWebFile } from '../../src/web-config/read-web-file.js';
import { CertificateFolder, RSA_KEY } from '../support/http/certificates.js';
import { createHttpFixture, until } from '../support/http/http-fixture.js';

interface Served {
  readonly port: number;
  readonly folder: CertificateFolder;
  readonly closed: CloseReason[];
  readonly server: { readonly connections: number };
  get(options?: ConnectionOptions): Promise<{ status: number; body: string }>;
}

async function serve(
  t: TestContext,
  more = '',
  options: {
    times?: Partial<ConnectionTimes>;
    rsa?: boolean;
    folder?: CertificateFolder;
    rest?: string;
  } = {},
): Promise<Served> {
  const folder = options.folder ?? new CertificateFolder(t);
  folder.make('server', options.rsa ? { keyArgs: RSA_KEY } : {});
  const file = folder.write(
    'web.yml',
    `tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n${more}\n${options.rest ?? ''}`,
  );
  const { result } = await readWebFile(file);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  const { tls } = result;
  assert.ok(tls);
  const fixture = createHttpFixture(200);
  const closed: CloseReason[] = [];
  const server = await listen(
    [{ host: '127.0.0.1', port: 0 }],
    {
      respond: createHttpApp(fixture.options, fixture.parts),
      onFault: assert.fail,
      onClosed: (reason) => closed.push(reason),
      tls: () => tls,
    },
    { times: { ...CONNECTION_TIMES, ...options.times } },
  );
  t.after(() => server.close(0));
  const get: Served['get'] = (tlsOptions = {}) =>
    new Promise((resolve, reject) => {
      const ca = folder.read('server.crt');
      const { port } = server;
      const to = { host: '127.0.0.1', port, path: '/metrics', agent: false, ca, servername: 'localhost' };
      const sent = request({ ...to, ...tlsOptions }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end();
    });
  return { port: server.port, folder, closed, server, get };
}

/** What openssl s_client says, and whether it shook hands. */
async function opensslClient(
  served: Served,
  ...args: string[]
): Promise<{ readonly shookHands: boolean; readonly text: string }> {
  const to = ['-connect', `127.0.0.1:${served.port}`, '-servername', 'localhost', '-ign_eof'];
  const child = spawn('openssl', ['s_client', ...to, ...args], { timeout: 20_000 });
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => {
    text += bytes;
  });
  child.stderr.on('data', (bytes: Buffer) => {
    text += bytes;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.write('GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await once(child, 'close');
  return { shookHands: text.includes('HTTP/1.1 200 OK'), text };
}

test('a scrape over TLS is whole, one after the other on one connection, too', async (t) => {
  const served = await serve(t);
  const { status, body } = await served.get();
  assert.equal(status, 200);
  assert.equal(body.match(/^xtrace_network_bytes_total\{/gm)?.length, 200);
  await Promise.all(Array.from({ length: 20 }, () => served.get()));
  assert.deepEqual(served.closed, []);
  await until('all connections are over', () => served.server.connections === 0);
});

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`who is gone after the handshake leaves nothing behind (${maxVersion})`, async (t) => {
    const served = await serve(t);
    for (let i = 0; i < 20; i++) {
      const socket = connect({ host: '127.0.0.1', port: served.port, rejectUnauthorized: false, maxVersion });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      if (i % 2 === 0) socket.destroy();
      else socket.end();
    }
    // And whoever does not like the certificate.
    for (let i = 0; i < 5; i++) await assert.rejects(served.get({ ca: [], maxVersion }));
    await until('they are gone', () => served.server.connections === 0);
    assert.deepEqual(served.closed, []);
  });
}

test('only HTTP/1.1 is spoken, and said so', async (t) => {
  const served = await serve(t);
  const socket = connect({
    ...{
      host: '127.0.0.1',
      port: served.port,
      ca: served.folder.read('server.crt'),
      servername: 'localhost',
    },
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  await once(socket, 'secureConnect');
  assert.equal(socket.alpnProtocol, 'http/1.1');
  socket.destroy();
});

test('versions: TLS 1.2 and 1.3 unless told', async (t) => {
  const usual = await serve(t);
  assert.ok((await opensslClient(usual, '-tls1_3')).shookHands);
  assert.ok((await opensslClient(usual, '-tls1_2')).shookHands);
  const old = ['-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0'];
  assert.ok(!(await opensslClient(usual, ...old)).shookHands);
  assert.ok(usual.closed.includes('tls_handshake'));
  const only13 = await serve(t, '  min_version: TLS13');
  assert.ok(!(await opensslClient(only13, '-tls1_2')).shookHands);
  const only12 = await serve(t, '  max_version: TLS12');
  assert.ok(!(await opensslClient(only12, '-tls1_3')).shookHands);
  const suites13 = await serve(t, '  cipher_suites: [TLS_AES_128_GCM_SHA256]', {
    rest: 'http_server_config: {http2: false}',
  });
  assert.ok((await opensslClient(suites13, '-tls1_3')).shookHands);
  assert.ok(!(await opensslClient(suites13, '-tls1_2')).shookHands, 'it has none of the suites given');
  const from10 = await serve(t, '  min_version: TLS10', { rsa: true });
  assert.ok((await opensslClient(from10, ...old)).shookHands, 'whoever asks for it gets it');
});

test('suites and curves: those of the file alone, in its order', async (t) => {
  const suites = '[TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]';
  const served = await serve(
    t,
    `  cipher_suites: ${suites}\n  max_version: TLS12\n  curve_preferences: [CurveP521]`,
    {
      rsa: true,
    },
  );
  const both = 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384';
  const chosen = await opensslClient(served, '-cipher', both);
  assert.match(chosen.text, /Cipher is ECDHE-RSA-AES256-GCM-SHA384/);
  assert.match(chosen.text, /secp521r1|P-521/);
  assert.ok(!(await opensslClient(served, '-cipher', 'ECDHE-RSA-CHACHA20-POLY1305')).shookHands);
  assert.ok(!(await opensslClient(served, '-curves', 'P-384')).shookHands);
  const lax = await serve(
    t,
    `  cipher_suites: ${suites}\n  max_version: TLS12\n  prefer_server_cipher_suites: false`,
    {
      rsa: true,
    },
  );
  assert.match((await opensslClient(lax, '-cipher', both)).text, /Cipher is ECDHE-RSA-AES128-GCM-SHA256/);
});

test('client certificates by each policy', async (t) => {
  const folder = new CertificateFolder(t);
  folder.make('client', { names: 'DNS:test3,URI:spiffe://a/b' });
  folder.make('stranger');
  const pair = (name: string) => ({ cert: folder.read(`${name}.crt`), key: folder.read(`${name}.key`) });
  const ca = 'client_ca_file: client.crt';
  const outcomes = async (served: Served): Promise<string> => {
    const tries = [{}, pair('stranger'), pair('client')].flatMap((with_) =>
      (['TLSv1.2', 'TLSv1.3'] as const).map((maxVersion) =>
        served.get({ ...with_, maxVersion }).then(
          ({ status }) => (status === 200 ? '1' : '?'),
          () => '0',
        ),
      ),
    );
    return (await Promise.all(tries)).join('');
  };
  for (const [policy, wanted] of [
    ['RequestClientCert', '111111'],
    ['RequireAnyClientCert', '001111'],
    ['VerifyClientCertIfGiven', '110011'],
    ['RequireAndVerifyClientCert', '000011'],
  ] as const) {
    const served = await serve(t, `  client_auth_type: ${policy}\n  ${ca}`, { folder });
    assert.equal(await outcomes(served), wanted, policy);
  }
  const strict = `  client_auth_type: RequireAndVerifyClientCert\n  ${ca}\n  client_allowed_sans:`;
  assert.equal(await outcomes(await serve(t, `${strict} [one, test3]`, { folder })), '000011');
  assert.equal(await outcomes(await serve(t, `${strict} ["spiffe://a/b"]`, { folder })), '000011');
  assert.equal(await outcomes(await serve(t, `${strict} [bad]`, { folder })), '000000');
});

test('plain HTTP is told to come with https; what is neither is cut', async (t) => {
  const served = await serve(t);
  const say = async (bytes: string | Buffer): Promise<string> => {
    const socket = connectPlain(served.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    socket.write(bytes);
    await once(socket, 'close');
    return text;
  };
  assert.match(
    await say('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'),
    /^HTTP\/1\.1 400 .*\r\n\r\nThis port speaks HTTPS/s,
  );
  assert.equal(await say(Buffer.from([22, 3, 1, 0, 9, 7, 7, 7, 7])), '');
  assert.equal(await say(Buffer.from([0x80, 0x2e, 1, 0, 2])), '');
  await until('they are gone', () => served.server.connections === 0);
});

test('handshakes that never end are cut, and told', async (t) => {
  const served = await serve(t, '', { times: { requestMs: 300 } });
  const begun = Array.from({ length: 5 }, (_, i) => {
    const socket = connectPlain(served.port, '127.0.0.1');
    socket.on('error', () => undefined);
    if (i > 0) socket.write(Buffer.from([22, 3, 1, 2, 0, 1].slice(0, i + 1)));
    return once(socket, 'close');
  });
  await Promise.all(begun);
  assert.deepEqual(served.closed, Array(5).fill('request_timeout'));
  // One that has shaken hands has as long again for its first request.
  const socket = connect({ host: '127.0.0.1', port: served.port, rejectUnauthorized: false });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  await once(socket, 'close');
  assert.equal(served.closed.length, 6);
});

test('a client that shakes hands again and again is not followed', async (t) => {
  const served = await serve(t, '  max_version: TLS12');
  const socket = connect({ host: '127.0.0.1', port: served.port, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const outcome = await new Promise<Error | null>((resolve) => {
    socket.on('error', resolve);
    socket.renegotiate({ rejectUnauthorized: false }, resolve);
  });
  assert.ok(outcome, 'it is refused');
  socket.destroy();
  assert.equal((await served.get()).status, 200);
});

/** Sends its first message and no more: connects, and keeps what comes back to itself. */
function halfHandshake(t: TestContext, served: Served): TLSSocket {
  const raw = connectPlain(served.port, '127.0.0.1');
  raw.on('error', () => undefined);
  const socket = connect({ socket: raw, rejectUnauthorized: false });
  socket.on('error', () => undefined);
  raw.once('readable', () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

test('more handshakes than may be under way end the oldest; whoever goes on is served', async (t) => {
  const served = await serve(t);
  const hello = await helloOf(served);
  const raws = Array.from({ length: MAX_HANDSHAKES + 20 }, () => {
    const socket = connectPlain(served.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.write(hello);
    t.after(() => socket.destroy());
    return socket;
  });
  await until('the oldest to be given up', () => served.closed.length === 20);
  assert.deepEqual(new Set(served.closed), new Set(['evicted']));
  assert.equal((await served.get()).status, 200);
  for (const socket of raws) socket.destroy();
  await until('they are gone', () => served.server.connections === 0);
});

/** The first message of a client, as bytes. */
async function helloOf(served: Served): Promise<Buffer> {
  const catcher = createServer().listen(0, '127.0.0.1');
  await once(catcher, 'listening');
  const { port } = catcher.address() as { port: number };
  const client = connect({ host: '127.0.0.1', port, ca: served.folder.read('server.crt') });
  client.on('error', () => undefined);
  const [socket] = await once(catcher, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  catcher.close();
  return bytes as Buffer;
}

test('three times as many clients as may shake hands at once are all served', async (t) => {
  const served = await serve(t);
  await Promise.all(Array.from({ length: 3 * MAX_HANDSHAKES }, () => served.get({ maxVersion: 'TLSv1.2' })));
  assert.deepEqual(served.closed, []);
  await until('they are gone', () => served.server.connections === 0);
});

test('a server that stops takes handshakes under way with it', async (t) => {
  const served = await serve(t);
  const half = halfHandshake(t, served);
  await until('it is there', () => served.server.connections > 0);
  await (served.server as unknown as { close(limitMs: number): Promise<void> }).close(50);
  await until('the client to see it', () => half.destroyed);
  assert.equal(served.server.connections, 0);
});
