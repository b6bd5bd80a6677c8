// SPDX-License-Identifier: Apache-2.0
// The running exporter behind a web configuration file and on other sockets than a port of its own: Debian's
// prometheus, curl and systemd-socket-activate are the clients.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { hash as hashPassword } from '@node-rs/bcrypt';
import { waitFor } from '../support/conditions.js';
import { PROGRAM, runExporter, startExporter } from '../support/exporter/exporter.js';
import { requestRaw } from '../support/exporter/raw-http.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { CertificateFolder } from '../support/http/certificates.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startPrometheus } from '../support/receivers/scrapers.js';

const PASSWORD = 'hunter2';
const basicOf = (password: string): string => `Basic ${Buffer.from(`alice:${password}`).toString('base64')}`;

interface Secured {
  readonly site: Site;
  readonly folder: CertificateFolder;
  readonly file: string;
}

/** A place with a web configuration file: TLS and one user. */
async function secure(t: TestContext, suffix: string, more = ''): Promise<Secured> {
  const site = createSite(t, suffix);
  site.addVeth('va');
  const folder = new CertificateFolder(t);
  folder.make('server');
  const file = folder.write('web.yml', await webFile(PASSWORD, more));
  return { site, folder, file };
}

async function webFile(password: string, more = ''): Promise<string> {
  const tls = 'tls_server_config: {cert_file: server.crt, key_file: server.key}';
  return `${tls}\nbasic_auth_users: {alice: ${await hashPassword(password, 4)}}\n${more}`;
}

kernelTest('prometheus scrapes over TLS with a password, and only what it asks for', async (t) => {
  const { site, folder, file } = await secure(t, 'wp');
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '200', `--web.config.file=${file}`],
  });
  t.after(() => exporter.stop());
  assert.match(exporter.url, /^https:/);
  const scrape = {
    tls_config: { ca_file: folder.at('server.crt') },
    basic_auth: { username: 'alice', password: PASSWORD },
    params: { 'collect[]': ['flows', 'self'] },
  };
  const prometheus = await startPrometheus(site.host, exporter.url, { scrape });
  t.after(() => prometheus.stop());
  await waitFor('a scrape', async () => (await prometheus.value('up')) === 1, { limitMs: 40_000 });
  assert.equal((await prometheus.query('xtrace_build_info')).length, 1);
  assert.ok((await prometheus.query('{__name__=~"xtrace_interface_.*"}')).length > 0);
  assert.equal((await prometheus.query('{__name__=~"xtrace_rdma_.*"}')).length, 0);

  for (const page of ['/', '/metrics', '/-/healthy', '/-/ready', '/-/config', '/-/reload', '/x']) {
    const { status, headers } = await requestRaw(new URL(page, exporter.url).href);
    assert.deepEqual([status, headers['www-authenticate']], [401, 'Basic'], page);
  }
  const wrong = await requestRaw(exporter.url, { headers: { authorization: basicOf('wrong') } });
  assert.equal(wrong.status, 401);
  const config = await requestRaw(new URL('/-/config', exporter.url).href, {
    headers: { authorization: basicOf(PASSWORD) },
  });
  assert.equal(config.status, 200);
  assert.ok(config.body.toString().includes(`config_file: ${file}`));
  assert.doesNotMatch(config.body.toString() + exporter.child.stderr, /hunter2|\$2b\$|PRIVATE/);
});

kernelTest(
  'a new certificate and a new password are taken while it runs; a broken file is told once',
  async (t) => {
    const { site, folder, file } = await secure(t, 'wr');
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '200', `--web.config.file=${file}`],
    });
    t.after(() => exporter.stop());
    const statusOf = async (password: string): Promise<number> =>
      (await requestRaw(exporter.url, { headers: { authorization: basicOf(password) } })).status;
    assert.equal(await statusOf(PASSWORD), 200);
    writeFileSync(file, 'basic_auth_users: {alice: hunter3}\n');
    await exporter.logged(
      /the user \\?"alice\\?" must have a bcrypt hash.*what was read before stays in use/,
    );
    assert.equal(await statusOf(PASSWORD), 200);
    folder.write('next.yml', await webFile('hunter4'));
    renameSync(folder.at('next.yml'), file);
    await exporter.logged(/web\.yml and what it names were read again/);
    assert.deepEqual([await statusOf(PASSWORD), await statusOf('hunter4')], [401, 200]);
    assert.equal(exporter.child.stderr.match(/stays in use/g)?.length, 1);

    folder.write('next.yml', await webFile('hunter5'));
    renameSync(folder.at('next.yml'), file);
    exporter.child.kill('SIGHUP');
    await exporter.logged(/SIGHUP: the configuration is as before/);
    assert.deepEqual([await statusOf('hunter4'), await statusOf('hunter5')], [401, 200], 'at once');

    folder.make('other');
    renameSync(folder.at('other.key'), folder.at('server.key'));
    renameSync(folder.at('other.crt'), folder.at('server.crt'));
    const curl = promisify(execFile);
    await waitFor('the new certificate', () =>
      curl('curl', ['-s', '-u', 'alice:hunter5', '--cacert', folder.at('server.crt'), exporter.url]).then(
        ({ stdout }) => stdout.includes('xtrace_build_info'),
        () => false,
      ),
    );
    assert.doesNotMatch(exporter.child.stderr, /hunter|\$2b\$/);
  },
);

