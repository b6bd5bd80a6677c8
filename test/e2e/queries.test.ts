// SPDX-License-Identifier: Apache-2.0
// The README's PromQL, asked of Debian's prometheus and victoria-metrics: its questions about flows
// are answered as known traffic was on the wire, and all its other expressions are understood.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, payloadOf } from '../support/frames/frames.js';
import {
  createKnownTraffic,
  FRAMES_PER_SECOND,
  type KnownTraffic,
  type Part,
  SHORT_FLOWS_FROM,
} from '../support/frames/known-traffic.js';
import { udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { NAP_OVERHEAD_NS, startSending } from '../support/kernel/sender.js';
import { watchWire } from '../support/kernel/wire-watch.js';
import { assertAnswered, type Truth } from '../support/oracle/known-answers.js';
import { readReadmeQueries } from '../support/readme-queries.js';
import { type Sample, type Scraper, startPrometheus, startVmagent } from '../support/receivers/scrapers.js';

/** As in the README's expressions. */
const WINDOW_S = 60;
/** Before the window begins: flows have ended and expired by then, and do so all through it. */
const LEAD_S = 8;
/** VictoriaMetrics finds a new series only some seconds after its first sample. */
const SHOWN_AFTER_S = 5;
/** Of an answer. A scrape that comes a second late is one part in 60 of the window. */
const TOLERANCE = 0.02;
const TALKER = '192.0.2.9';

interface Load extends KnownTraffic {
  readonly device: string;
  readonly framesPerSecond: number;
  readonly repeat: number;
}

/** On an interface of its own, where nothing can have a series. */
function arpAlone(): KnownTraffic {
  const frame = ethernet(ETHERTYPE.arp, payloadOf(46));
  const part = { srcIp: '', dstIp: '', dstPort: 0, trafficType: 'Non_IP', reason: 'non_ip' };
  return {
    frames: [frame],
    framesPerCycle: 1,
    newFlowsPerCycle: 0,
    parts: [{ ...part, packets: 1, bytes: frame.length }],
  };
}

function startExporterOn(site: Site, devices: readonly string[]): Promise<Exporter> {
  return startExporter({
    namespace: site.host,
    args: ['-i', devices.join(), '-t', '200', '--exclude-dns', '--web.listen-address=127.0.0.1:10060'],
    settings: { flows: { new_series: 'zero_first', hold_max_ms: 4000, idle_timeout_ms: 4000 } },
  });
}

async function startScrapers(t: TestContext, site: Site, { url }: Exporter): Promise<readonly Scraper[]> {
  const scrapers: Scraper[] = [];
  t.after(() => Promise.all(scrapers.map((scraper) => scraper.stop())));
  scrapers.push(await startPrometheus(site.host, url));
  scrapers.push(await startVmagent(site.host, url));
  return scrapers;
}

function send(t: TestContext, site: Site, { device, framesPerSecond, frames, repeat }: Load): void {
  const sending = startSending({
    prefix: site.peer.enter,
    interface: `${device}p`,
    frames,
    repeat,
    pauseNs: Math.round(1e9 / framesPerSecond) - NAP_OVERHEAD_NS,
  });
  t.after(async () => {
    await sending.child.stop();
    sending.dispose();
  });
}

kernelTest(
  'the questions about flows: both answer what was on the wire, also where flows are short',
  async (t) => {
    const site = createSite(t, 'q');
    const long = 2 * (LEAD_S + WINDOW_S);
    const loads: readonly Load[] = [
      { device: 'va', framesPerSecond: FRAMES_PER_SECOND, repeat: 2, ...createKnownTraffic(long) },
      { device: 'vb', framesPerSecond: 100, repeat: 1_000_000, ...arpAlone() },
    ];
    const devices = loads.map(({ device }) => device);
    for (const device of devices) site.addVeth(device);
    const exporter = await startExporterOn(site, devices);
    t.after(() => exporter.stop());
    const scrapers = await startScrapers(t, site, exporter);
    for (const load of loads) send(t, site, load);

    const endS = Date.now() / 1000 + LEAD_S + WINDOW_S;
    const watches = devices.map(watchWire);
    await waitFor(
      'the window to pass, and its samples to be found',
      () => {
        for (const watch of watches) watch.look();
        return Date.now() / 1000 > endS + SHOWN_AFTER_S;
      },
      { limitMs: 1000 * (LEAD_S + WINDOW_S + SHOWN_AFTER_S + 10), intervalMs: 200 },
    );
    const truth: Truth = {
      windowS: WINDOW_S,
      received: loads.map(({ device, parts, framesPerCycle }, i) => ({
        interface: device,
        parts: scale(parts, (watches[i]?.packetsIn(WINDOW_S, endS) ?? 0) / framesPerCycle),
      })),
    };
    const faults: string[] = [];
    for (const scraper of scrapers) {
      for (const { about, promQl } of readReadmeQueries('flows')) {
        const answer = await ask(scraper, promQl, endS);
        t.diagnostic(`${scraper.name}: ${about}: ${describe(answer)}`);
        try {
          assertAnswered(about, answer, truth, TOLERANCE);
        } catch (error) {
          faults.push(`${scraper.name}: ${about}: ${String(error)}`);
        }
      }
    }
    assert.equal(faults.join('\n\n'), '');
    await assertTraps(t, scrapers, truth, endS);

    await exporter.stop('SIGKILL');
    const killedS = Date.now() / 1000;
    const next = await startExporterOn(site, devices);
    t.after(() => next.stop());
    await assertRestartOnlyHides(scrapers, killedS);
  },
);

/** Of what was stored a while ago the answer is the same each time; a busy server may refuse at first. */
function ask(scraper: Scraper, promQl: string, atS: number): Promise<readonly Sample[]> {
  return waitFor(`${scraper.name} to answer ${promQl}`, () => scraper.query(promQl, atS), {
    limitMs: 30_000,
    intervalMs: 1000,
  });
}

/** What the README says of obvious expressions is so: of which are right about this very traffic, and which not. */
async function assertTraps(
  t: TestContext,
  scrapers: readonly Scraper[],
  { received }: Truth,
  endS: number,
): Promise<void> {
  const parts = received.flatMap((one) => one.parts);
  const short = parts.find(({ srcIp }) => srcIp === SHORT_FLOWS_FROM)?.bytes ?? Number.NaN;
  const increase = `sum(increase(xtrace_network_bytes_total{src_ip="${SHORT_FLOWS_FROM}"}[1m]))`;
  for (const { name, query } of scrapers) {
    const [found] = await query(increase, endS);
    const share = (found?.value ?? Number.NaN) / short;
    t.diagnostic(`${name}: increase() finds ${(100 * share).toFixed(1)} % of short flows' bytes`);
    // Prometheus extrapolates each of them by half an interval; none is lost.
    const most = name === 'prometheus' ? 1.2 : 1 + TOLERANCE;
    assert.ok(
      share > 1 - TOLERANCE && share < most,
      `${name}: increase() finds ${found?.value} of ${short} bytes`,
    );
  }
  for (const { name, query } of scrapers) {
    const [rate] = await query('sum(rate(xtrace_other_bytes_total{interface="va"}[1m]))', endS);
    const others = parts.reduce((sum, { reason, bytes }) => sum + (reason === undefined ? 0 : bytes), 0);
    assert.ok(
      (rate?.value ?? Number.NaN) > (2 * others) / WINDOW_S,
      `${name}: rate() leaves out what expired`,
    );
  }
}

/** After a restart a flow counts from there on: what was before is missing, and nothing is negative. */
async function assertRestartOnlyHides(scrapers: readonly Scraper[], killedS: number): Promise<void> {
  const talkers =
    readReadmeQueries('flows').find(({ about }) => about.startsWith('top talkers'))?.promQl ?? '';
  const now = `sum by (src_ip) (xtrace_network_bytes_total{src_ip="${TALKER}"})`;
  for (const scraper of scrapers) {
    const { name, query } = scraper;
    const atS = await waitFor(
      `${name} to know the next exporter for some seconds`,
      async () => {
        const shownS = Date.now() / 1000 - SHOWN_AFTER_S;
        const [started] = await query('min(min_over_time(process_start_time_seconds[3s]))', shownS);
        const isKnown = (started?.value ?? 0) > killedS && ((await query(now, shownS))[0]?.value ?? 0) > 0;
        return isKnown && shownS;
      },
      { intervalMs: 200 },
    );
    const [counter] = await ask(scraper, now, atS);
    assert.ok((counter?.value ?? 0) > 0, name);
    assert.deepEqual(await ask(scraper, `(${talkers}) and ${now}`, atS), [counter], name);
  }
}

kernelTest(
  'every other expression is understood by both, and an alert comes also for what was once',
  async (t) => {
    const site = createSite(t, 'w');
    site.addVeth('va');
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '200'],
      settings: { kernel: { max_flows: 64, slots_per_cpu: 64 } },
    });
    t.after(() => exporter.stop());
    const scrapers = await startScrapers(t, site, exporter);
    await site.send('va', udpFlows(1, 5000));
    const full = await exporter.scrapeUntil(
      'a full kernel map',
      (now) => now.sum('xtrace_kernel_overflow_packets_total') > 0,
    );
    const lost = full.sum('xtrace_kernel_overflow_packets_total');
    for (const scraper of scrapers) {
      await waitFor(
        `${scraper.name}: the overflow`,
        async () => (await scraper.value('sum(xtrace_kernel_overflow_packets_total)')) > 0,
        { intervalMs: 200 },
      );
      const fired: string[] = [];
      for (const table of ['alerts', 'roce'] as const) {
        for (const { promQl } of readReadmeQueries(table)) {
          // The map's size is a budget too; whether a rate of two answers shows that it bound is luck.
          if (promQl.includes('xtrace_budget_bound_refreshes_total')) continue;
          if ((await scraper.query(promQl)).length > 0) fired.push(promQl);
        }
      }
      assert.deepEqual(
        fired.map((promQl) => promQl.split(' ')[0]),
        ['xtrace_kernel_overflow_packets_total'],
        `${scraper.name}: ${lost} packets found the map full, and nothing else happened`,
      );
    }
  },
);

function scale(parts: readonly Part[], cycles: number): Part[] {
  return parts.map((part) => ({ ...part, packets: part.packets * cycles, bytes: part.bytes * cycles }));
}

function describe(answer: readonly Sample[]): string {
  return answer.map(({ labels, value }) => `${Object.values(labels).join(' ')}: ${value}`).join(', ');
}
