// SPDX-License-Identifier: Apache-2.0
// Interfaces by patterns, on real devices: what appears and matches is attached, what goes or is renamed is
// followed, and hundreds of containers' veths that do not match leave no trace.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { assertBalance } from '../support/oracle/balance.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';

const ENDS = { src: '192.0.2.1', dst: '192.0.2.2' };
const FRAME = ethernet(ETHERTYPE.ipv4, ipv4(ENDS, udp(4000, 5000, payloadOf(100))));
const CONTAINERS = 300;
/** The promise. */
const ATTACHED_WITHIN_MS = 2000;

function packets(exposition: Exposition, device: string): number {
  return exposition
    .select('xtrace_interface_packets_total', { interface: device })
    .reduce((sum, { value }) => sum + value, 0);
}

/** Names with a program on them, whatever it is, as the kernel has them. */
function attached(site: Site): string[] {
  const links = JSON.parse(site.host.exec('ip', '-json', 'link', 'show')) as {
    ifname: string;
    xdp?: object;
  }[];
  return links
    .filter(({ xdp }) => xdp !== undefined)
    .map(({ ifname }) => ifname)
    .sort();
}

async function exporterFor(t: TestContext, site: Site, patterns: string, ...args: readonly string[]) {
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-t', '200', '-i', patterns, ...args],
  });
  t.after(() => exporter.stop('SIGKILL'));
  return exporter;
}

/** Commands of `ip`, in one process. */
async function batch(site: Site, lines: readonly string[]): Promise<void> {
  await site.host.run('sh', ['-c', `printf '%s\\n' "$@" | ip -batch -`, 'sh', ...lines]);
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}

kernelTest('what appears and matches is attached within two seconds, what goes is let go', async (t) => {
  const site = createSite(t, 'pa');
  site.addVeth('eth0');
  site.addVeth('ethx0');
  site.addVeth('wan0');
  const exporter = await exporterFor(t, site, 'eth*,!ethx*,ib*');
  assert.deepEqual(attached(site), ['eth0']);
  assert.match(exporter.child.stderr, /no interface matches ib\*/);
  assert.equal(exporter.child.stderr.match(/no interface matches/g)?.length, 1);

  const first = await site.send('eth0', [FRAME], 100);
  site.addVeth('eth1');
  site.addVeth('ethx1');
  const appearedMs = performance.now();
  await exporter.child.waitFor('eth1', () => attached(site).includes('eth1'));
  assert.ok(performance.now() - appearedMs < ATTACHED_WITHIN_MS);
  const second = await site.send('eth1', [FRAME], 50);
  const both = await exporter.scrapeUntil(
    'both',
    (now) => packets(now, 'eth0') === first.packets && packets(now, 'eth1') === second.packets,
  );
  assertBalance(both);
  assert.deepEqual(
    both.select('xtrace_interface_attached', {}).map(({ labels, value }) => [labels.get('interface'), value]),
    [
      ['eth0', 1],
      ['eth1', 1],
    ],
  );

  site.host.exec('ip', 'link', 'delete', 'eth1');
  await exporter.logged(/interface eth1 is gone: let go/);
  const after = await exporter.scrapeUntil(
    'eth1 let go',
    (now) => now.select('xtrace_interface_attached', { interface: 'eth1' }).length === 0,
  );
  assert.equal(packets(after, 'eth1'), second.packets, 'it stays in the books');
  assertBalance(after);

  site.addVeth('eth1');
  await exporter.child.waitFor('eth1 again', () => attached(site).includes('eth1'));
  const third = await site.send('eth1', [FRAME], 7);
  const again = await exporter.scrapeUntil(
    'its packets',
    (now) => packets(now, 'eth1') === second.packets + third.packets,
  );
  assert.equal(again.value('xtrace_interface_reattachments_total', { interface: 'eth1' }), 1);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});

kernelTest(
  'a device is followed through new names, and let go when it moves or is called what is not meant',
  async (t) => {
    const site = createSite(t, 'pr');
    site.addVeth('eth0');
    site.addVeth('eth7');
    const exporter = await exporterFor(t, site, 'eth*');
    const first = await site.send('eth0', [FRAME], 10);
    await exporter.scrapeUntil('the first', (now) => packets(now, 'eth0') === first.packets);

    site.host.exec('ip', 'link', 'set', 'eth0', 'down');
    site.host.exec('ip', 'link', 'set', 'eth0', 'name', 'eth5', 'up');
    await exporter.logged(/interface eth0 is called eth5 now/);
    assert.doesNotMatch(exporter.child.stderr, /attached to eth5/, 'its program stayed where it was');
    site.peer.exec('ip', 'link', 'set', 'eth0p', 'name', 'eth5p');
    const second = await site.send('eth5', [FRAME], 20);
    const renamed = await exporter.scrapeUntil(
      'the second',
      (now) => packets(now, 'eth5') === second.packets,
    );
    assert.equal(packets(renamed, 'eth0'), first.packets);
    assertBalance(renamed);

    site.host.exec('ip', 'link', 'set', 'eth5', 'name', 'other5');
    await exporter.child.waitFor('other5 let go', () => attached(site).join() === 'eth7');
    await exporter.logged(/interface eth5 is gone: let go/);
    site.host.exec('ip', 'link', 'set', 'other5', 'name', 'eth6');
    await exporter.child.waitFor('eth6', () => attached(site).join() === 'eth6,eth7');

    site.host.exec('ip', 'link', 'set', 'eth7', 'netns', site.peer.name);
    await exporter.logged(/interface eth7 is gone: let go/);
    const there = JSON.parse(site.peer.exec('ip', '-json', 'link', 'show', 'eth7')) as { xdp?: object }[];
    assert.equal(there[0]?.xdp, undefined, 'our program stayed with a device that is not ours');
  },
);

