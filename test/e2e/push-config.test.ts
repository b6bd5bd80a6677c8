// SPDX-License-Identifier: Apache-2.0
// What cannot be pushed as configured, through the real program: one sentence that names the key and
// what to do, an exit code, no stack, and nothing attached.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { PROGRAM, runExporter, startExporter, writeSettings } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';

const STACK = /^\s+at .*:\d+:\d+\)?$/m;
const ENV: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(NETWORK_INTERFACE|VICTORIAMETRICS_|COLLECT_AGG)/.test(name),
  ),
);

function check(push: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv = {}) {
  const file = writeSettings({ push: { enabled: true, ...push } });
  const { status, stdout, stderr } = spawnSync(PROGRAM, ['--config.check', `--config.file=${file}`], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...ENV, NODE: process.execPath, ...env },
  });
  assert.doesNotMatch(stderr, STACK);
  return { status, stdout, stderr };
}

const WRITE = 'http://127.0.0.1:9/api/v1/write';

/** By what must be said; each alone. */
const BAD: readonly (readonly [push: Readonly<Record<string, unknown>>, sentence: RegExp])[] = [
  [{ url: 'ftp://h/api/v1/write' }, /push\.url: must be .*http.*, but is "ftp:\/\/h\/api\/v1\/write"/],
  [{ url: 'localhost:8428/api/v1/write' }, /push\.url: must be .*http/],
  [{ url: '' }, /push\.url: must be .*http/],
  [{ url: 'http:///api/v1/write' }, /push\.url: must be /],
  [{ url: 'http://h:99999/api/v1/write' }, /push\.url: must be /],
  [{ url: 'http://h/metrics' }, /push\.url: its path does not tell the format: .*or set push\.format/],
  [{ url: WRITE, format: 'remotewrite' }, /push\.format: must be .*remote_write.*"remotewrite"/],
  [{ url: WRITE, compression: 'gzip' }, /push\.compression: must be .*"gzip"/],
  [{ url: WRITE, spool_path: 'spool' }, /push\.spool_path: must be an absolute path.*"spool"/],
  [{ url: WRITE, timeout_ms: 5 }, /push\.timeout_ms: must be .*100 to 600000.*but is 5 /],
  [{ url: WRITE, queue_max_bytes: '1GB' }, /push\.queue_max_bytes: must be /],
  [{ url: WRITE, headers: { 'Content-Type': 'a/b' } }, /push\.headers: .*Content-Type.*cannot be overridden/],
  [{ url: WRITE, extra_labels: { job: 'x' } }, /push\.extra_labels: .*set push\.job instead/],
  [{ url: WRITE, extra_labels: { 'a-b': 'x' } }, /push\.extra_labels: .*"a-b" is not a valid label name/],
  [{ url: WRITE, basic_auth: { username: 'u' } }, /push\.basic_auth: needs both username and password_file/],
  [
    { url: 'http://u:p@h/api/v1/write', bearer_token_file: '/t' },
    /push\.url: only one can log in, but there are push\.bearer_token_file and the user in push\.url/,
  ],
  [{ url: WRITE, tls: { cert_file: '/c.pem' } }, /push\.tls: .*needs both cert_file and key_file/],
  [
    { url: WRITE, retry: { min_backoff_ms: 5000, max_backoff_ms: 100 } },
    /push\.retry: max_backoff_ms \(100\) must not be below min_backoff_ms \(5000\)/,
  ],
  [{ url: WRITE, spol_path: '/s' }, /push\.spol_path: .*spool_path/],
];

for (const [push, sentence] of BAD) {
  test(`push: ${JSON.stringify(push)} is one sentence and exit code 2`, () => {
    const { status, stdout, stderr } = check(push);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, sentence);
    // That line, and nothing else but where to look.
    const lines = stderr.split('\n').filter((line) => line !== '' && !line.endsWith('see --help'));
    assert.equal(lines.length, 1, stderr);
    assert.doesNotMatch(stderr, /u:p@/);
  });
}

test('all that is wrong with push is told at once; what is switched off disturbs nobody', () => {
  const wrong = { url: 'http://h/metrics', tls: { key_file: '/k' }, basic_auth: { username: 'u' } };
  const { status, stderr } = check(wrong);
  assert.equal(status, 2);
  for (const key of ['push.url', 'push.tls', 'push.basic_auth']) {
    assert.ok(stderr.includes(`${key}: `), stderr);
  }
  assert.equal(check({ ...wrong, enabled: false }).status, 0);
});

test('the variables: one sentence each, and they win over the file', () => {
  const bad = check({ url: WRITE }, { VICTORIAMETRICS_REMOTE_WRITE: 'nonsense' });
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /VICTORIAMETRICS_REMOTE_WRITE: must be .*http.* but is text of 8 characters/);
  const good = check({ url: 'http://h/metrics' }, { VICTORIAMETRICS_REMOTE_WRITE: WRITE });
  assert.equal(good.status, 0, good.stderr);
});

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-spool-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

kernelTest('a spool that another exporter has: one sentence, and the first one goes on', async (t) => {
  const site = createSite(t, 'l');
  site.addVeth('va');
  site.addVeth('vb');
  const settings = { push: { enabled: true, url: WRITE, spool_path: temporaryFolder(t) } };
  const first = await startExporter({ namespace: site.host, args: ['-i', 'va', '-t', '100'], settings });
  t.after(() => first.stop('SIGKILL'));
  const second = await runExporter({ namespace: site.host, args: ['-i', 'vb'], settings });
  assert.equal(second.code, 1);
  assert.equal(second.stdout, '');
  assertOneSentence(second.stderr, settings.push.spool_path);
  assert.doesNotMatch(site.host.exec('ip', 'link', 'show', 'dev', 'vb'), /xdp/);
  const before = (await first.scrape()).value('xtrace_refreshes_total');
  await first.scrapeUntil('another refresh', (now) => now.value('xtrace_refreshes_total') > before);
  // It goes with its exporter, killed or not.
  await first.stop('SIGKILL');
  const third = await startExporter({ namespace: site.host, args: ['-i', 'vb'], settings });
  assert.deepEqual(await third.stop(), { code: 0, signal: null });
});

kernelTest('a spool that cannot be: one sentence', async (t) => {
  const site = createSite(t, 'w');
  site.addVeth('va');
  const file = path.join(temporaryFolder(t), 'file');
  writeFileSync(file, '');
  const settings = { push: { enabled: true, url: WRITE, spool_path: file } };
  const result = await runExporter({ namespace: site.host, args: ['-i', 'va'], settings });
  assert.equal(result.code, 1);
  assertOneSentence(result.stderr, file);
});

/** Besides what the log says before it. */
function assertOneSentence(stderr: string, spoolPath: string): void {
  const lines = stderr.split('\n').filter((line) => line !== '' && !/level=(info|debug)/.test(line));
  assert.equal(lines.length, 1, stderr);
  const [line = ''] = lines;
  assert.ok(line.startsWith('xtrace-catch: push.spool_path ') && line.includes(spoolPath), stderr);
}
