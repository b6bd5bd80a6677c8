// SPDX-License-Identifier: Apache-2.0
// The sums of docs/fleet.md against two hundred hosts that one vmagent scrapes: each the exposition of a real exporter
// under traffic, by an address and a host_ip of its own.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { ALL, FLOWS_OF_PAIR, fleetSums, ROCE_PAIR_SERIES } from '../support/deploy/fleet-sums.js';
import { startSimulatedHosts } from '../support/deploy/simulated-hosts.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { payloadOf, tcp } from '../support/frames/frames.js';
import { over } from '../support/frames/traffic-mix.js';
import { gatedTest } from '../support/gated-test.js';
import { missingForKernelTests } from '../support/kernel/kernel-gate.js';
import { startSending } from '../support/kernel/sender.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';
import { findLaterReceiver } from '../support/receivers/later-receiver.js';
import { type Storage, startVictoriaMetrics } from '../support/receivers/receivers.js';
import { roceV2 } from '../support/roce/roce-frames.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const VMAGENT = findLaterReceiver('victoria-metrics', 'vmagent');
const VICTORIA_METRICS = findLaterReceiver('victoria-metrics', 'victoria-metrics');
const VMAGENT_ADDRESS = '127.0.0.1:8429';
const HOSTS = 200;
/** A tenth of the page's host, whose sums are linear: all of it is more than two processors store beside other tests. */
const FLOWS = 100;
/** Of the pairs of addresses. */
const ROCE_PAIRS = 2;
/** In place of the page's interval, which is long to wait for. */
const EVERY_S = 10;
/** It sends what it has. */
const STOP_LIMIT_MS = 60_000;
const HOST_IP = '192.0.2.7';
/** Samples that vmagent adds to each scrape: up and scrape_*. */
const ADDED_SAMPLES = 7;
/** Of victoria-metrics on disk, with a handful of samples of each series, so that what each block begins with tells most. */
const MOST = { indexBytes: 250, sampleBytes: 20 };
/** How far the page may be from what is measured, as a share of it. */
const PAGE_TOLERANCE = 0.03;

/** One of each flow of a host of the page: between pairs of addresses, TCP, and RoCE for the last of them. */
function hostFrames(): Buffer[] {
  return Array.from({ length: FLOWS }, (_, flow) => {
    const pair = Math.floor(flow / FLOWS_OF_PAIR);
    const ends = { src: `192.168.130.${pair}`, dst: '192.168.140.140' };
    const payload = payloadOf((37 * flow) % 1200);
    const port = 30_000 + flow;
    const segment =
      flow < ROCE_PAIRS * FLOWS_OF_PAIR
        ? roceV2({ opcode: 0x0a, destinationQp: 1 + flow }, payload, port)
        : tcp(port, 443, payload);
    return over(ends, segment);
  });
}

async function startVmagent(t: TestContext, site: Site, storage: Storage, targets: readonly string[]) {
  const folder = temporaryFolder('xtrace-fleet-');
  const config = {
    global: { scrape_interval: `${EVERY_S}s` },
    scrape_configs: [{ job_name: 'xtrace-catch', static_configs: [{ targets }] }],
  };
  writeFileSync(path.join(folder, 'scrape.yaml'), JSON.stringify(config)); // which is YAML, too
  const vmagent = site.host.start(VMAGENT.path, [
    `-promscrape.config=${path.join(folder, 'scrape.yaml')}`,
    `-remoteWrite.url=${storage.writeUrl}`,
    `-remoteWrite.tmpDataPath=${path.join(folder, 'queue')}`,
    `-httpListenAddr=${VMAGENT_ADDRESS}`,
    '-loggerLevel=WARN',
  ]);
  t.after(() => vmagent.stop());
  return () => vmagent.stop('SIGTERM', STOP_LIMIT_MS);
}

