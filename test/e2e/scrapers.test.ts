// SPDX-License-Identifier: Apache-2.0
// Debian's prometheus and vmagent scrape the running exporter once a second, through flows that go
// on and one that ends. What they stored is asked by PromQL; nothing else scrapes meanwhile.

import assert from 'node:assert/strict';
import { waitFor } from '../support/conditions.js';
import { startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, tcp, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { type Sent, startSending } from '../support/kernel/sender.js';
import { type Scraper, startPrometheus, startVmagent } from '../support/receivers/scrapers.js';

/** The flow that ends; the other one goes on beside it. */
const ENDING = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp(4000, 5000, payloadOf(400))),
);
const LASTING = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.9', dst: '192.0.2.2' }, tcp(4000, 443, payloadOf(100))),
);
const ENDING_FLOW = '{src_ip="192.0.2.1",dst_port="5000",traffic_type="UDP"}';
const LASTING_FLOW = '{src_ip="192.0.2.9",dst_port="443",traffic_type="TCP"}';
const RATE_WINDOW_S = 10;
const PAUSE_NS = 10_000_000;

const nowS = (): number => Date.now() / 1000;

kernelTest('prometheus and vmagent: rates, sums and the end of a series', async (t) => {
  const site = createSite(t, 's');
  site.addVeth('va');
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '200'],
    settings: { flows: { idle_timeout_ms: 4000 } },
  });
  t.after(() => exporter.stop());
  const scrapers: Scraper[] = [];
  t.after(() => Promise.all(scrapers.map((scraper) => scraper.stop())));
  scrapers.push(await startPrometheus(site.host, exporter.url));
  scrapers.push(await startVmagent(site.host, exporter.url));
  const everywhere = (what: string, check: (scraper: Scraper) => Promise<boolean>): Promise<unknown> =>
    Promise.all(
      scrapers.map((scraper) =>
        waitFor(`${scraper.name}: ${what}`, () => check(scraper), { limitMs: 40_000, intervalMs: 200 }),
      ),
    );
  await everywhere('the first scrape', async (scraper) => (await scraper.value('up')) === 1);
  const beganS = nowS();

  const begin = (frame: Buffer, repeat: number) => {
    const sending = startSending({
      prefix: site.peer.enter,
      interface: 'vap',
      frames: [frame],
      repeat,
      pauseNs: PAUSE_NS,
    });
    t.after(async () => {
      await sending.child.stop();
      sending.dispose();
    });
    return sending;
  };
  begin(LASTING, 1_000_000);
  const ending = begin(ENDING, 400);
  const { code } = await ending.child.exited;
  assert.equal(code, 0, ending.child.stderr);
  const sent = JSON.parse(ending.child.stdout) as Sent;
  await everywhere(
    'all of the flow',
    async (scraper) => (await scraper.value(`xtrace_network_packets_total${ENDING_FLOW}`)) === sent.packets,
  );
  await everywhere(
    'the series to be gone',
    async (scraper) => (await scraper.query(`xtrace_network_packets_total${ENDING_FLOW}`)).length === 0,
  );

  // The lasting flow is alone on the wire now: what the wire says of a window, and what rate() does.
  const start = site.host.linkCounters('va').rx.packets;
  const startMs = performance.now();
  await waitFor('the window to pass', () => performance.now() - startMs > RATE_WINDOW_S * 1000);
  const perSecond =
    (site.host.linkCounters('va').rx.packets - start) / ((performance.now() - startMs) / 1000);
  // The byte counters of a veth leave the Ethernet header out.
  for (const [unit, wire] of [
    ['packets', perSecond],
    ['bytes', perSecond * LASTING.length],
  ] as const) {
    for (const { name, value } of scrapers) {
      const rate = await value(`rate(xtrace_network_${unit}_total${LASTING_FLOW}[${RATE_WINDOW_S}s])`);
      t.diagnostic(`${name}: ${rate.toFixed(1)} ${unit}/s, on the wire ${wire.toFixed(1)}`);
      // The windows of wire and scrapes lie up to a second apart.
      assert.ok(Math.abs(rate / wire - 1) < 0.1, `${name}: rate ${rate} ${unit}/s, but ${wire} on the wire`);
    }
  }
  const endedS = nowS();

  for (const scraper of scrapers) {
    const { name } = scraper;
    // The other flow goes on; what the ended one carried is in the books.
    assert.equal((await scraper.query('xtrace_network_packets_total')).length, 1, name);
    assert.equal(await scraper.value('xtrace_other_packets_total{reason="expired"}'), sent.packets, name);
    assert.equal(await scraper.value('xtrace_other_bytes_total{reason="expired"}'), sent.bytes, name);
    assert.equal(
      await scraper.value(`max_over_time(xtrace_network_bytes_total${ENDING_FLOW}[2m])`),
      sent.bytes,
      name,
    );

    // Every scrape worked, and the books balanced in each.
    const up = await scraper.range('up', beganS, endedS);
    assert.ok(up.length >= RATE_WINDOW_S && up.every((value) => value === 1), `${name}: up ${up}`);
    const samples = await scraper.range('scrape_samples_scraped', beganS, endedS);
    assert.ok(
      samples.every((value) => value > 60),
      `${name}: samples ${samples}`,
    );
    assert.deepEqual(
      (await scraper.targets()).map(({ health, lastError }) => ({ health, lastError })),
      [{ health: 'up', lastError: '' }],
      name,
    );
    for (const unit of ['packets', 'bytes'] as const) {
      const by = 'sum by (interface, traffic_type)';
      const parts = `{__name__=~"xtrace_(network|other)_${unit}_total"}`;
      const balance = `${by} (xtrace_interface_${unit}_total) - ${by} (${parts})`;
      const differences = await scraper.range(balance, beganS, endedS);
      assert.ok(differences.length > 2 * RATE_WINDOW_S, `${name}: ${differences.length} comparisons`);
      assert.ok(
        differences.every((value) => value === 0),
        `${name}: ${unit} off by ${differences}`,
      );
    }
    for (const counter of [
      'xtrace_interface_packets_total',
      'xtrace_interface_bytes_total',
      'xtrace_refreshes_total',
    ]) {
      const resets = await scraper.query(`resets(${counter}[2m])`);
      assert.ok(
        resets.length > 0 && resets.every(({ value }) => value === 0),
        `${name}: ${counter} was reset`,
      );
    }
    // Prometheus takes OpenMetrics, vmagent text; the exporter tells both of them about both.
    for (const format of ['openmetrics', 'text']) {
      const rendered = await scraper.value(`xtrace_exposition_duration_seconds_count{format="${format}"}`);
      assert.ok(rendered >= RATE_WINDOW_S, `${name}: ${rendered} expositions in ${format}`);
    }
    assert.doesNotMatch(scraper.output(), /err|warn.*scrape/i);
  }
  assert.doesNotMatch(exporter.child.stderr, /level=(warn|error)/);
});
