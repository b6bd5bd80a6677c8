// SPDX-License-Identifier: Apache-2.0
// A file of networks that is replaced under traffic: names go to and fro, and no packet is lost, counted
// twice or taken back.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { scrapeWhile } from '../support/exporter/scrape-loop.js';
import { createSite } from '../support/exporter/site.js';
import { payloadOf, udp } from '../support/frames/frames.js';
import { ends4, ends6, over } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { type Sent, startSending } from '../support/kernel/sender.js';

const HOSTS = 12;
const REPEAT = 4000;
const PACKETS_PER_SECOND = 10_000;
const CHANGES = 5;
const ENDS = Array.from({ length: HOSTS }, (_, i) => [ends4(3, i + 1), ends6(3, i + 1)]).flat();
const FRAMES = ENDS.map((ends, i) => over(ends, udp(1000, 53, payloadOf(i))));

/** Each address has one of three names, and another one in the next version. */
function networksFile(t: TestContext): { path: string; replace(version: number): void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-networks-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'networks');
  return {
    path: file,
    replace(version) {
      const lines = ENDS.map(({ src }, i) => `${src} 'r"\\${(i + version) % 3}'\n`);
      writeFileSync(`${file}.new`, lines.join(''));
      renameSync(`${file}.new`, file);
    },
  };
}

const loads = (exporter: Exporter): number => exporter.child.stderr.split('networks with').length - 1;

for (const labels of [
  ['src_network', 'dst_network', 'traffic_type', 'interface'],
  ['src_ip', 'src_network', 'traffic_type', 'interface'],
]) {
  kernelTest(`networks go to and fro under traffic: ${labels.slice(0, 2).join()}`, async (t) => {
    const site = createSite(t, `n${labels[0]?.at(-1)}`);
    site.addVeth('va');
    const file = networksFile(t);
    file.replace(0);
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '200'],
      settings: { networks: file.path, flows: { labels } },
    });
    t.after(() => exporter.stop('SIGKILL'));
    const sending = startSending({
      prefix: site.peer.enter,
      interface: 'vap',
      frames: FRAMES,
      repeat: REPEAT,
      packetsPerSecond: PACKETS_PER_SECOND,
    });
    t.after(() => sending.dispose());
    t.after(() => sending.child.stop('SIGKILL'));
    let sent: Sent | undefined;
    await scrapeWhile(exporter, async () => {
      for (let version = 1; version <= CHANGES; version++) {
        file.replace(version);
        await exporter.child.waitFor('the file to be loaded', () => loads(exporter) > version);
      }
      const { code } = await sending.child.exited;
      assert.equal(code, 0, sending.child.stderr);
      sent = JSON.parse(sending.child.stdout) as Sent;
      await exporter.scrapeUntil(
        'all packets',
        (now) => now.sum('xtrace_interface_packets_total') === sent?.packets,
      );
    });
    const shown = await exporter.scrape();
    assert.equal(shown.sum('xtrace_network_packets_total'), sent?.packets, 'nothing is in no series');
    const names = new Set(
      shown.select('xtrace_network_packets_total').map((one) => one.labels.get('src_network')),
    );
    assert.deepEqual([...names].sort(), ['r"\\0', 'r"\\1', 'r"\\2']);
    if (!labels.includes('src_ip')) return;
    for (const { src } of ENDS) {
      assert.equal(shown.sum('xtrace_network_packets_total', { src_ip: src }), REPEAT, src);
      assert.ok(
        shown.select('xtrace_network_packets_total', { src_ip: src }).length > 1,
        `${src} had one name`,
      );
    }
  });
}