/** What a server tells of itself: the sum of a metric over all its labels that match. */
async function ownSum(base: string, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${base}/metrics`, { headers: { connection: 'close' } })).text();
  const lines = text
    .split('\n')
    .filter((line) => /^[^ {]*/.exec(line)?.[0] === name && line.includes(labels));
  assert.ok(lines.length > 0, `${base} has no ${name}`);
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function oneValue(storage: Storage, promQl: string): Promise<number> {
  const found = await storage.query(promQl);
  assert.equal(found.length, 1, promQl);
  return found[0]?.value ?? Number.NaN;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function assertNear(what: string, measured: number, page: number): void {
  assert.ok(
    Math.abs(measured / page - 1) <= PAGE_TOLERANCE,
    `${what}: ${measured} are measured, docs/fleet.md comes to ${page}`,
  );
}

/** What the exporter says of its RoCE pairs. */
async function roceLines(exporter: Exporter): Promise<{ readonly count: number; readonly bytes: number }> {
  const text = await (await exporter.page('/metrics')).text();
  const lines = text.split('\n').filter((line) => /^xtrace_roce_.*src_ip=/.test(line));
  return { count: lines.length, bytes: lines.join('\n').length };
}

gatedTest(
  { what: 'the kernel and vmagent 1.86 or later', missing: missingForKernelTests() ?? VMAGENT.missing },
  `the sums of docs/fleet.md are those of ${HOSTS} hosts that one vmagent scrapes`,
  async (t) => {
    const site = createSite(t, 'f');
    site.addVeth('va');
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '1000'],
      settings: { host_ip: HOST_IP, rdma: { enabled: false } },
    });
    t.after(() => exporter.stop());
    const frames = hostFrames();
    await site.send('va', frames, 2);
    const hasAllFlows = (now: Exposition) => now.select('xtrace_network_bytes_total').length === FLOWS;
    await exporter.scrapeUntil('all flows', hasAllFlows);
    const hosts = await startSimulatedHosts(t, { exporter, hostIp: HOST_IP, count: HOSTS });
    const load = { prefix: site.peer.enter, interface: 'vap', frames, repeat: 1_000_000 };
    const sending = startSending({ ...load, packetsPerSecond: 5000 });
    t.after(sending.dispose);
    t.after(() => sending.child.stop());

    const storage = await startVictoriaMetrics(site.host, VICTORIA_METRICS.path, [
      '-memory.allowedBytes=536870912',
      '-search.maxQueryDuration=3m',
    ]);
    t.after(() => storage.stop());
    const stopVmagent = await startVmagent(t, site, storage, hosts.targets);
    const vmagent = `http://${VMAGENT_ADDRESS}`;
    await hosts.allScraped();
    await sending.child.stop();
    const received = site.host.linkCounters('va').rx;
    const last = await exporter.scrapeUntil(
      'all packets',
      (now) => now.sum('xtrace_interface_packets_total') === received.packets,
    );
    await hosts.allScraped();

    const fleetBytes = HOSTS * last.sum('xtrace_interface_bytes_total');
    await waitFor(
      'the last scrapes to be stored',
      async () => (await oneValue(storage, 'sum(xtrace_interface_bytes_total)')) === fleetBytes,
      { limitMs: 180_000, intervalMs: 1000 },
    );
    assert.equal(await oneValue(storage, 'count(up == 1)'), HOSTS);
    assert.equal(await oneValue(storage, 'count(count by (host_ip) (xtrace_interface_bytes_total))'), HOSTS);
    const books = 'xtrace_(network_bytes_total|other_bytes_total|pending_bytes)';
    assert.equal(await oneValue(storage, `sum({__name__=~"${books}"})`), fleetBytes, 'the books of all');

    const page = fleetSums(ALL, HOSTS, FLOWS);
    const roce = await roceLines(exporter);
    const pairSeries = roce.count / ROCE_PAIRS;
    const { least, most } = ROCE_PAIR_SERIES;
    assert.ok(least <= pairSeries && pairSeries <= most, `${pairSeries} series a RoCE pair`);
    const samples = await oneValue(storage, 'sum(scrape_samples_scraped)');
    assert.equal(samples, HOSTS * last.series.size, 'every line of every host');
    assertNear('series', samples, page.series + HOSTS * roce.count);
    const bytes = await oneValue(storage, 'sum(scrape_response_size_bytes)');
    assert.ok(
      Math.abs(bytes / hosts.answerBytes() - 1) < 0.001,
      'all that was answered, but for a digit or two',
    );
    assertNear('bytes a scrape of all', bytes, page.scrapeBytes + HOSTS * roce.bytes);

    const cpuSeconds = await ownSum(vmagent, 'process_cpu_seconds_total');
    const memory = {
      vmagent: await ownSum(vmagent, 'process_resident_memory_bytes'),
      victoria: await ownSum(storage.base, 'process_resident_memory_bytes'),
    };

    await stopVmagent();
    let rows = 0;
    await waitFor(
      'each sample of each scrape to be stored, and no other',
      async () => {
        rows = await ownSum(storage.base, 'vm_rows_inserted_total');
        // As of a minute later, so that what came last is in it.
        const scraped = await oneValue(storage, 'sum(sum_over_time(scrape_samples_scraped[15m] offset -1m))');
        const scrapes = await oneValue(storage, 'sum(count_over_time(up[15m] offset -1m))');
        const good = await oneValue(storage, 'sum(sum_over_time(up[15m] offset -1m))');
        const expected = scraped + ADDED_SAMPLES * scrapes;
        // A scrape that fails has a stale marker for each series, too.
        return good < scrapes ? rows > expected : rows === expected;
      },
      { limitMs: 60_000, intervalMs: 1000 },
    );
    const index = (await ownSum(storage.base, 'vm_data_size_bytes', 'indexdb/')) / samples;
    const disk = (await ownSum(storage.base, 'vm_data_size_bytes', 'storage/')) / rows;
    t.diagnostic(
      `${samples} series, ${Math.round(bytes / HOSTS)} bytes a scrape of a host, ${rows} samples stored: ` +
        `${index.toFixed(0)} bytes of index a series, ${disk.toFixed(1)} bytes a sample; ` +
        `vmagent ${mebibytes(memory.vmagent)} MiB, ${((1e6 * cpuSeconds) / rows).toFixed(1)} us of processor a sample; ` +
        `victoria-metrics ${mebibytes(memory.victoria)} MiB`,
    );
    assert.ok(index <= MOST.indexBytes, `${index} bytes of index a series`);
    assert.ok(disk <= MOST.sampleBytes, `${disk} bytes a sample`);
  },
);
