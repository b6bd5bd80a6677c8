// SPDX-License-Identifier: Apache-2.0
// Counters outlive the process with state_path: after a stop, after a kill at any moment, after a change of what is
// shown. None ever comes back lower than it was shown, unless it begins anew and says so.

import assert from 'node:assert/strict';
import { readFileSync, truncateSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { everyHeader, mixedFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startSending } from '../support/kernel/sender.js';
import { assertBalance } from '../support/oracle/balance.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';
import { CounterWatch, scrapeCounters } from '../support/state/counter-watch.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const FRAMES = [...mixedFlows(1, 6), ...everyHeader()];
const INTERFACE_PACKETS = 'xtrace_interface_packets_total';

interface Setup {
  readonly site: Site;
  readonly statePath: string;
  /** Another process on the same state. */
  start(settings?: Settings): Promise<Exporter>;
}

interface Settings {
  readonly interfaces?: readonly string[];
  readonly flows?: Readonly<Record<string, unknown>>;
  readonly filter?: string;
}

function setUp(t: TestContext, suffix: string): Setup {
  const site = createSite(t, suffix);
  site.addVeth('va');
  const folder = temporaryFolder('xtrace-state-');
  const statePath = path.join(folder, 'state');
  return {
    site,
    statePath,
    async start({ interfaces = ['va'], flows = {}, filter = 'all' } = {}) {
      const exporter = await startExporter({
        namespace: site.host,
        args: ['-i', interfaces.join(','), '-t', '100'],
        settings: { state_path: statePath, filter, flows, web: { openmetrics_created: true } },
      });
      t.after(() => exporter.stop('SIGKILL'));
      return exporter;
    },
  };
}

function packetsOn(device: string, exposition: Exposition): number {
  return exposition.sum(INTERFACE_PACKETS, { interface: device });
}

function scrapeOfPackets(exporter: Exporter, packets: number): Promise<Exposition> {
  return exporter.scrapeUntil(`${packets} packets`, (now) => packetsOn('va', now) >= packets);
}

/** Sums of packets over interfaces and kinds: what holds also where series of two label sets have counted. */
function assertSumsBalance(exposition: Exposition): void {
  const sum = (name: string): number => exposition.sum(name);
  for (const unit of ['packets', 'bytes']) {
    assert.equal(
      sum(`xtrace_interface_${unit}_total`),
      sum(`xtrace_network_${unit}_total`) + sum(`xtrace_other_${unit}_total`) + sum(`xtrace_pending_${unit}`),
      unit,
    );
  }
}

/** Series of flows with their values: those that must go on. */
function flowSeries(exposition: Exposition): Map<string, number> {
  const series = exposition.select('xtrace_network_packets_total');
  return new Map(series.map(({ labels, value }) => [JSON.stringify([...labels]), value]));
}

kernelTest('after a stop everything goes on: values, times, books', async (t) => {
  const { site, start } = setUp(t, 'g');
  const watch = new CounterWatch();
  let sent = 0;
  let before = new Map<string, number>();
  for (let round = 1; round <= 3; round++) {
    const exporter = await start();
    watch.note(await scrapeCounters(exporter));
    sent += (await site.send('va', FRAMES, 3)).packets;
    const exposition = await scrapeOfPackets(exporter, sent);
    assert.equal(packetsOn('va', exposition), sent);
    assertBalance(exposition);
    const series = flowSeries(exposition);
    for (const [key, value] of before) assert.equal(series.get(key), (value / (round - 1)) * round, key);
    before = series;
    watch.note(await scrapeCounters(exporter));
    assert.deepEqual(await exporter.stop(), { code: 0, signal: null }, exporter.child.stderr);
    if (round > 1)
      assert.match(exporter.child.stderr, /counters go on from .*series=[1-9]\d* ended=0 pairs=[1-9]/s);
  }
  assert.ok(watch.wentOn > 100, `${watch.wentOn} counters went on`);
});

/** Scrapes until the process is gone. */
async function watchUntilGone(exporter: Exporter, watch: CounterWatch): Promise<void> {
  while (exporter.child.exit === undefined) {
    let counters: Awaited<ReturnType<typeof scrapeCounters>>;
    try {
      counters = await scrapeCounters(exporter);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      await exporter.child.exited; // killed in the middle of its answer
      return;
    }
    watch.note(counters);
  }
}

for (const newSeries of ['zero_first', 'at_value']) {
  kernelTest(
    `killed at any moment, ten times, ${newSeries}: nothing is lower than it was shown`,
    async (t) => {
      const { site, start } = setUp(t, newSeries === 'at_value' ? 'ka' : 'kz');
      const watch = new CounterWatch();
      const sending = startSending({
        prefix: site.peer.enter,
        interface: 'vap',
        frames: FRAMES,
        repeat: 1_000_000,
        packetsPerSecond: 5000,
      });
      t.after(async () => {
        await sending.child.stop('SIGKILL');
        sending.dispose();
      });
      for (let round = 0; round < 10; round++) {
        const exporter = await start({
          flows: { new_series: newSeries, hold_max_ms: 400, idle_timeout_ms: 300, max_series: 40 },
        });
        const watching = watchUntilGone(exporter, watch);
        const { scrapes } = watch;
        await waitFor('some scrapes', () => watch.scrapes > scrapes + (round % 3) || exporter.child.exit);
        await delay(300 * Math.random());
        exporter.child.kill('SIGKILL');
        await exporter.child.exited;
        await watching;
      }
      assert.ok(watch.wentOn > 1000, `${watch.wentOn} counters went on`);
      const exporter = await start();
      assertSumsBalance(await exporter.scrape());
    },
  );
}

kernelTest('other labels end all series, which stay in the books', async (t) => {
  const { site, start } = setUp(t, 'l');
  let exporter = await start();
  const { packets } = await site.send('va', FRAMES, 2);
  const series = flowSeries(await scrapeOfPackets(exporter, packets));
  await exporter.stop();
  exporter = await start({ flows: { labels: ['src_ip', 'dst_ip'] } });
  const exposition = await exporter.scrape();
  assert.equal(packetsOn('va', exposition), packets);
  assert.equal(flowSeries(exposition).size, 0);
  const counted = [...series.values()].reduce((sum, value) => sum + value, 0);
  assert.equal(exposition.sum('xtrace_other_packets_total', { reason: 'expired' }), counted);
  assert.match(exporter.child.stderr, new RegExp(`counters go on from .*series=0 ended=${series.size}`, 's'));
  const more = await site.send('va', FRAMES, 1);
  assertSumsBalance(await scrapeOfPackets(exporter, packets + more.packets));
});

kernelTest('a filter that wants fewer ends the others, and the rest goes on', async (t) => {
  const { site, start } = setUp(t, 'f');
  let exporter = await start();
  const { packets } = await site.send('va', FRAMES, 2);
  const before = await scrapeOfPackets(exporter, packets);
  await exporter.stop();
  exporter = await start({ filter: 'udp' });
  const after = await exporter.scrape();
  const udp = (exposition: Exposition): number =>
    exposition.sum('xtrace_network_packets_total', { traffic_type: 'UDP' });
  assert.ok(udp(before) > 0);
  assert.equal(udp(after), udp(before));
  assert.equal(after.sum('xtrace_network_packets_total'), udp(after));
  assertBalance(after);
});

kernelTest('an interface that is gone keeps its counts, one that is new begins', async (t) => {
  const { site, start } = setUp(t, 'i');
  site.addVeth('vb');
  let exporter = await start({ interfaces: ['vb', 'va'] });
  const { packets } = await site.send('va', FRAMES, 2);
  await scrapeOfPackets(exporter, packets);
  await exporter.stop();
  site.addVeth('vc');
  // The names have other numbers now.
  exporter = await start({ interfaces: ['vc', 'vb'] });
  let exposition = await exporter.scrape();
  assert.equal(packetsOn('va', exposition), packets);
  await exporter.stop();
  exporter = await start({ interfaces: ['va'] });
  const more = await site.send('va', FRAMES, 1);
  exposition = await scrapeOfPackets(exporter, packets + more.packets);
  assert.equal(packetsOn('va', exposition), packets + more.packets);
  assertBalance(exposition);
});

kernelTest(
  'a torn file: one sentence, everything begins at 0 with a new start, the file is kept',
  async (t) => {
    const { site, start, statePath } = setUp(t, 't');
    const watch = new CounterWatch();
    let exporter = await start();
    const { packets } = await site.send('va', FRAMES, 2);
    await scrapeOfPackets(exporter, packets);
    watch.note(await scrapeCounters(exporter));
    await exporter.stop();
    const whole = readFileSync(statePath);
    truncateSync(statePath, whole.length - 100);
    exporter = await start();
    assert.match(
      exporter.child.stderr,
      /state cannot be used: it is torn: .*begin at 0, and it is kept as .*state\.broken/,
    );
    assert.equal(packetsOn('va', await exporter.scrape()), 0);
    watch.note(await scrapeCounters(exporter));
    assert.equal(readFileSync(`${statePath}.broken`).length, whole.length - 100);
    await site.send('va', FRAMES, 1);
    watch.note(await scrapeCounters(exporter));
  },
);

kernelTest('without the setting nothing outlives the process', async (t) => {
  const site = createSite(t, 'n');
  site.addVeth('va');
  for (let round = 0; round < 2; round++) {
    const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va', '-t', '100'] });
    t.after(() => exporter.stop('SIGKILL'));
    assert.equal(packetsOn('va', await exporter.scrape()), 0);
    const { packets } = await site.send('va', FRAMES, 1);
    const exposition = await scrapeOfPackets(exporter, packets);
    assert.equal(packetsOn('va', exposition), packets);
    assert.deepEqual(exposition.select('xtrace_state_writes_total'), []);
    await exporter.stop();
  }
});
