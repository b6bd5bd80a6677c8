// SPDX-License-Identifier: Apache-2.0
// A running exporter under another configuration: what changes, what goes on, and every packet counted.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type Exporter, startExporterAsConfigured } from '../support/exporter/exporter.js';
import { temporaryFolder } from '../support/exporter/node-with-flags.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startSending, whatWasSent } from '../support/kernel/sender.js';
import { assertBalance } from '../support/oracle/balance.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';

/** RELOAD_SECONDS=60 is the whole minute. */
const SECONDS = Number(process.env['RELOAD_SECONDS'] ?? 15);
const RELOAD_EVERY_MS = 200;

type Settings = Readonly<Record<string, unknown>>;

interface Rig {
  readonly exporter: Exporter;
  readonly file: string;
  /** Writes the file whole. */
  write(settings: Settings | string): void;
  /** By SIGHUP; resolves when it is over. */
  reload(): Promise<void>;
}

const BASE = { interfaces: ['va'], interval_ms: 200, flows: { new_series: 'at_value' } };

async function startRig(
  t: TestContext,
  site: Site,
  settings: Settings = BASE,
  args: readonly string[] = [],
): Promise<Rig> {
  const file = path.join(temporaryFolder(), 'c.yaml');
  const write = (next: Settings | string): void => {
    writeFileSync(file, typeof next === 'string' ? next : stringify(next));
  };
  write(settings);
  const exporter = await startExporterAsConfigured({
    namespace: site.host,
    args: [`--config.file=${file}`, ...args],
  });
  t.after(() => exporter.stop('SIGKILL'));
  await exporter.scrapeUntil('the start to be over', (now) => now.value('xtrace_refreshes_total') > 1);
  return {
    exporter,
    file,
    write,
    async reload() {
      const before = reloadLines(exporter);
      exporter.child.kill('SIGHUP');
      await exporter.child.waitFor('the reload to be over', () => reloadLines(exporter) > before);
    },
  };
}

function reloadLines(exporter: Exporter): number {
  return exporter.child.stderr.match(/SIGHUP: (in force|the configuration)/g)?.length ?? 0;
}

function sum(exposition: Exposition, name: string, labels: Readonly<Record<string, string>> = {}): number {
  return exposition.sum(name, labels);
}

kernelTest('filters, limits, labels and interval change; what did not change counts on', async (t) => {
  const site = createSite(t, 'rl');
  site.addVeth('va');
  site.addVeth('vb');
  const rig = await startRig(t, site);
  const { exporter } = rig;
  const frames = udpFlows(9, 4);
  await site.send('va', frames, 5);
  const first = await exporter.scrapeUntil(
    'the flows',
    (now) => sum(now, 'xtrace_network_packets_total') >= 20,
  );
  assert.equal(first.value('xtrace_config_last_reload_successful'), 1);

  rig.write({ ...BASE, interval_ms: 100, flows: { ...BASE.flows, max_series: 50 } });
  await rig.reload();
  await site.send('va', frames, 1);
  const second = await exporter.scrapeUntil(
    'the rest',
    (now) => sum(now, 'xtrace_network_packets_total') >= 24,
  );
  assert.equal(second.value('xtrace_refresh_interval_seconds'), 0.1);
  assert.equal(second.value('xtrace_series_limit'), 50);
  assertBalance(second);

  rig.write({ ...BASE, filter: 'tcp' });
  await rig.reload();
  await site.send('va', frames, 1);
  const third = await exporter.scrapeUntil(
    'what is filtered',
    (now) => sum(now, 'xtrace_other_packets_total', { reason: 'filtered' }) >= 4,
  );
  assert.equal(sum(third, 'xtrace_network_packets_total'), 0);
  assert.equal(sum(third, 'xtrace_other_packets_total', { reason: 'reloaded' }), 24);
  assert.equal(sum(third, 'xtrace_series_ended_total', { reason: 'reloaded' }), 4);
  assertBalance(third);

  rig.write({
    ...BASE,
    interfaces: ['va', 'vb'],
    collect_agg: 'other',
    flows: { ...BASE.flows, labels: ['src_ip', 'interface', 'traffic_type'] },
  });
  await rig.reload();
  await site.send('va', frames, 2);
  await site.send('vb', frames, 3);
  const fourth = await exporter.scrapeUntil(
    'flows of both',
    (now) => sum(now, 'xtrace_network_packets_total') >= 20,
  );
  assert.equal(sum(fourth, 'xtrace_interface_packets_total', { interface: 'va' }), 36);
  assert.equal(sum(fourth, 'xtrace_interface_packets_total', { interface: 'vb' }), 12);
  assertBalance(fourth);

  rig.write({
    ...BASE,
    interfaces: ['vb'],
    attach_mode: 'generic',
    web: { telemetry_path: '/other' },
    log: { level: 'debug', format: 'json' },
  });
  await rig.reload();
  await exporter.logged(/only a restart brings attach_mode, web.telemetry_path into force/);
  const last = await exporter.scrape();
  assert.equal(sum(last, 'xtrace_interface_packets_total', { interface: 'va' }), 36, 'its books stay');
  assert.equal(last.select('xtrace_interface_attached').length, 1);
  assert.match(exporter.child.stderr, /^\{"level":"(info|warn)"/m);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});

kernelTest('a reload is no new start: counters that go on have the time since when they count', async (t) => {
  const site = createSite(t, 'rc');
  site.addVeth('va');
  const settings = { ...BASE, web: { openmetrics_created: true } };
  const rig = await startRig(t, site, settings);
  const { exporter } = rig;
  await site.send('va', udpFlows(9, 4), 5);
  await exporter.scrapeUntil('the flows', (now) => sum(now, 'xtrace_network_packets_total') >= 20);
  const created = async (): Promise<readonly string[]> => {
    const page = await exporter.page('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' });
    const lines = (await page.text()).split('\n');
    return lines
      .filter((line) => /^xtrace_(network_packets|interface_packets|refreshes)_created/.test(line))
      .sort();
  };
  const before = await created();
  assert.ok(before.length >= 6, before.join('\n'));
  rig.write({ ...settings, log: { level: 'debug' }, flows: { ...BASE.flows, max_series: 50 } });
  await rig.reload();
  assert.deepEqual(await created(), before);
});

