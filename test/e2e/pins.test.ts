// SPDX-License-Identifier: Apache-2.0
// Exporters that follow one another on the same pins, under traffic: what was sent is what they counted
// together, whatever the one before ended by and whatever the next one wants to be different.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { openLibbpf, openLibc } from '../../src/kernel/ffi.js';
import { encodeMeta } from '../../src/kernel/pins/generation-meta.js';
import { PinnedGeneration, pinMeta } from '../../src/kernel/pins/pinned-generation.js';
import { atEnd } from '../support/cleanup.js';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { mixedFlows } from '../support/frames/traffic-mix.js';
import { mountBpffs } from '../support/kernel/bpffs.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { type Sent, startSending, whatWasSent } from '../support/kernel/sender.js';
import { assertBalance } from '../support/oracle/balance.js';
import type { Child } from '../support/processes.js';

const FRAMES = mixedFlows(21, 8);
const PACKETS_PER_SECOND = 50_000;
/** Traffic goes on until a test has seen enough, so long at most. */
const TRAFFIC_MAX_S = 240;
const RESTARTS = 4;

type Settings = Readonly<Record<string, unknown>>;

/** Nothing is drained but at the start, at the end, and where a test waits for it: what a kill takes is known. */
const HOUR_MS = 3_600_000;

interface Relay {
  readonly site: Site;
  readonly pinPath: string;
  /** What exporters have counted that have ended. */
  counted: number;
  start(settings?: Settings, interfaces?: string): Promise<Exporter>;
  /** SIGTERM: the last line of its log has its sum. */
  end(exporter: Exporter): Promise<void>;
  /** SIGKILL: what it showed is its sum. */
  kill(exporter: Exporter): Promise<void>;
}

function createRelay(t: TestContext, suffix: string): Relay {
  const site = createSite(t, suffix);
  site.addVeth('va');
  const pinPath = join(mountBpffs(t), 'xtrace-catch');
  const relay: Relay = {
    site,
    pinPath,
    counted: 0,
    async start({ kernel, ...settings }: Settings = {}, interfaces = 'va') {
      const exporter = await startExporter({
        namespace: site.host,
        args: ['-i', interfaces],
        settings: {
          interval_ms: HOUR_MS,
          kernel: { pin_path: pinPath, slots_per_cpu: 4096, ...(kernel as Settings | undefined) },
          ...settings,
        },
      });
      t.after(() => exporter.stop('SIGKILL'));
      return exporter;
    },
    async end(exporter) {
      const { code } = await exporter.stop();
      const log = exporter.child.stderr;
      assert.equal(code, 0, log);
      assert.doesNotMatch(log, /level=error/);
      const [, packets] = /every packet is counted" packets=(\d+)/.exec(log) ?? assert.fail(log);
      relay.counted += Number(packets);
    },
    async kill(exporter) {
      const exposition = await exporter.scrape();
      assertBalance(exposition);
      relay.counted += exposition.sum('xtrace_interface_packets_total');
      await exporter.stop('SIGKILL');
    },
  };
  return relay;
}

function startTraffic(t: TestContext, site: Site, device = 'va') {
  const sending = startSending({
    prefix: site.peer.enter,
    interface: `${device}p`,
    frames: FRAMES,
    repeat: Math.ceil((TRAFFIC_MAX_S * PACKETS_PER_SECOND) / FRAMES.length),
    packetsPerSecond: PACKETS_PER_SECOND,
  });
  t.after(sending.dispose);
  return sending.child;
}

/** It tells what it has sent until then. */
async function endTraffic(traffic: Child): Promise<Sent> {
  assert.equal(traffic.exit, undefined, 'there was traffic to the end');
  traffic.kill('SIGTERM');
  return await whatWasSent(traffic);
}

function generations({ pinPath }: Relay): readonly string[] {
  return readdirSync(pinPath).filter((name) => name.startsWith('generation-'));
}

function links({ pinPath }: Relay): readonly string[] {
  return readdirSync(join(pinPath, 'links'));
}

kernelTest('SIGTERM and kill -9 in turn: the next one goes on with the same maps', async (t) => {
  const relay = createRelay(t, 'ps');
  let exporter = await relay.start();
  const traffic = startTraffic(t, relay.site);
  for (let restarts = 0; restarts < RESTARTS; restarts++) {
    if (restarts % 2 === 0) await relay.end(exporter);
    else await relay.kill(exporter);
    exporter = await relay.start();
    assert.match(exporter.child.stderr, /took over the pinned maps and programs/);
    assert.match(exporter.child.stderr, /took over va in native mode/);
  }
  const sent = await endTraffic(traffic);
  await relay.end(exporter);
  assert.equal(relay.counted, sent.packets);
  assert.deepEqual(generations(relay), ['generation-1']);
  assert.equal(links(relay).length, 1);
});

