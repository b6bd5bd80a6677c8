// SPDX-License-Identifier: Apache-2.0
// increase() over flows and over RoCE pairs finds what the interface carried: new series begin at a 0 that
// every scraper has seen, whatever its interval, and over restarts. Real scrapers, at the same time.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { createKnownTraffic } from '../support/frames/known-traffic.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { assertBalance } from '../support/oracle/balance.js';
import { findLaterReceiver } from '../support/receivers/later-receiver.js';
import { type Scraper, startPrometheus, startVmagent } from '../support/receivers/scrapers.js';

/** Of traffic, a round. 200 new flows a second. */
const ROUND_S = 5;
const RESTARTS = 3;
const TOLERANCE = 0.01;
/** Longer than the test takes. */
const WINDOW = '20m';

const COMPARED = [
  {
    what: 'flows',
    sum: 'xtrace_network_bytes_total{traffic_type=~"TCP|UDP|RoCE_v2"}',
    whole: 'xtrace_interface_bytes_total{traffic_type=~"TCP|UDP|RoCE_v2"}',
  },
  {
    what: 'packets of flows',
    sum: 'xtrace_network_packets_total{traffic_type=~"TCP|UDP|RoCE_v2"}',
    whole: 'xtrace_interface_packets_total{traffic_type=~"TCP|UDP|RoCE_v2"}',
  },
  {
    what: 'RoCE pairs',
    sum: 'xtrace_roce_bytes_total',
    whole: 'xtrace_interface_bytes_total{traffic_type="RoCE_v2"}',
  },
] as const;

function startExporterOn(t: TestContext, site: Site): Promise<Exporter> {
  return startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '1000', '--web.listen-address=127.0.0.1:10060'],
    settings: {
      // Also how long a scraper is waited for that has not come yet since the start.
      flows: {
        new_series: 'zero_first',
        hold_max_ms: 15_000,
        max_series: 20_000,
        idle_timeout_ms: 3_600_000,
      },
    },
  }).then((exporter) => {
    t.after(() => exporter.stop('SIGKILL'));
    return exporter;
  });
}

async function startScrapers(t: TestContext, site: Site, { url }: Exporter): Promise<readonly Scraper[]> {
  const scrapers: Scraper[] = [];
  t.after(() => Promise.all(scrapers.map((scraper) => scraper.stop())));
  scrapers.push(await startPrometheus(site.host, url, { name: 'prometheus, every 2 s', everyS: 2 }));
  scrapers.push(await startVmagent(site.host, url, { everyS: 5 }));
  const later = findLaterReceiver('prometheus', 'prometheus');
  if (later.missing !== undefined) {
    t.diagnostic(later.missing);
    return scrapers;
  }
  const program = later.path;
  const one = { name: `prometheus ${later.version}, every 3 s`, address: '127.0.0.1:9091', everyS: 3 };
  scrapers.push(await startPrometheus(site.host, url, { program, ...one }));
  const flags = ['--enable-feature=created-timestamp-zero-ingestion,native-histograms'];
  const two = { name: 'the same with created timestamps, every 4 s', address: '127.0.0.1:9092', everyS: 4 };
  scrapers.push(await startPrometheus(site.host, url, { program, flags, ...two }));
  return scrapers;
}

/** Waits until a scraper shows for each sum what the exporter shows. */
async function untilCaughtUp(scraper: Scraper, exporter: Exporter): Promise<void> {
  await waitFor(
    `${scraper.name} to show what the exporter shows`,
    async () => {
      const now = await exporter.scrape();
      assertBalance(now);
      if (now.sum('xtrace_pending_bytes') + now.sum('xtrace_roce_pending_bytes') > 0) return false;
      const flows = await scraper.query('sum(xtrace_network_bytes_total{traffic_type="TCP"})');
      const pairs = await scraper.query('sum(xtrace_roce_bytes_total)');
      return (
        flows[0]?.value === now.sum('xtrace_network_bytes_total', { traffic_type: 'TCP' }) &&
        pairs[0]?.value === now.sum('xtrace_roce_bytes_total')
      );
    },
    { limitMs: 90_000, intervalMs: 500 },
  );
}

kernelTest(
  'increase() over flows and RoCE pairs finds what the interface carried, over restarts, for every scraper',
  async (t) => {
    const site = createSite(t, 'i');
    site.addVeth('va');
    let exporter = await startExporterOn(t, site);
    const scrapers = await startScrapers(t, site, exporter);
    const { frames } = createKnownTraffic(ROUND_S);
    for (let round = 0; round <= RESTARTS; round++) {
      for (const scraper of scrapers) {
        await waitFor(
          `${scraper.name} to know the interface`,
          async () =>
            (await scraper.query('sum(xtrace_interface_bytes_total{traffic_type="TCP"})')).length > 0,
          { limitMs: 30_000, intervalMs: 200 },
        );
      }
      await site.send('va', frames);
      for (const scraper of scrapers) await untilCaughtUp(scraper, exporter);
      if (round === RESTARTS) break;
      await exporter.stop();
      exporter = await startExporterOn(t, site);
      const startedS = Date.now() / 1000;
      for (const scraper of scrapers) {
        await waitFor(
          `${scraper.name} to know the next exporter`,
          async () =>
            ((await scraper.query('min(timestamp(process_start_time_seconds))'))[0]?.value ?? 0) > startedS,
          { limitMs: 30_000, intervalMs: 200 },
        );
      }
    }
    const faults: string[] = [];
    for (const scraper of scrapers) {
      // As of a scrape: between two, Prometheus extrapolates, for young series more than for old ones.
      const [shown] = await scraper.query('max(timestamp(xtrace_interface_bytes_total))');
      for (const { what, sum, whole } of COMPARED) {
        const [found, carried] = await Promise.all(
          [sum, whole].map(async (series) => {
            const [answer] = await scraper.query(`sum(increase(${series}[${WINDOW}]))`, shown?.value);
            return answer?.value ?? Number.NaN;
          }),
        );
        const share = (found ?? Number.NaN) / (carried ?? Number.NaN);
        t.diagnostic(`${scraper.name}: ${what}: ${found} of ${carried}, ${(100 * share).toFixed(2)} %`);
        if (!(Math.abs(share - 1) <= TOLERANCE))
          faults.push(`${scraper.name}: ${what}: ${found} of ${carried}`);
      }
    }
    assert.deepEqual(faults, []);
    const [, , , native] = scrapers;
    if (native === undefined) return;
    const [refreshes] = await native.query('histogram_count(xtrace_refresh_duration_seconds)');
    assert.ok((refreshes?.value ?? 0) > 0, `${native.name} reads native histograms`);
  },
);