kernelTest(
  'a web configuration file that is wrong: a sentence, exit code 2; also for --config.check',
  async (t) => {
    const { site, folder, file } = await secure(t, 'wb');
    folder.make('other');
    renameSync(folder.at('other.key'), folder.at('server.key'));
    for (const args of [['-i', 'va'], ['--config.check']]) {
      const { code, stderr } = await runExporter({
        namespace: site.host,
        args: [...args, `--web.config.file=${file}`],
      });
      assert.equal(code, 2, stderr);
      assert.match(
        stderr,
        /^xtrace-catch: tls_server_config: the key in \S+server\.key is not that of the certificate/m,
      );
      assert.doesNotMatch(stderr, /\n\s+at |PRIVATE|\$2b\$/);
    }
  },
);

kernelTest('a socket in the file system beside two ports', async (t) => {
  const site = createSite(t, 'wu');
  site.addVeth('va');
  const folder = new CertificateFolder(t);
  const socket = folder.at('metrics.sock');
  const args = [
    '-i',
    'va',
    '-t',
    '200',
    '--web.listen-address=127.0.0.1:0',
    '--web.listen-address=127.0.0.1:10070',
  ];
  const start = () =>
    startExporter({ namespace: site.host, args: [...args, `--web.listen-address=unix:${socket}`] });
  const curl = promisify(execFile);
  const ask = async (...more: string[]): Promise<string> => (await curl('curl', ['-s', ...more])).stdout;

  const first = await start();
  t.after(() => first.stop());
  assert.match(await ask('--unix-socket', socket, 'http://x/metrics'), /xtrace_build_info/);
  assert.match(await ask('http://127.0.0.1:10070/metrics'), /xtrace_build_info/);
  assert.match(await ask(first.url), /xtrace_build_info/);
  assert.match(
    first.child.stderr,
    new RegExp(
      `metrics are at http://127[^ ]*, http://127\\.0\\.0\\.1:10070/metrics, http://unix:${socket}:/metrics`,
    ),
  );

  const second = await runExporter({
    namespace: site.host,
    args: [`--web.listen-address=unix:${socket}`, '-i', 'va'],
  });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /cannot listen on unix:\S+: another process listens there/);
  await first.stop('SIGKILL');
  assert.ok(existsSync(socket), 'it is left');
  const third = await start();
  t.after(() => third.stop());
  assert.match(await ask('--unix-socket', socket, 'http://x/metrics'), /xtrace_build_info/);
  await third.stop();
  assert.ok(!existsSync(socket), 'and goes at a stop');

  folder.write('metrics.sock', 'precious');
  const fourth = await runExporter({
    namespace: site.host,
    args: [`--web.listen-address=unix:${socket}`, '-i', 'va'],
  });
  assert.equal(fourth.code, 1);
  assert.match(fourth.stderr, /there is a file that is no socket; remove it/);
  assert.equal(folder.read('metrics.sock'), 'precious');
});

kernelTest('sockets that systemd passes: a port and a path', async (t) => {
  const site = createSite(t, 'ws');
  site.addVeth('va');
  const folder = new CertificateFolder(t);
  const socket = folder.at('passed.sock');
  const listens = ['-l', '127.0.0.1:10071', '-l', socket];
  const activate = site.host.start('systemd-socket-activate', [
    ...listens,
    '-E',
    `NODE=${process.execPath}`,
    PROGRAM,
    '-i',
    'va',
    '-t',
    '200',
    '--no-print',
    '--web.systemd-socket',
  ]);
  t.after(() => activate.stop());
  await activate.waitFor('the sockets', () => /Listening on/.test(activate.stderr) && existsSync(socket));
  // The first client has it started.
  const curl = promisify(execFile);
  const first = await curl('curl', ['-s', '--retry', '5', 'http://127.0.0.1:10071/metrics']);
  assert.match(first.stdout, /xtrace_build_info/);
  const second = await curl('curl', ['-s', '--unix-socket', socket, 'http://x/-/ready']);
  assert.match(second.stdout, /^Ready/);
  assert.match(activate.stderr, /metrics are at http:\/\/127\.0\.0\.1:10071\/metrics, http:\/\/unix:/);
  await activate.stop();
  assert.ok(existsSync(socket), 'it is systemd who removes it');
});

kernelTest('no sockets from systemd: a sentence', async (t) => {
  const site = createSite(t, 'wn');
  site.addVeth('va');
  const { code, stderr } = await runExporter({
    namespace: site.host,
    args: ['-i', 'va', '--web.systemd-socket'],
    env: { LISTEN_FDS: undefined, LISTEN_PID: undefined },
  });
  assert.equal(code, 1);
  assert.match(stderr, /systemd passes no sockets \(LISTEN_FDS is not set\): start the \.socket unit/);
});
