// SPDX-License-Identifier: Apache-2.0
// Pushing to receivers that know what this system's do not: VictoriaMetrics and vmagent with zstd,
// Prometheus with remote write 2.0. What was tried first is taken, once and for all, and every sample
// is there.

import assert from 'node:assert/strict';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { findNodeVersion } from '../support/exporter/node-version.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { findLaterReceiver } from '../support/receivers/later-receiver.js';
import { pushAndCompare } from '../support/receivers/push-and-compare.js';
import {
  startPrometheusReceiver,
  startVictoriaMetrics,
  startVmagentReceiver,
} from '../support/receivers/receivers.js';

const victoriaMetrics = findLaterReceiver('victoria-metrics', 'victoria-metrics');
const vmagent = findLaterReceiver('victoria-metrics', 'vmagent');
const prometheus = findLaterReceiver('prometheus', 'prometheus');
const node24 = findNodeVersion('24');

const ZSTD = { format: 'remote_write_1', compression: 'zstd' };
const SNAPPY = { format: 'remote_write_1', compression: 'snappy' };
const VERSION_2 = { format: 'remote_write_2', compression: 'snappy' };

/** A test with a site of its own; skipped, with a word, where something is missing. */
function laterTest(
  title: string,
  needs: readonly { readonly missing: string | undefined }[],
  body: (t: TestContext, site: Site) => Promise<void>,
): void {
  const missing = needs.find((one) => one.missing !== undefined)?.missing;
  if (missing !== undefined) {
    process.stderr.write(`SKIPPED: ${title}: ${missing}\n`);
    test(title, { skip: `SKIPPED: ${missing}` }, () => undefined);
    return;
  }
  kernelTest(title, async (t) => {
    const site = createSite(t, 'lr');
    site.addVeth('va');
    await body(t, site);
  });
}

laterTest('zstd to victoria-metrics', [victoriaMetrics, node24], async (t, site) => {
  t.diagnostic(`victoria-metrics ${victoriaMetrics.version}`);
  const storage = await startVictoriaMetrics(site.host, victoriaMetrics.path);
  t.after(() => storage.stop());
  const last = await pushAndCompare(t, site, {
    storage,
    url: storage.writeUrl,
    node: node24.path,
    protocol: ZSTD,
  });
  assert.deepEqual(
    last.select('xtrace_push_requests_total').map(({ labels }) => labels.get('code')),
    ['204'],
    'no other answer came',
  );
  assert.equal(last.value('xtrace_push_retries_total'), 0);
  assert.doesNotMatch(storage.output(), /\t(warn|error|panic)\t/);
});

laterTest('zstd to vmagent, which passes it on', [victoriaMetrics, vmagent, node24], async (t, site) => {
  const storage = await startVictoriaMetrics(site.host, victoriaMetrics.path);
  t.after(() => storage.stop());
  const agent = await startVmagentReceiver(site.host, storage.writeUrl, vmagent.path);
  t.after(() => agent.stop());
  const settings = { compression: 'zstd' };
  const last = await pushAndCompare(t, site, {
    storage,
    url: agent.writeUrl,
    settings,
    node: node24.path,
    protocol: ZSTD,
  });
  assert.equal(last.value('xtrace_push_retries_total'), 0);
  assert.doesNotMatch(agent.output(), /\t(warn|error|panic)\t/);
});

laterTest(
  'remote write 2.0 to victoria-metrics, which takes it for 1.0: 1.0, and nothing is lost',
  [victoriaMetrics],
  async (t, site) => {
    const storage = await startVictoriaMetrics(site.host, victoriaMetrics.path);
    t.after(() => storage.stop());
    const last = await pushAndCompare(t, site, {
      storage,
      url: storage.writeUrl,
      settings: { format: 'remote_write_2' },
      protocol: SNAPPY,
    });
    assert.equal(last.value('xtrace_push_retries_total'), 1);
  },
);

laterTest('remote write 2.0 to prometheus', [prometheus], async (t, site) => {
  t.diagnostic(`prometheus ${prometheus.version}`);
  const storage = await startPrometheusReceiver(site.host, prometheus.path);
  t.after(() => storage.stop());
  const last = await pushAndCompare(t, site, {
    storage,
    url: storage.writeUrl,
    settings: { format: 'remote_write_2' },
    protocol: VERSION_2,
  });
  assert.equal(last.value('xtrace_push_retries_total'), 0);
  assert.doesNotMatch(storage.output(), /level=(warn|error)/i);
});

laterTest(
  'zstd, which prometheus does not know: snappy, and nothing is lost',
  [prometheus, node24],
  async (t, site) => {
    const storage = await startPrometheusReceiver(site.host, prometheus.path);
    t.after(() => storage.stop());
    const last = await pushAndCompare(t, site, {
      storage,
      url: storage.writeUrl,
      node: node24.path,
      protocol: SNAPPY,
    });
    assert.equal(last.value('xtrace_push_requests_total', { code: '415' }), 1);
    assert.equal(last.value('xtrace_push_retries_total'), 1);
  },
);
