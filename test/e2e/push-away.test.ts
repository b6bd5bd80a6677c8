// SPDX-License-Identifier: Apache-2.0
// A receiver that is killed and comes back, and an exporter that is killed meanwhile: with a spool
// not one sample is missing afterwards.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Exporter } from '../support/exporter/exporter.js';
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
import { assertAllPushed, scrapeRefreshes } from '../support/receivers/pushed.js';
import { startPrometheusReceiver } from '../support/receivers/receivers.js';

const FRAMES = mixedFlows(3, 6);
const AWAY_MS = 60_000;
/** A process that has just started grows by some 50 MiB, whatever it does. */
const MOST_GROWTH_MIB = 128;

function residentMiB(exporter: Exporter): number {
  const status = readFileSync(`/proc/${exporter.child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

kernelTest('a receiver killed for a minute: with a spool not one sample is missing', async (t) => {
  const site = createSite(t, 'm');
  site.addVeth('va');
  const storage = await startPrometheusReceiver(site.host);
  t.after(() => storage.stop());
  const intervalMs = 500;
  const exporter = await startPushing(t, site, {
    intervalMs,
    push: { url: storage.writeUrl, spool_path: createSpoolFolder(), instance: 'here' },
  });
  await site.send('va', FRAMES, 10);
  await allSent(exporter);
  const startMiB = residentMiB(exporter);
  let mostMiB = 0;
  let mostQueued = 0;
  const scrapes = new Map(
    await scrapeRefreshes(
      exporter,
      5,
      async () => {
        await storage.stop('SIGKILL');
        const before = (await exporter.scrape()).value('xtrace_refreshes_total');
        const awayMs = performance.now();
        while (performance.now() - awayMs < AWAY_MS) {
          await site.send('va', FRAMES, 1);
          const now = await exporter.scrape();
          assertSamplesBalance(now);
          mostMiB = Math.max(mostMiB, residentMiB(exporter));
          mostQueued = Math.max(mostQueued, now.value('xtrace_push_queue_samples'));
          await delay(1000);
        }
        const now = await exporter.scrape();
        const refreshes = now.value('xtrace_refreshes_total') - before;
        assert.ok(refreshes >= (0.9 * AWAY_MS) / intervalMs, `${refreshes} refreshes in ${AWAY_MS} ms`);
        assert.equal(now.sum('xtrace_refresh_failures_total'), 0);
        assert.equal(now.value('xtrace_push_up'), 0);
        assert.ok(now.value('xtrace_push_spool_samples') > 50_000);
        await storage.start();
        await allSent(exporter);
      },
      intervalMs,
    ),
  );
  const last = await exporter.scrape();
  t.diagnostic(`${startMiB.toFixed(0)} MiB before, at most ${mostMiB.toFixed(0)} MiB while it was away`);
  t.diagnostic(`at most ${mostQueued} samples in memory, ${last.value('xtrace_push_samples_total')} in all`);
  assert.ok(mostQueued < 5000, `${mostQueued} samples stood in memory, though there is a spool`);
  assert.ok(mostMiB < startMiB + MOST_GROWTH_MIB, `${startMiB} MiB became ${mostMiB} MiB`);
  assert.equal(last.sum('xtrace_push_samples_dropped_total'), 0);
  assert.ok(last.value('xtrace_push_replayed_samples_total') > 50_000);
  scrapes.set(last.value('xtrace_refreshes_total'), last);
  await assertAllPushed(storage, { job: 'xtrace-catch', instance: 'here' }, scrapes);
  // A line when it went, and a line when it was back.
  assert.equal(countLines(exporter, /level=(warn|error)/), 1, exporter.child.stderr);
  assert.match(exporter.child.stderr, /push fails, trying again; batches wait in the spool/);
  assert.match(exporter.child.stderr, /level=info msg="push works again after \d+ s"/);
});

kernelTest('kill -9 with a full spool: the next run sends all of it', async (t) => {
  const site = createSite(t, 'k');
  site.addVeth('va');
  const storage = await startPrometheusReceiver(site.host);
  t.after(() => storage.stop());
  const spool = createSpoolFolder();
  const push = { url: storage.writeUrl, spool_path: spool };
  const killed = await startPushing(t, site, { push: { ...push, instance: 'first' } });
  await site.send('va', FRAMES, 10);
  await allSent(killed);
  await storage.stop('SIGKILL');
  const scrapes = new Map(await scrapeRefreshes(killed, 20));
  // All that it was handed is on disk now, and so is all that it says here.
  const last = await killed.scrapeUntil(
    'the spool to have it all',
    (now) => now.value('xtrace_push_queue_samples') === 0 && now.value('xtrace_push_spool_batches') >= 20,
  );
  await killed.stop('SIGKILL');
  scrapes.set(last.value('xtrace_refreshes_total'), last);

  const second = await startPushing(t, site, { push: { ...push, instance: 'second' } });
  await storage.start();
  const sent = await second.scrapeUntil(
    'all to be sent',
    (now) =>
      now.value('xtrace_push_up') === 1 &&
      now.value('xtrace_push_samples_sent_total') === now.value('xtrace_push_samples_total'),
  );
  assert.equal(sent.sum('xtrace_push_samples_dropped_total'), 0);
  assert.equal(sent.value('xtrace_push_spool_samples'), 0);
  assert.ok(
    sent.value('xtrace_push_replayed_samples_total') >= last.value('xtrace_push_spool_samples'),
    'less was replayed than was spooled',
  );
  // Prometheus refuses what is out of order: nothing dropped means oldest first.
  await assertAllPushed(storage, { job: 'xtrace-catch', instance: 'first' }, scrapes);
  assert.match(second.child.stderr, /the spool holds batches of a former run: they are sent first/);
});
