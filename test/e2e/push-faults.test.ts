// SPDX-License-Identifier: Apache-2.0
// Receivers and disks in trouble, under the running exporter: what is lost is counted, each trouble is
// one line of the log, and neither scrapes nor drains notice anything of it.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import path from 'node:path';
import {
  allSent,
  assertSamplesBalance,
  countLines,
  createSpoolFolder,
  startPushing,
} from '../support/exporter/pushing.js';
import { createSite } from '../support/exporter/site.js';
import { mixedFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { onSmallDisk } from '../support/kernel/mount-gate.js';
import { decodeSeries, PushReceiver } from '../support/receivers/push-receiver.js';

const FRAMES = mixedFlows(3, 6);
/** In a namespace of the test's own every port is free. */
const PORT = 9009;
const URL_THERE = `http://127.0.0.1:${PORT}/api/v1/write`;

kernelTest('a receiver that takes connections and never answers', async (t) => {
  const site = createSite(t, 'h');
  site.addVeth('va');
  const server = createServer((socket) => socket.resume().on('error', () => undefined));
  await new Promise<void>((resolve) => {
    server.listen(PORT, '127.0.0.1', resolve);
  });
  t.after(() => server.close());
  const exporter = await startPushing(t, site, { push: { url: URL_THERE, timeout_ms: 300 } });
  await site.send('va', FRAMES, 10);
  const before = (await exporter.scrape()).value('xtrace_refreshes_total');
  const now = await exporter.scrapeUntil(
    'six requests to time out',
    (scrape) => scrape.sum('xtrace_push_requests_total', { code: 'timeout' }) >= 6,
  );
  assertSamplesBalance(now);
  // Each took 300 ms, and a refresh 200.
  assert.ok(now.value('xtrace_refreshes_total') - before >= 6);
  assert.equal(now.sum('xtrace_refresh_failures_total'), 0);
  assert.equal(now.value('xtrace_push_samples_sent_total'), 0);
  assert.equal(countLines(exporter, /level=(warn|error)/), 1, exporter.child.stderr);
  assert.match(exporter.child.stderr, /127\.0\.0\.1:9009 did not answer within 300 ms \(push\.timeout_ms\)/);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
  assert.match(exporter.child.stderr, /samples could not be sent before the stop and are dropped/);
  assert.match(exporter.child.stderr, /detached; every packet is counted/);
});

kernelTest('nothing listens: said once; what waits in memory arrives when somebody does', async (t) => {
  const site = createSite(t, 'n');
  site.addVeth('va');
  const exporter = await startPushing(t, site, { push: { url: URL_THERE } });
  await site.send('va', FRAMES, 10);
  await exporter.scrapeUntil(
    'six refusals',
    (now) => now.sum('xtrace_push_requests_total', { code: 'refused' }) >= 6,
  );
  assert.equal(countLines(exporter, /level=(warn|error)/), 1, exporter.child.stderr);
  assert.match(
    exporter.child.stderr,
    /level=warn msg="push fails, trying again; batches wait in memory" reason="nothing listens at 127\.0\.0\.1:9009 \(connection refused\)"/,
  );
  const receiver = await PushReceiver.start({ port: PORT });
  t.after(() => receiver.stop());
  const now = await allSent(exporter);
  assert.equal(now.sum('xtrace_push_samples_dropped_total'), 0);
  await exporter.logged(/level=info msg="push works after \d+ s"/);
  assert.deepEqual(receivedRefreshes(receiver).slice(0, 6), [1, 2, 3, 4, 5, 6]);
});

kernelTest('401: one sentence with the remedy, and the exporter goes on', async (t) => {
  const site = createSite(t, 'u');
  site.addVeth('va');
  const receiver = await PushReceiver.start({ port: PORT, reply: () => ({ status: 401, body: 'go away' }) });
  t.after(() => receiver.stop());
  const exporter = await startPushing(t, site, { push: { url: URL_THERE } });
  await site.send('va', FRAMES, 10);
  const now = await exporter.scrapeUntil(
    'six refusals',
    (scrape) => scrape.sum('xtrace_push_requests_total', { code: '401' }) >= 6,
  );
  assertSamplesBalance(now);
  assert.ok(now.value('xtrace_push_samples_dropped_total', { reason: 'refused' }) > 0);
  assert.equal(now.value('xtrace_push_retries_total'), 0);
  assert.equal(now.value('xtrace_push_up'), 0);
  assert.equal(countLines(exporter, /level=(warn|error)/), 1, exporter.child.stderr);
  assert.match(
    exporter.child.stderr,
    /level=error .*127\.0\.0\.1:9009 answers 401: the login is missing or wrong; look at push\.basic_auth and push\.bearer_token_file; it says: go away/,
  );
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});

kernelTest('the disk of the spool is full: the oldest goes, counted, and the rest arrives', async (t) => {
  const site = createSite(t, 'd');
  site.addVeth('va');
  const folder = createSpoolFolder();
  const [unshare, unshareArgs] = onSmallDisk(folder, 256 * 1024, []);
  const exporter = await startPushing(t, site, {
    push: { url: URL_THERE, spool_path: path.join(folder, 'spool') },
    through: [unshare, ...unshareArgs],
  });
  await site.send('va', FRAMES, 10);
  const full = await exporter.scrapeUntil(
    'batches to make room',
    (now) => now.value('xtrace_push_samples_dropped_total', { reason: 'disk_full' }) > 8000,
  );
  assertSamplesBalance(full);
  assert.equal(full.sum('xtrace_refresh_failures_total'), 0);
  assert.ok(full.value('xtrace_push_spool_bytes') <= 256 * 1024);
  assert.match(
    exporter.child.stderr,
    /level=error msg="the disk of the spool \(push\.spool_path\) is full: the oldest samples are dropped"/,
  );
  // The receiver, away until now, and the disk: a line each.
  assert.equal(countLines(exporter, /level=(warn|error)/), 2, exporter.child.stderr);

  const receiver = await PushReceiver.start({ port: PORT });
  t.after(() => receiver.stop());
  const last = await exporter.scrapeUntil(
    'the rest to be sent',
    (now) => now.value('xtrace_push_queue_samples') + now.value('xtrace_push_spool_samples') === 0,
  );
  assertSamplesBalance(last);
  const received = receivedRefreshes(receiver);
  assert.ok(received.length > 5 && (received[0] ?? 0) > 5, `refreshes ${received}`);
  // What was just being sent makes no room, even where it is the oldest.
  const [first = 0, ...rest] = received;
  assert.ok(first < (rest[0] ?? 0), `refreshes ${received}`);
  assert.deepEqual(
    rest,
    rest.map((_, i) => (rest[0] ?? 0) + i),
    'what was left is not in one piece',
  );
  // All that was sent until then; more has come meanwhile.
  const samples = receiver.pushes.flatMap(decodeSeries).length;
  assert.ok(samples >= last.value('xtrace_push_samples_sent_total'));
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});

/** The numbers of the refreshes that came, in the order in which they came. */
function receivedRefreshes(receiver: PushReceiver): number[] {
  return receiver.pushes
    .flatMap(decodeSeries)
    .filter(({ labels }) => labels.some(([, value]) => value === 'xtrace_refreshes_total'))
    .flatMap(({ samples }) => samples.map(({ value }) => value));
}
