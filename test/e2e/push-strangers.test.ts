// SPDX-License-Identifier: Apache-2.0
// The running exporter with a spool full of things that are no batches, a lock and a token that are
// FIFOs: it counts and sends, says so, and a stop waits for none of them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { runExporter } from '../support/exporter/exporter.js';
import {
  allSent,
  assertSamplesBalance,
  countLines,
  createSpoolFolder,
  startPushing,
} from '../support/exporter/pushing.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { PushReceiver } from '../support/receivers/push-receiver.js';

const PORT = 9009;
const URL_THERE = `http://127.0.0.1:${PORT}/api/v1/write`;
/** The promise of a stop. */
const STOP_LIMIT_MS = 5000;

/** As many as the number that it returns. */
function fillWithStrangers(folder: string): number {
  const file = (sequence: number, bytes = 500): string =>
    path.join(folder, `${String(sequence).padStart(16, '0')}-1-10-${bytes}.batch`);
  execFileSync('mkfifo', [file(1), `${file(2)}.tmp`, path.join(folder, 'lock')]);
  symlinkSync(file(3), file(3));
  symlinkSync('/dev/zero', file(4));
  mkdirSync(file(5));
  writeFileSync(file(6), '');
  truncateSync(file(6), 2 ** 31);
  writeFileSync(file(Number.MAX_SAFE_INTEGER), Buffer.alloc(500));
  return 8;
}

kernelTest('strangers in the spool: counted, one line, and what is pushed arrives', async (t) => {
  const site = createSite(t, 'x');
  site.addVeth('va');
  const spool = createSpoolFolder();
  const strangers = fillWithStrangers(spool);
  const receiver = await PushReceiver.start({ port: PORT });
  t.after(() => receiver.stop());
  const exporter = await startPushing(t, site, { push: { url: URL_THERE, spool_path: spool } });
  const now = await allSent(exporter);
  assertSamplesBalance(now);
  assert.equal(now.value('xtrace_push_spool_set_aside_total'), strangers);
  assert.equal(now.value('xtrace_push_spool_bytes'), 0);
  assert.equal(now.value('xtrace_push_up'), 1);
  assert.equal(readdirSync(spool).filter((name) => name.startsWith('set-aside-')).length, strangers);
  assert.equal(countLines(exporter, /level=(warn|error)/), 1, exporter.child.stderr);
  assert.match(
    exporter.child.stderr,
    /level=warn msg="the spool \(push\.spool_path\) holds entries that are not batches: they are set aside, not sent" files=8 reason="lock: it is a FIFO; it is now set-aside-lock"/,
  );
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});

kernelTest('a stop waits neither for FIFOs in the spool, nor for a token that is one', async (t) => {
  const site = createSite(t, 'f');
  site.addVeth('va');
  const spool = createSpoolFolder();
  const token = path.join(createSpoolFolder(), 'token');
  execFileSync('mkfifo', [token]);
  const exporter = await startPushing(t, site, {
    push: { url: URL_THERE, spool_path: spool, bearer_token_file: token },
  });
  await exporter.scrapeUntil(
    'batches on disk, and failures over the token',
    (now) =>
      now.value('xtrace_push_spool_batches') >= 3 &&
      now.sum('xtrace_push_requests_total', { code: 'file' }) >= 3,
  );
  for (const name of readdirSync(spool).filter((one) => one.endsWith('.batch'))) {
    execFileSync('rm', [path.join(spool, name)]);
    execFileSync('mkfifo', [path.join(spool, name)]);
  }
  await exporter.scrapeUntil(
    'the spool to meet one of them',
    (now) => now.value('xtrace_push_spool_set_aside_total') >= 1,
  );
  const startMs = performance.now();
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
  assert.ok(performance.now() - startMs < STOP_LIMIT_MS);
  assert.match(exporter.child.stderr, /push\.bearer_token_file: \S+ cannot be read: it is a FIFO/);
});

kernelTest('one 101 Switching Protocols: a failure that is told; pushing goes on', async (t) => {
  const site = createSite(t, 'w');
  site.addVeth('va');
  let answers = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      answers++;
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(PORT, '127.0.0.1', resolve);
  });
  const exporter = await startPushing(t, site, { push: { url: URL_THERE } });
  const now = await exporter.scrapeUntil(
    'six of them',
    (scrape) => scrape.sum('xtrace_push_requests_total') >= 6,
  );
  assert.deepEqual([now.value('xtrace_push_up'), answers >= 6], [0, true]);
  await new Promise((resolve) => server.close(resolve));
  const receiver = await PushReceiver.start({ port: PORT });
  t.after(() => receiver.stop());
  const after = await allSent(exporter);
  assert.equal(after.value('xtrace_push_up'), 1);
  assertSamplesBalance(after);
  assert.equal(countLines(exporter, /level=(warn|error)/), 1, exporter.child.stderr);
});

kernelTest(
  'a spool folder that every user may empty: one sentence, and the exit code of a fault',
  async (t) => {
    const site = createSite(t, 'c');
    site.addVeth('va');
    const spool = createSpoolFolder();
    chmodSync(spool, 0o777);
    const { code, stderr } = await runExporter({
      namespace: site.host,
      args: ['-i', 'va'],
      settings: { push: { enabled: true, url: URL_THERE, spool_path: spool } },
    });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /push\.spool_path \S+ cannot be used: every user may remove files from it: give a folder/,
    );
  },
);
