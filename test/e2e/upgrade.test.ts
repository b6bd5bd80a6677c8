// SPDX-License-Identifier: Apache-2.0
// Restarts under traffic: with pins and a state file nothing is missed and no counter begins anew, whether
// the process was asked to end or killed.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { atEnd } from '../support/cleanup.js';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter, writeSettings } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames/frames.js';
import { mountBpffs } from '../support/kernel/bpffs.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startSending, whatWasSent } from '../support/kernel/sender.js';
import { assertBalance } from '../support/oracle/balance.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';
import { V2_IPV4 } from '../support/roce/roce-count-parts.js';

const PACKETS_PER_SECOND = 200_000;
const SECONDS = 30;
const RESTARTS = 20;
const FLOWS = 50;
/** What the packets of one flow make: families whose series must go on. */
const GOES_ON = /^xtrace_(network|interface|other|roce)_.*_total$/;

/** Where pins and the state outlive a process, and go with the test. */
function keepingPlace(t: TestContext): { pins: string; state: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-keep-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true })); // after whoever still writes there
  return { pins: path.join(mountBpffs(t), 'xtrace-catch'), state: path.join(folder, 'state') };
}

function frames(): Buffer[] {
  const plain = Array.from({ length: FLOWS }, (_, flow) =>
    ethernet(
      ETHERTYPE.ipv4,
      ipv4({ src: '192.0.2.1', dst: `198.51.100.${flow}` }, udp(4000, 5000, payloadOf(60))),
    ),
  );
  return [...plain, V2_IPV4.frame({ opcode: 0x0c, destinationQp: 9 })];
}

/** No counter of the traffic is ever lower than in a scrape before. */
class NeverLower {
  readonly #shown = new Map<string, number>();

  look(exposition: Exposition): void {
    assertBalance(exposition);
    for (const [key, { name, value }] of exposition.series) {
      if (!GOES_ON.test(name)) continue;
      const before = this.#shown.get(key) ?? 0;
      assert.ok(value >= before, `${key} was ${before}, is ${value}`);
      this.#shown.set(key, value);
    }
  }
}

kernelTest(
  `${RESTARTS} restarts under ${PACKETS_PER_SECOND} packets a second: each is counted`,
  async (t) => {
    const site = createSite(t, 'up');
    site.addVeth('va');
    const { pins, state } = keepingPlace(t);
    const start = (): Promise<Exporter> =>
      startExporter({
        namespace: site.host,
        args: ['-i', 'va', '-t', '200'],
        settings: { kernel: { pin_path: pins }, state_path: state },
      });
    let exporter = await start();
    t.after(() => exporter.stop('SIGKILL'));
    const sent = frames();
    const sending = startSending({
      prefix: site.peer.enter,
      interface: 'vap',
      frames: sent,
      repeat: Math.floor((PACKETS_PER_SECOND * SECONDS) / sent.length),
      packetsPerSecond: PACKETS_PER_SECOND,
    });
    t.after(() => sending.dispose());
    t.after(() => sending.child.stop('SIGKILL'));
    const watch = new NeverLower();
    for (let restart = 0; restart < RESTARTS; restart++) {
      // At any point of an interval, refreshes and all.
      const until = performance.now() + 100 + 40 * (restart % 10);
      while (performance.now() < until) {
        watch.look(await exporter.scrape());
        await delay(20);
      }
      await exporter.stop(restart % 2 === 0 ? 'SIGKILL' : 'SIGTERM');
      exporter = await start();
    }
    const { packets, bytes } = await whatWasSent(sending.child);
    await waitFor('every packet to be counted', async () => {
      const exposition = await exporter.scrape();
      watch.look(exposition);
      return exposition.sum('xtrace_interface_packets_total', { interface: 'va' }) >= packets;
    });
    const last = await exporter.scrape();
    watch.look(last);
    assert.equal(last.sum('xtrace_interface_packets_total', { interface: 'va' }), packets);
    assert.equal(last.sum('xtrace_interface_bytes_total', { interface: 'va' }), bytes);
    const ofFlows = last.select('xtrace_network_packets_total').length;
    assert.equal(ofFlows, sent.length, 'each flow has one series');
    assert.equal(
      last.sum('xtrace_other_packets_total'),
      0,
      'and all that it carried, from before the restarts on, is in it',
    );
  },
);

kernelTest(
  'a reload with pins puts other programs in the place of the pinned ones, and a restart goes on from them',
  async (t) => {
    const site = createSite(t, 'ur');
    site.addVeth('va');
    const { pins, state } = keepingPlace(t);
    const settings = { kernel: { pin_path: pins }, state_path: state, flows: { new_series: 'at_value' } };
    const file = writeSettings(settings);
    const start = (): Promise<Exporter> =>
      startExporter({ namespace: site.host, args: ['-i', 'va', '-t', '200', `--config.file=${file}`] });
    let exporter = await start();
    t.after(() => exporter.stop('SIGKILL'));
    const sending = startSending({
      prefix: site.peer.enter,
      interface: 'vap',
      frames: frames(),
      repeat: 20_000,
      packetsPerSecond: 50_000,
    });
    t.after(() => sending.dispose());
    t.after(() => sending.child.stop('SIGKILL'));
    for (const labels of [
      ['src_ip', 'interface', 'traffic_type'],
      ['dst_ip', 'interface', 'traffic_type'],
      undefined,
    ]) {
      const flows = { ...settings.flows, ...(labels === undefined ? {} : { labels }) };
      writeFileSync(file, stringify({ ...settings, flows }));
      exporter.child.kill('SIGHUP');
      await exporter.logged(/in force now: flows\.labels/);
      assertBalance(await exporter.scrape());
      const [generation, ...others] = readdirSync(pins).filter((name) => name.startsWith('generation'));
      assert.ok(generation !== undefined && others.length === 0, 'one generation is left pinned');
      await exporter.stop(labels === undefined ? 'SIGKILL' : 'SIGTERM');
      exporter = await start();
      assertBalance(await exporter.scrape());
    }
    const { packets } = await whatWasSent(sending.child);
    const last = await exporter.scrapeUntil(
      'every packet to be counted',
      (exposition) => exposition.sum('xtrace_interface_packets_total', { interface: 'va' }) >= packets,
    );
    assert.equal(last.sum('xtrace_interface_packets_total', { interface: 'va' }), packets);
    assertBalance(last);
  },
);
