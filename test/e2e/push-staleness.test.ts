// SPDX-License-Identifier: Apache-2.0
// The end of series at a receiver: at once when a flow ends and at a clean stop, though both
// receivers look back five minutes for a last sample; and not when the exporter is killed.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, tcp, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startSending } from '../support/kernel/sender.js';
import {
  type Storage,
  startPrometheusReceiver,
  startVictoriaMetrics,
} from '../support/receivers/receivers.js';

const ENDING = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp(4000, 5000, payloadOf(400))),
);
const LASTING = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.9', dst: '192.0.2.2' }, tcp(4000, 443, payloadOf(100))),
);
const ENDING_FLOW = { src_ip: '192.0.2.1', dst_port: '5000' };
const ENDING_QUERY = 'xtrace_network_packets_total{src_ip="192.0.2.1",dst_port="5000"}';
const ALL = '{job="xtrace-catch",instance="here"}';
/** Far less than five minutes: prometheus shows a sample when it has answered, victoria-metrics soon after. */
const SOON = { limitMs: 10_000, intervalMs: 50 };

function startPushing(t: TestContext, site: Site, storage: Storage): Promise<Exporter> {
  const starting = startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '200'],
    settings: {
      flows: { idle_timeout_ms: 2500 },
      push: { enabled: true, url: storage.writeUrl, instance: 'here' },
    },
  });
  t.after(async () => (await starting).stop('SIGKILL'));
  return starting;
}

/** What the receiver shows, once it shows this refresh or a later one. */
async function shownSince(storage: Storage, refresh: number, promQl: string) {
  await waitFor(
    `refresh ${refresh} at ${storage.name}`,
    async () => ((await storage.query('xtrace_refreshes_total'))[0]?.value ?? 0) >= refresh,
    SOON,
  );
  return storage.query(promQl);
}

for (const start of [startPrometheusReceiver, startVictoriaMetrics]) {
  const name = start === startPrometheusReceiver ? 'prometheus' : 'victoria-metrics';
  kernelTest(`${name}: a flow that ends is gone with the next push, and comes back`, async (t) => {
    const site = createSite(t, 'f');
    site.addVeth('va');
    const storage = await start(site.host);
    t.after(() => storage.stop());
    const exporter = await startPushing(t, site, storage);
    const lasting = startSending({
      prefix: site.peer.enter,
      interface: 'vap',
      frames: [LASTING],
      repeat: 1_000_000,
      pauseNs: 20_000_000,
    });
    t.after(async () => {
      await lasting.child.stop();
      lasting.dispose();
    });
    for (const packets of [30, 7]) {
      await site.send('va', [ENDING], packets);
      await waitFor(
        `the flow at ${name}`,
        async () => (await storage.query(ENDING_QUERY))[0]?.value === packets,
        SOON,
      );
      const gone = await exporter.scrapeUntil(
        'the flow to end',
        (now) => now.select('xtrace_network_packets_total', ENDING_FLOW).length === 0,
      );
      const refresh = gone.value('xtrace_refreshes_total');
      assert.deepEqual(await shownSince(storage, refresh, ENDING_QUERY), []);
      for (const metric of ['network_bytes_total', 'network_flow_bytes', 'network_flow_packets']) {
        const query = `xtrace_${metric}{src_ip="192.0.2.1"}`;
        assert.deepEqual(await storage.query(query), [], query);
      }
      // The other flow and all else goes on.
      assert.equal((await storage.query('xtrace_network_packets_total')).length, 1);
      assert.ok((await storage.query(ALL)).length > 50);
    }
    // What was stored of it stays: 7 packets after 30 is a counter that began anew.
    const [history] = await storage.query(`max_over_time(${ENDING_QUERY}[10m])`);
    assert.equal(history?.value, 30);
    assert.doesNotMatch(exporter.child.stderr, /level=(warn|error)/);
  });
}

for (const start of [startPrometheusReceiver, startVictoriaMetrics]) {
  const name = start === startPrometheusReceiver ? 'prometheus' : 'victoria-metrics';
  kernelTest(`${name}: a clean stop ends every series at once, a new start begins them again`, async (t) => {
    const site = createSite(t, 'c');
    site.addVeth('va');
    const storage = await start(site.host);
    t.after(() => storage.stop());
    for (let run = 0; run < 2; run++) {
      const exporter = await startPushing(t, site, storage);
      await site.send('va', [ENDING, LASTING], 5);
      const shows = `all series at ${name}`;
      await waitFor(shows, async () => (await storage.query(ALL)).length > 80, SOON);
      assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
      if (name === 'prometheus') assert.deepEqual(await storage.query(ALL), []);
      await waitFor(`no series at ${name}`, async () => (await storage.query(ALL)).length === 0, SOON);
      assert.doesNotMatch(exporter.child.stderr, /level=(warn|error)/);
    }
  });
}

kernelTest('prometheus: after kill -9 the last values stay, as the exporter could not say', async (t) => {
  const site = createSite(t, 'k');
  site.addVeth('va');
  const storage = await startPrometheusReceiver(site.host);
  t.after(() => storage.stop());
  const exporter = await startPushing(t, site, storage);
  await site.send('va', [ENDING, LASTING], 5);
  await waitFor('both flows', async () => {
    const flows = await storage.query('xtrace_network_packets_total');
    return flows.length === 2 && flows.every(({ value }) => value === 5);
  });
  await exporter.stop('SIGKILL');
  assert.equal((await storage.query('xtrace_network_packets_total')).length, 2);
  assert.ok((await storage.query(ALL)).length > 80);
});
