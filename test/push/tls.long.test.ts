// SPDX-License-Identifier: Apache-2.0
// TLS with a CA of our own, made with openssl: what is trusted, what is refused, and the sentence.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import type { TlsOptions } from '../../src/push/tls-files.js';
import { atEnd } from '../support/cleanup.js';
import { waitFor } from '../support/conditions.js';
import { payload, untilSent } from '../support/push/push-fixture.js';
import { openTestPusher, startReceiver } from '../support/push/real-pusher.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'xtrace-push-tls-'));
atEnd(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string): string => join(folder, name);
const pem = (name: string): Buffer => readFileSync(file(name));

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
}

function createCa(name: string): void {
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`],
  );
}

/** Negative days: it expired before it was made. */
function createCertificate(name: string, ca: string, altNames: string, days = 2): void {
  writeFileSync(file(`${name}.ext`), `subjectAltName=${altNames}\n`);
  openssl(
    ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`],
  );
  openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.pem`, '-CAkey', `${ca}.key`],
    ...['-CAcreateserial', '-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.pem`],
  );
}

before(() => {
  createCa('ca');
  createCa('other-ca');
  createCertificate('server', 'ca', 'IP:127.0.0.1,DNS:vm.example');
  createCertificate('elsewhere', 'ca', 'DNS:elsewhere.example');
  createCertificate('old', 'ca', 'IP:127.0.0.1', -1);
  createCertificate('client', 'ca', 'DNS:client');
});

const NONE: TlsOptions = { caFile: '', certFile: '', keyFile: '', serverName: '', insecureSkipVerify: false };

/** Pushes one batch to a receiver with this certificate; what comes of it is for the test to see. */
async function pushTo(
  context: TestContext,
  server: string,
  tls: Partial<TlsOptions>,
  more: { readonly requestCert?: boolean } = {},
) {
  const serverTls =
    more.requestCert === true ? { requestCert: true, rejectUnauthorized: true, ca: [pem('ca.pem')] } : {};
  const receiver = await startReceiver(context, {
    tls: { key: pem(`${server}.key`), cert: pem(`${server}.pem`), ...serverTls },
  });
  const { pusher, log } = await openTestPusher(context, { url: receiver.url(), tls: { ...NONE, ...tls } });
  pusher.enqueue([payload(1)]);
  return { receiver, pusher, log };
}

describe('trusted', () => {
  test('the CA of ca_file', async (context) => {
    const { receiver, pusher } = await pushTo(context, 'server', { caFile: file('ca.pem') });
    await untilSent(pusher);
    assert.equal(receiver.pushes.length, 1);
  });

  test('a certificate for another name, where server_name says so', async (context) => {
    const tls = { caFile: file('ca.pem'), serverName: 'elsewhere.example' };
    const { receiver, pusher } = await pushTo(context, 'elsewhere', tls);
    await untilSent(pusher);
    assert.equal(receiver.pushes.length, 1);
  });

  test('anything with insecure_skip_verify', async (context) => {
    const { receiver, pusher } = await pushTo(context, 'old', { insecureSkipVerify: true });
    await untilSent(pusher);
    assert.equal(receiver.pushes.length, 1);
  });

  test('us, by a client certificate', async (context) => {
    const tls = { caFile: file('ca.pem'), certFile: file('client.pem'), keyFile: file('client.key') };
    const { receiver, pusher } = await pushTo(context, 'server', tls, { requestCert: true });
    await untilSent(pusher);
    assert.equal(receiver.pushes.length, 1);
  });
});

describe('refused, in one sentence, and tried again', () => {
  const where = String.raw`127\.0\.0\.1:\d+`;
  const cases: [string, string, () => Partial<TlsOptions>, { requestCert?: boolean }, string][] = [
    [
      'a CA nobody knows',
      'server',
      () => ({}),
      {},
      `the certificate of ${where} comes from a CA that is not known here; name that in push\\.tls\\.ca_file \\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\\)`,
    ],
    [
      'another CA',
      'server',
      () => ({ caFile: file('other-ca.pem') }),
      {},
      `the certificate of ${where} comes from a CA that is not known here`,
    ],
    ['itself', 'ca', () => ({}), {}, `the certificate of ${where} is signed by itself`],
    [
      'another host',
      'elsewhere',
      () => ({ caFile: file('ca.pem') }),
      {},
      `the certificate of ${where} is for .*; use that name in push\\.url, or set push\\.tls\\.server_name`,
    ],
    ['expired', 'old', () => ({ caFile: file('ca.pem') }), {}, `the certificate of ${where} has expired`],
    [
      'no client certificate',
      'server',
      () => ({ caFile: file('ca.pem') }),
      { requestCert: true },
      `${where} (refuses the TLS connection|closed the connection)`,
    ],
    [
      'a key of another certificate',
      'server',
      () => ({ caFile: file('ca.pem'), certFile: file('client.pem'), keyFile: file('server.key') }),
      {},
      `TLS with ${where} fails: .*key values mismatch`,
    ],
    [
      'a file that is no certificate',
      'server',
      () => ({ caFile: file('ca.pem'), certFile: file('client.ext'), keyFile: file('client.key') }),
      {},
      `TLS with ${where} fails: .*`,
    ],
    [
      'a file that is not there',
      'server',
      () => ({ caFile: file('nowhere.pem') }),
      {},
      'push\\.tls\\.ca_file: .*nowhere\\.pem cannot be read: there is no such file',
    ],
  ];
  for (const [name, server, tls, more, wanted] of cases) {
    test(name, async (context) => {
      const { receiver, pusher, log } = await pushTo(context, server, tls(), more);
      await waitFor('it is tried again', () => pusher.stats.retries > 1, { intervalMs: 5 });
      assert.equal(receiver.pushes.length, 0);
      assert.match(
        log.texts.join('\n'),
        new RegExp(`^warn: push fails, trying again; batches wait in memory: ${wanted}`),
      );
      assert.equal(log.lines.length, 1);
      assert.equal(pusher.stats.queueSamples, 3);
    });
  }

  test('plain HTTP behind https://', async (context) => {
    const receiver = await startReceiver(context);
    const { pusher, log } = await openTestPusher(context, { url: receiver.url().replace('http:', 'https:') });
    pusher.enqueue([payload(1)]);
    await waitFor('it is tried again', () => pusher.stats.retries > 1, { intervalMs: 5 });
    assert.match(log.texts.join(), /does not speak TLS; push\.url must start with http:\/\/$/);
  });

  test('TLS behind http://', async (context) => {
    const receiver = await startReceiver(context, {
      tls: { key: pem('server.key'), cert: pem('server.pem') },
    });
    const { pusher, log } = await openTestPusher(context, { url: receiver.url().replace('https:', 'http:') });
    pusher.enqueue([payload(1)]);
    await waitFor('it is tried again', () => pusher.stats.retries > 1, { intervalMs: 5 });
    assert.match(log.texts.join(), /(closed the connection without an answer|does not answer in HTTP)/);
  });
});

test('certificates are read again when they change, without a restart', async (context) => {
  const caFile = join(temporaryFolder('xtrace-push-'), 'ca.pem');
  copyFileSync(file('other-ca.pem'), caFile);
  const { receiver, pusher } = await pushTo(context, 'server', { caFile });
  await waitFor('it is tried again', () => pusher.stats.retries > 1, { intervalMs: 5 });
  copyFileSync(file('ca.pem'), caFile);
  await untilSent(pusher);
  assert.equal(receiver.pushes.length, 1);
});