kernelTest(
  'other labels, other sizes, another flavour of maps: programs are replaced in one step',
  async (t) => {
    const relay = createRelay(t, 'pc');
    let exporter = await relay.start();
    const traffic = startTraffic(t, relay.site);
    const changes: Settings[] = [
      { flows: { labels: ['src_ip', 'dst_ip', 'interface', 'traffic_type'] } },
      { kernel: { slots_per_cpu: 1024 } },
      { kernel: { max_flows: 1000 }, roce: { enabled: false } },
      {},
    ];
    let restarts = 0;
    for (const settings of changes) {
      if (restarts % 2 === 0) await relay.end(exporter);
      else await relay.kill(exporter);
      exporter = await relay.start(settings);
      restarts++;
      assert.match(exporter.child.stderr, /loaded and pinned maps and programs" .*replaced=1/);
      assert.match(exporter.child.stderr, /took over va in native mode/);
      assert.deepEqual(
        generations(relay),
        [`generation-${restarts + 1}`],
        'the former one was drained and removed',
      );
      assertBalance(await exporter.scrape());
    }
    const sent = await endTraffic(traffic);
    await relay.end(exporter);
    assert.equal(relay.counted, sent.packets);
  },
);

kernelTest('an interface that went, one that came back, and one that is no longer asked for', async (t) => {
  const relay = createRelay(t, 'pi');
  const { site } = relay;
  site.addVeth('vb');
  site.addVeth('vc');
  const first = await relay.start({}, 'va,vb,vc');
  assert.equal(links(relay).length, 3);
  let sent = 0;
  for (const device of ['va', 'vb', 'vc']) sent += (await site.send(device, FRAMES, 10)).packets;
  await relay.end(first);
  for (const device of ['va', 'vb', 'vc']) sent += (await site.send(device, FRAMES, 10)).packets;
  site.host.exec('ip', 'link', 'delete', 'vb');
  const second = await relay.start({}, 'va,vb');
  assert.match(second.child.stderr, /no longer asked for/);
  assert.match(second.child.stderr, /there is no interface vb/);
  assert.equal(links(relay).length, 1);
  site.addVeth('vb');
  await second.logged(/attached to vb in native mode/);
  assert.equal(links(relay).length, 2);
  await site.send('vc', FRAMES, 10); // counted by nobody
  sent += (await site.send('vb', FRAMES, 10)).packets;
  await relay.end(second);
  assert.equal(relay.counted, sent);
});

kernelTest('another mode is attached anew, with what the former one counted', async (t) => {
  const relay = createRelay(t, 'pm');
  const first = await relay.start();
  let { packets: sent } = await relay.site.send('va', FRAMES, 10);
  await relay.end(first);
  sent += (await relay.site.send('va', FRAMES, 10)).packets;
  const second = await relay.start({ attach_mode: 'generic' });
  assert.match(second.child.stderr, /could not be taken over .*generic mode is asked for/);
  assert.match(second.child.stderr, /attached to va in generic mode/);
  sent += (await relay.site.send('va', FRAMES, 10)).packets;
  await relay.end(second);
  assert.equal(relay.counted, sent);
});

kernelTest(
  'another ABI version: its counts come as sums, and programs are replaced in one step',
  async (t) => {
    const relay = createRelay(t, 'pa');
    const first = await relay.start();
    const traffic = startTraffic(t, relay.site);
    await relay.end(first);
    const libraries = { libbpf: openLibbpf(), libc: openLibc() };
    const folder = join(relay.pinPath, 'generation-1');
    const generation = new PinnedGeneration(libraries, folder);
    unlinkSync(join(folder, 'meta'));
    pinMeta(libraries, folder, encodeMeta({ ...generation.meta, abiVersion: 99 }));
    generation.close();
    const second = await relay.start();
    assert.match(second.child.stderr, /loaded and pinned maps and programs" .*replaced=1/);
    assert.deepEqual(generations(relay), ['generation-2']);
    const exposition = await second.scrape();
    assertBalance(exposition);
    assert.ok(exposition.sum('xtrace_other_packets_total', { reason: 'map_full' }) > 0);
    const sent = await endTraffic(traffic);
    await relay.end(second);
    assert.equal(relay.counted, sent.packets);
  },
);

kernelTest(
  'another ABI version beside a state: what came after the last drain is in the counters',
  async (t) => {
    const relay = createRelay(t, 'ps');
    const state = {
      interval_ms: 200,
      state_path: join(mkdtempSync(join(tmpdir(), 'xtrace-pins-')), 'state'),
    };
    atEnd(() => rmSync(dirname(state.state_path), { recursive: true, force: true }));
    const first = await relay.start(state);
    const before = await relay.site.send('va', FRAMES, 10);
    await first.scrapeUntil(
      'what was sent',
      (now) => now.sum('xtrace_interface_packets_total') === before.packets,
    );
    await first.stop();
    const after = await relay.site.send('va', FRAMES, 10);
    const libraries = { libbpf: openLibbpf(), libc: openLibc() };
    const folder = join(relay.pinPath, 'generation-1');
    const generation = new PinnedGeneration(libraries, folder);
    unlinkSync(join(folder, 'meta'));
    pinMeta(libraries, folder, encodeMeta({ ...generation.meta, abiVersion: 99 }));
    generation.close();
    const second = await relay.start(state);
    const exposition = await second.scrape();
    assertBalance(exposition);
    assert.equal(exposition.sum('xtrace_interface_packets_total'), before.packets + after.packets);
    await second.stop();
  },
);

kernelTest('without a pin path nothing stays, and pins of others are left alone', async (t) => {
  const relay = createRelay(t, 'pn');
  const first = await relay.start();
  await relay.end(first);
  const other = await startExporter({ namespace: relay.site.host, args: ['-i', 'va'] });
  t.after(() => other.stop('SIGKILL'));
  await other.logged(/va already has an XDP program .*one of ours/);
  await other.stop();
  assert.equal(links(relay).length, 1);
  await waitFor('still counting', async () => {
    const { packets } = await relay.site.send('va', FRAMES, 1);
    const second = await relay.start();
    await relay.end(second);
    return relay.counted === packets;
  });
});
