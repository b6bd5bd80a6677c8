// SPDX-License-Identifier: Apache-2.0
// Pushing to Debian's prometheus, victoria-metrics and vmagent, with traffic on a wire: every sample
// is there, and equal to /metrics at that refresh; also where the receiver knows less than was tried.

import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { findNodeVersion } from '../support/exporter/node-version.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { pushAndCompare } from '../support/receivers/push-and-compare.js';
import {
  startPrometheusReceiver,
  startVictoriaMetrics,
  startVmagentReceiver,
} from '../support/receivers/receivers.js';

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

const node24 = findNodeVersion('24');
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