kernelTest('auto takes no virtual device, says so, and leaves the names beside it alone', async (t) => {
  const site = createSite(t, 'pv');
  site.addVeth('eth0');
  site.addVeth('eth1');
  const exporter = await exporterFor(t, site, 'auto,eth0');
  assert.deepEqual(attached(site), ['eth0']);
  assert.match(exporter.child.stderr, /no physical device is up, so auto means none/);
});

for (const patterns of ['eth*', 'eth*,v*,!veth*']) {
  kernelTest(
    `300 veths made and removed beside ${patterns}: none attached, every packet counted`,
    async (t) => {
      const site = createSite(t, 'pb');
      site.addVeth('eth0');
      const exporter = await exporterFor(t, site, patterns);
      const cpuBefore = (await exporter.scrape()).sum('process_cpu_seconds_total');
      const startedMs = performance.now();
      const sending = site.send('eth0', [FRAME], 20_000);
      const names = numbers(CONTAINERS);
      await batch(
        site,
        names.map((i) => `link add veth${i} up type veth peer name vethp${i}`),
      );
      const idleCpuFrom = (await exporter.scrape()).sum('process_cpu_seconds_total');
      const idleMs = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      const idleCpu = (await exporter.scrape()).sum('process_cpu_seconds_total') - idleCpuFrom;
      const idleShare = idleCpu / ((performance.now() - idleMs) / 1000);
      await batch(
        site,
        names.map((i) => `link delete veth${i}`),
      );
      const sent = await sending;
      site.addVeth('eth1'); // its event comes behind all others
      await exporter.child.waitFor('eth1', () => attached(site).includes('eth1'));
      const burstSeconds = (performance.now() - startedMs) / 1000;
      const now = await exporter.scrapeUntil('the frames', (one) => packets(one, 'eth0') === sent.packets);
      const cpu = now.sum('process_cpu_seconds_total') - cpuBefore;
      t.diagnostic(
        `CPU ${cpu.toFixed(3)} s in ${burstSeconds.toFixed(1)} s of the burst; with ${CONTAINERS} idle veths ${(100 * idleShare).toFixed(1)} %`,
      );
      assert.doesNotMatch(exporter.child.stderr, /veth\d/, 'one of them was attached, or tried');
      assert.deepEqual(attached(site), ['eth0', 'eth1']);
      assert.equal(now.sum('xtrace_netlink_overruns_total'), 0);
      assert.deepEqual(
        [...new Set([...now.series.values()].map(({ labels }) => labels.get('interface')))].filter((name) =>
          name?.startsWith('veth'),
        ),
        [],
      );
      assertBalance(now);
      assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
    },
  );
}

kernelTest(
  '50 veths that match appear together under traffic, and every packet since is counted',
  async (t) => {
    const site = createSite(t, 'pm');
    site.addVeth('eth0');
    const exporter = await exporterFor(t, site, 'eth*');
    const names = numbers(50).map((i) => `eth${i + 1}`);
    const busy = site.send('eth0', [FRAME], 20_000);
    await batch(
      site,
      names.flatMap((name) => [
        `link add ${name} type veth peer name ${name}p netns ${site.peer.name}`,
        `link set ${name} arp off up`,
      ]),
    );
    for (const name of names) site.peer.exec('ip', 'link', 'set', `${name}p`, 'arp', 'off', 'up');
    await exporter.child.waitFor('all of them', () => attached(site).length === names.length + 1);
    const sent = new Map<string, number>();
    for (const [i, name] of names.entries()) sent.set(name, (await site.send(name, [FRAME], 10 + i)).packets);
    sent.set('eth0', (await busy).packets);
    const now = await exporter.scrapeUntil('every packet', (one) =>
      [...sent].every(([name, count]) => packets(one, name) === count),
    );
    assertBalance(now);
    await batch(
      site,
      names.map((name) => `link delete ${name}`),
    );
    await exporter.child.waitFor('eth0 alone', () => attached(site).join() === 'eth0');
    const after = await exporter.scrapeUntil(
      'all let go',
      (one) => one.select('xtrace_interface_attached', {}).length === 1,
    );
    assert.equal(packets(after, 'eth50'), sent.get('eth50'));
    assertBalance(after);
  },
);