kernelTest('what cannot be read changes nothing, and is said', async (t) => {
  const site = createSite(t, 'rb');
  site.addVeth('va');
  const rig = await startRig(t, site);
  const { exporter, file } = rig;
  const bad: readonly (readonly [what: string, make: () => void, said: RegExp])[] = [
    ['broken YAML', () => rig.write('interfaces: [va\nfilter: {'), /c\.yaml:2:/],
    ['a wrong value', () => rig.write({ ...BASE, filter: 'banana' }), /filter: must be one of/],
    ['no file', () => rmSync(file), /there is no such file/],
    ['a FIFO', () => execFileSync('mkfifo', [file]), /it is a FIFO, and only a file can be read again/],
    ['a folder', () => mkdirSync(file), /it is a directory/],
    ['too large', () => rig.write(`# ${'x'.repeat(70_000)}\n`), /is larger than 65536 bytes/],
    ['a binary file', () => rig.write('a\0b'), /is a binary file/],
  ];
  for (const [what, make, said] of bad) {
    rmSync(file, { recursive: true, force: true });
    writeFileSync(file, '');
    if (what !== 'too large' && what !== 'broken YAML') rmSync(file);
    if (what === 'no file') writeFileSync(file, '');
    make();
    const before = exporter.child.stderr.length;
    await rig.reload();
    assert.match(exporter.child.stderr.slice(before), said, what);
    const now = await exporter.scrape();
    assert.equal(now.value('xtrace_config_last_reload_successful'), 0, what);
    assert.equal(now.value('xtrace_refresh_interval_seconds'), 0.2);
  }

  rmSync(file, { recursive: true, force: true });
  let isWriting = true;
  const writer = (async () => {
    for (let n = 0; isWriting; n++) {
      rig.write({ ...BASE, flows: { max_series: 10 + n } });
      await delay(10);
    }
  })();
  const before = exporter.child.stderr.length;
  await rig.reload();
  isWriting = false;
  await writer;
  assert.match(exporter.child.stderr.slice(before), /it is being written to/);

  rig.write(BASE);
  await rig.reload();
  const good = await exporter.scrape();
  assert.equal(good.value('xtrace_config_last_reload_successful'), 1);
  assert.ok(good.value('xtrace_config_last_reload_success_timestamp_seconds') > Date.now() / 1000 - 60);
});

