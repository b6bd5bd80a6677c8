// SPDX-License-Identifier: Apache-2.0
// Pushing to Debian's prometheus, victoria-metrics and vmagent, with traffic on a wire: every sample
// is there, and equal to /metrics at that refresh; also where the receiver knows less than was tried.

import assert from 'node:assert/strict';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { startExporter } from '../support/exporter.js';
import type { Exposition } from '../support/exposition-parser.js';
import { kernelTest } from '../support/kernel-gate.js';
import { findOtherNode } from '../support/other-node.js';
import { assertAllPushed, scrapeRefreshes } from '../support/pushed.js';
import {
  type Storage,
  startPrometheusReceiver,
  startVictoriaMetrics,
  startVmagentReceiver,
} from '../support/receivers.js';
import { createSite, type Site } from '../support/site.js';
import { mixedFlows } from '../support/traffic-mix.js';

const FRAMES = mixedFlows(3, 6);
const REPEAT = 40;
const REFRESHES = 12;
const ADDED = { job: 'test-job', instance: 'node-7:1', rack: 'r "7"', zone: 'ü' };

interface PushCase {
  readonly storage: Storage;
  readonly url: string;
  /** Of the section push, besides. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly node?: string;
  /** What it ends up with. */
  readonly protocol: { readonly format: string; readonly compression: string };
}

/** Pushes with traffic, and compares all of it; resolves with the last scrape. */
async function pushAndCompare(t: TestContext, site: Site, one: PushCase): Promise<Exposition> {
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '200'],
    settings: {
      push: {
        enabled: true,
        url: one.url,
        job: ADDED.job,
        instance: ADDED.instance,
        extra_labels: { rack: ADDED.rack, zone: ADDED.zone },
        batch_max_samples: 150,
        ...one.settings,
      },
    },
    env: { NODE: one.node ?? process.execPath },
  });
  t.after(() => exporter.stop('SIGKILL'));
  const scrapes = new Map(
    await scrapeRefreshes(exporter, REFRESHES, async () => {
      const sent = await site.send('va', FRAMES, REPEAT);
      await exporter.scrapeUntil(
        'all packets',
        (now) => now.sum('xtrace_interface_packets_total') === sent.packets,
      );
    }),
  );
  const last = await exporter.scrapeUntil(
    'all to be sent',
    (now) => now.value('xtrace_push_samples_sent_total') === now.value('xtrace_push_samples_total'),
  );
  scrapes.set(last.value('xtrace_refreshes_total'), last);
  const compared = await assertAllPushed(one.storage, ADDED, scrapes);
  t.diagnostic(`${compared} samples of ${scrapes.size} refreshes are the same`);
  assert.ok(compared > 500, `only ${compared} samples were compared`);
  assert.ok(last.select('xtrace_network_bytes_total').length > 50);
  assert.equal(last.sum('xtrace_push_samples_dropped_total'), 0);
  assert.equal(last.value('xtrace_push_up'), 1);
  assert.equal(last.value('xtrace_push_protocol_info', one.protocol), 1);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
  assert.doesNotMatch(exporter.child.stderr, /level=(warn|error)/);
  assert.match(exporter.child.stderr, /msg="push works: the receiver takes /);
  return last;
}

const V1_SNAPPY = { format: 'remote_write_1', compression: 'snappy' };

kernelTest('remote write 1.0 to prometheus', async (t) => {
  const site = createSite(t, 'rp');
  site.addVeth('va');
  const storage = await startPrometheusReceiver(site.host);
  t.after(() => storage.stop());
  const settings = { compression: 'snappy' };
  await pushAndCompare(t, site, { storage, url: storage.writeUrl, settings, protocol: V1_SNAPPY });
  assert.doesNotMatch(storage.output(), /level=(warn|error)/);
});

kernelTest('remote write 1.0 to victoria-metrics', async (t) => {
  const site = createSite(t, 'rv');
  site.addVeth('va');
  const storage = await startVictoriaMetrics(site.host);
  t.after(() => storage.stop());
  const settings = { compression: 'snappy' };
  await pushAndCompare(t, site, { storage, url: storage.writeUrl, settings, protocol: V1_SNAPPY });
  assert.doesNotMatch(storage.output(), /\t(warn|error|panic)\t/);
});

kernelTest('remote write 1.0 to vmagent, which passes it on', async (t) => {
  const site = createSite(t, 'ra');
  site.addVeth('va');
  const storage = await startVictoriaMetrics(site.host);
  t.after(() => storage.stop());
  const agent = await startVmagentReceiver(site.host, storage.writeUrl);
  t.after(() => agent.stop());
  const settings = { compression: 'snappy' };
  await pushAndCompare(t, site, { storage, url: agent.writeUrl, settings, protocol: V1_SNAPPY });
  assert.doesNotMatch(agent.output(), /\t(warn|error|panic)\t/);
});

kernelTest('text to the import API of victoria-metrics', async (t) => {
  const site = createSite(t, 'rt');
  site.addVeth('va');
  const storage = await startVictoriaMetrics(site.host);
  t.after(() => storage.stop());
  const url = `${storage.base}/api/v1/import/prometheus`;
  await pushAndCompare(t, site, { storage, url, protocol: { format: 'text', compression: 'gzip' } });
  assert.doesNotMatch(storage.output(), /\t(warn|error|panic)\t/);
});

for (const start of [startPrometheusReceiver, startVictoriaMetrics]) {
  const name = start === startPrometheusReceiver ? 'prometheus' : 'victoria-metrics';
  kernelTest(`remote write 2.0, which this ${name} does not know: 1.0, and nothing is lost`, async (t) => {
    const site = createSite(t, 'r2');
    site.addVeth('va');
    const storage = await start(site.host);
    t.after(() => storage.stop());
    const settings = { format: 'remote_write_2' };
    const last = await pushAndCompare(t, site, {
      storage,
      url: storage.writeUrl,
      settings,
      protocol: V1_SNAPPY,
    });
    assert.equal(last.value('xtrace_push_retries_total'), 1);
  });
}

const node24 = findOtherNode('24');
for (const start of [startVictoriaMetrics, startPrometheusReceiver]) {
  const name = start === startPrometheusReceiver ? 'prometheus' : 'victoria-metrics';
  const title = `zstd, which this ${name} does not know: snappy, and nothing is lost`;
  if (node24.missing !== undefined) {
    process.stderr.write(`SKIPPED, no Node with zstd (${node24.missing}): ${title}\n`);
    test(title, { skip: `SKIPPED: ${node24.missing}` }, () => undefined);
    continue;
  }
  kernelTest(title, async (t) => {
    const site = createSite(t, 'rz');
    site.addVeth('va');
    const storage = await start(site.host);
    t.after(() => storage.stop());
    const last = await pushAndCompare(t, site, {
      storage,
      url: storage.writeUrl,
      node: node24.path,
      protocol: V1_SNAPPY,
    });
    assert.equal(last.value('xtrace_push_requests_total', { code: '400' }), 1);
    assert.equal(last.value('xtrace_push_retries_total'), 1);
  });
}
