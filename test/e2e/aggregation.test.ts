// SPDX-License-Identifier: Apache-2.0
// deploy/vmagent, as docs/fleet.md tells to use it: two vmagents share the targets and add flows up
// without their ports, and what they store is the sum of the raw series, to the byte.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import { waitFor } from '../support/conditions.js';
import { PROGRAM, startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, tcp } from '../support/frames/frames.js';
import { gatedTest } from '../support/gated-test.js';
import { missingForKernelTests } from '../support/kernel/kernel-gate.js';
import { findLaterReceiver } from '../support/receivers/later-receiver.js';
import { type Storage, startVictoriaMetrics } from '../support/receivers/receivers.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const VMAGENT = findLaterReceiver('victoria-metrics', 'vmagent');
const VICTORIA_METRICS = findLaterReceiver('victoria-metrics', 'victoria-metrics');
const SHIPPED = path.join(path.dirname(PROGRAM), '..', 'deploy', 'vmagent', 'stream-aggregation.yaml');
/** In place of the shipped interval, which is long to wait for. */
const EVERY_S = 2;
/** As vmagent makes it of the interval and the labels. */
const ADDED = `xtrace_network_bytes_total:${EVERY_S}s_without_dst_port_src_port_total`;
const MEMBERS = 2;
const DEVICES = ['va', 'vb', 'vc', 'vd'];
const HOSTS = 5;
const PORTS = 40;

/** From each of some hosts to one other, from many ports. */
function frames(net: number): Buffer[] {
  return Array.from({ length: HOSTS * PORTS }, (_, i) => {
    const ends = { src: `10.${net}.0.${i % HOSTS}`, dst: `10.${net}.1.1` };
    return ethernet(ETHERTYPE.ipv4, ipv4(ends, tcp(20_000 + i, 443, payloadOf(i % 700))));
  });
}

async function startShards(t: TestContext, site: Site, storage: Storage, targets: readonly string[]) {
  const folder = temporaryFolder('xtrace-shards-');
  const rules = (parse(readFileSync(SHIPPED, 'utf8')) as object[]).map((rule) => ({
    ...rule,
    interval: `${EVERY_S}s`,
  }));
  writeFileSync(path.join(folder, 'aggregation.yaml'), stringify(rules));
  const scrape = {
    global: { scrape_interval: '1s' },
    scrape_configs: [{ job_name: 'xtrace-catch', static_configs: [{ targets }] }],
  };
  writeFileSync(path.join(folder, 'scrape.yaml'), stringify(scrape));
  return Array.from({ length: MEMBERS }, (_, member) => {
    const shard = site.host.start(VMAGENT.path, [
      `-promscrape.config=${path.join(folder, 'scrape.yaml')}`,
      `-promscrape.cluster.membersCount=${MEMBERS}`,
      `-promscrape.cluster.memberNum=${member}`,
      '-promscrape.cluster.memberLabel=shard',
      `-remoteWrite.url=${storage.writeUrl}`,
      `-remoteWrite.streamAggr.config=${path.join(folder, 'aggregation.yaml')}`,
      '-remoteWrite.streamAggr.keepInput', // the raw series, to compare with
      `-remoteWrite.tmpDataPath=${path.join(folder, `queue-${member}`)}`,
      `-httpListenAddr=127.0.0.1:843${member}`,
      '-memory.allowedBytes=67108864',
    ]);
    t.after(() => shard.stop());
    return shard;
  });
}

async function sumsOf(storage: Storage, metric: string): Promise<Readonly<Record<string, number>>> {
  const found = await storage.query(`sum by (instance, src_ip, dst_ip) ({__name__=~"${metric}"})`);
  return Object.fromEntries(
    found.map(({ labels, value }) => [
      `${labels['instance']} ${labels['src_ip']} ${labels['dst_ip']}`,
      value,
    ]),
  );
}

gatedTest(
  { what: 'the kernel and vmagent 1.86 or later', missing: missingForKernelTests() ?? VMAGENT.missing },
  'two vmagents add flows up without ports: the sums of the raw series, to the byte',
  async (t) => {
    const site = createSite(t, 'g');
    const storage = await startVictoriaMetrics(site.host, VICTORIA_METRICS.path);
    t.after(() => storage.stop());
    const targets: string[] = [];
    for (const [i, device] of DEVICES.entries()) {
      site.addVeth(device);
      const address = `127.0.0.1:1006${i}`;
      const exporter = await startExporter({
        namespace: site.host,
        args: ['-i', device, '-t', '500', `--web.listen-address=${address}`],
        settings: { flows: { new_series: 'zero_first', hold_max_ms: 8000 }, rdma: { enabled: false } },
      });
      t.after(() => exporter.stop());
      targets.push(address);
    }
    await startShards(t, site, storage, targets);
    await waitFor('all targets', async () => (await storage.query('up == 1')).length === targets.length);
    assert.equal((await storage.query('count by (shard) (up)')).length, MEMBERS, 'each has some of them');

    let sentBytes = 0;
    for (let round = 0; round < 3; round++) {
      for (const [i, device] of DEVICES.entries()) sentBytes += (await site.send(device, frames(i), 3)).bytes;
    }
    let raw: Readonly<Record<string, number>> = {};
    let added: Readonly<Record<string, number>> = {};
    await waitFor(
      'the sums to arrive',
      async () => {
        raw = await sumsOf(storage, 'xtrace_network_bytes_total');
        added = await sumsOf(storage, ADDED);
        const all = (sums: typeof raw) => Object.values(sums).reduce((sum, one) => sum + one, 0);
        return all(raw) === sentBytes && all(added) >= sentBytes;
      },
      { intervalMs: 500, limitMs: 120_000 },
    ).catch(() => undefined);
    assert.equal(Object.keys(raw).length, DEVICES.length * HOSTS);
    assert.deepEqual(added, raw);
    const series = async (metric: string) =>
      (await storage.query(`count({__name__=~"${metric}"})`))[0]?.value;
    assert.equal(await series('xtrace_network_bytes_total'), DEVICES.length * HOSTS * PORTS);
    assert.equal(await series(ADDED), DEVICES.length * HOSTS);
  },
);