kernelTest('over HTTP only where that is enabled; by itself where the file changes', async (t) => {
  const site = createSite(t, 'rh');
  site.addVeth('va');
  const post = (exporter: Exporter): Promise<Response> =>
    fetch(new URL('/-/reload', exporter.url), { method: 'POST', headers: { connection: 'close' } });
  const closed = await startRig(t, site);
  assert.equal((await post(closed.exporter)).status, 403);
  await closed.exporter.stop();

  const open = await startRig(t, site, BASE, ['--web.enable-lifecycle']);
  open.write({ ...BASE, filter: 'udp' });
  assert.equal((await post(open.exporter)).status, 200);
  open.write('filter: banana');
  const refused = await post(open.exporter);
  assert.equal(refused.status, 500);
  assert.match(await refused.text(), /stays as it was: filter: must be one of/);
  await open.exporter.stop();

  const auto = await startRig(t, site, BASE, [
    '--config.enable-auto-reload',
    '--config.auto-reload-interval=100ms',
  ]);
  auto.write({ ...BASE, interval_ms: 300 });
  await auto.exporter.scrapeUntil(
    'the new interval',
    (now) => now.value('xtrace_refresh_interval_seconds') === 0.3,
  );
  auto.write('filter: banana');
  await auto.exporter.scrapeUntil(
    'the fault',
    (now) => now.value('xtrace_config_last_reload_successful') === 0,
  );
});

/** Each differs from the next in what another part must do. */
const TURNS: readonly Settings[] = [
  BASE,
  { ...BASE, filter: 'tcp' },
  {
    ...BASE,
    interval_ms: 100,
    flows: { ...BASE.flows, labels: ['src_ip', 'dst_port', 'interface', 'traffic_type'] },
  },
  { ...BASE, collect_agg: 'other', flows: { ...BASE.flows, max_series: 3, exclude: ['net 10.0.0.0/8'] } },
  { ...BASE, kernel: { max_flows: 4096, slots_per_cpu: 64 }, flows: { ...BASE.flows, ports: 'none' } },
];

kernelTest(
  `reloads every ${RELOAD_EVERY_MS} ms under traffic for ${SECONDS} s: every packet is in the books`,
  async (t) => {
    const site = createSite(t, 'rt');
    site.addVeth('va');
    const rig = await startRig(t, site);
    const { exporter } = rig;
    const packetsPerSecond = 20_000;
    const frames = udpFlows(9, 50);
    const sending = startSending({
      prefix: site.peer.enter,
      interface: 'vap',
      frames,
      repeat: Math.ceil((SECONDS * packetsPerSecond) / frames.length),
      packetsPerSecond,
    });
    t.after(() => sending.dispose());
    const sent = whatWasSent(sending.child);
    let isOver = false;
    void sent.finally(() => {
      isOver = true;
    });
    let reloads = 0;
    let last = 0;
    while (!isOver) {
      reloads++;
      rig.write(TURNS[reloads % TURNS.length] ?? BASE);
      exporter.child.kill('SIGHUP');
      await delay(RELOAD_EVERY_MS);
      if (reloads % 5 !== 0) continue;
      const now = await exporter.scrape();
      assertBalance(now);
      const packets = sum(now, 'xtrace_interface_packets_total');
      assert.ok(packets >= last, `${packets} packets after ${last}`);
      last = packets;
    }
    const { packets } = await sent;
    rig.write(BASE);
    await rig.reload();
    const end = await exporter.scrapeUntil(
      'every packet',
      (now) => sum(now, 'xtrace_interface_packets_total') >= packets,
    );
    assert.equal(sum(end, 'xtrace_interface_packets_total'), packets);
    assertBalance(end);
    const done = exporter.child.stderr.match(/SIGHUP: in force now/g)?.length ?? 0;
    const tookMs = [...exporter.child.stderr.matchAll(/SIGHUP: in force now.*durationMs=(\d+)/g)].map(
      (m) => m[1],
    );
    t.diagnostic(`${reloads} asked for, ${done} done, ${packets} packets; ms: ${tookMs.join(' ')}`);
    assert.ok(done >= 1, `${done} reloads`);
    assert.ok(!exporter.child.stderr.includes('stays as it was'), exporter.child.stderr);
    assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
  },
);
