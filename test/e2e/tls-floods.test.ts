// SPDX-License-Identifier: Apache-2.0
// What http-floods.test.ts asks of HTTP, of TLS: whatever clients do before, in and after handshakes, a scrape
// from another client, on a connection of its own, is answered, and refreshes keep their beat.

import { once } from 'node:events';
import { createServer } from 'node:net';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import type { FloodPlan } from '../support/exporter/flood.js';
import { assertServed, atFloodPlace, INTERVAL_MS } from '../support/exporter/flood-place.js';
import { watchService } from '../support/exporter/watched-service.js';
import { CertificateFolder, RSA_KEY } from '../support/http/certificates.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';

/** RSA: its signatures are the dearest that are usual. */
function webFile(t: TestContext): string {
  const folder = new CertificateFolder(t);
  folder.make('server', { keyArgs: RSA_KEY });
  return folder.write('web.yml', 'tls_server_config: {cert_file: server.crt, key_file: server.key}\n');
}

/** The first message of a client, in hexadecimal digits. */
async function helloHex(): Promise<string> {
  const catcher = createServer().listen(0, '127.0.0.1');
  await once(catcher, 'listening');
  const { port } = catcher.address() as { port: number };
  const client = connect({ host: '127.0.0.1', port });
  client.on('error', () => undefined);
  const [socket] = await once(catcher, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  catcher.close();
  return (bytes as Buffer).toString('hex');
}

/** A new connection waits for the handshakes of those before it: 512 of one to two milliseconds each. */
const ANSWER_LIMIT_MS = 5000;

const METRICS = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';

type Flood = Omit<FloodPlan, 'host' | 'port'>;
const FLOODS: readonly (readonly [
  suffix: string,
  what: string,
  plans: (hello: string) => readonly Flood[],
])[] = [
  [
    'th',
    '1,000 handshakes that never end',
    (hello) => [{ connections: 1000, opening: hello, isHex: true, atEnd: 'hold', holdMs: 5000 }],
  ],
  [
    'tc',
    '1,000 TLS connections at once, and again',
    () => [{ connections: 1000, tls: true, atEnd: 'destroy', durationMs: 4000 }],
  ],
  [
    'ts',
    '1,000 scrapes over TLS at once',
    () => [{ connections: 1000, tls: true, opening: METRICS, reads: true, atEnd: 'hold', holdMs: 4000 }],
  ],
  [
    'tn',
    'clients that ask over TLS and never read',
    () => [{ connections: 200, tls: true, repeated: METRICS, times: 20, atEnd: 'hold', holdMs: 5000 }],
  ],
  [
    'td',
    'first messages byte by byte',
    (hello) => [
      {
        connections: 300,
        opening: hello,
        isHex: true,
        pieceBytes: 8,
        pauseMs: 50,
        atEnd: 'destroy',
        durationMs: 5000,
      },
    ],
  ],
  [
    'tg',
    'clients that are gone after their first message',
    (hello) =>
      Array.from({ length: 2 }, () => ({
        connections: 80,
        opening: hello,
        isHex: true,
        atEnd: 'destroy' as const,
        durationMs: 4000,
      })),
  ],
];

for (const [suffix, what, plans] of FLOODS) {
  kernelTest(`${what}: nobody else is delayed`, async (t) => {
    const hello = await helloHex();
    await atFloodPlace(
      suffix,
      200,
      async ({ exporter, flood }) => {
        const service = await watchService(exporter, { intervalMs: INTERVAL_MS }, async () => {
          await Promise.all(plans(hello).map((plan) => flood({ limitMs: 20_000, ...plan })));
        });
        assertServed(t, service, ANSWER_LIMIT_MS);
      },
      [`--web.config.file=${webFile(t)}`],
    );
  });
}
