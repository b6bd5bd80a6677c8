// SPDX-License-Identifier: Apache-2.0
// The running exporter and its interfaces: modes, refusals, other people's programs, devices that
// come, go and come back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import {
  type Exporter,
  type ExporterOptions,
  runExporter,
  startExporter,
} from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, tcp, udp } from '../support/frames/frames.js';
import { heldBpfObjects } from '../support/kernel/bpf-objects.js';
import { attachForeignXdp } from '../support/kernel/foreign-xdp.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import type { Namespace } from '../support/kernel/namespace.js';
import { createTun } from '../support/kernel/tun-device.js';
import { assertBalance } from '../support/oracle/balance.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';

const ENDS = { src: '192.0.2.1', dst: '192.0.2.2' };
const FRAME = ethernet(ETHERTYPE.ipv4, ipv4(ENDS, udp(4000, 5000, payloadOf(100))));

/** The watch over interfaces looks once a second; refreshes are more often, so that counts come soon. */
async function exporterFor(t: TestContext, options: ExporterOptions): Promise<Exporter> {
  const exporter = await startExporter({ ...options, args: ['-t', '200', ...(options.args ?? [])] });
  t.after(() => exporter.stop());
  return exporter;
}

/** The labels that say how an interface is attached; undefined where it is not. */
function attachInfo(exposition: Exposition, device: string) {
  const [info] = exposition.select('xtrace_interface_attach_info', { interface: device });
  assert.equal(
    exposition.value('xtrace_interface_attached', { interface: device }),
    info === undefined ? 0 : 1,
    `xtrace_interface_attached of ${device} is at odds with xtrace_interface_attach_info`,
  );
  return info === undefined ? undefined : Object.fromEntries(info.labels);
}

const packets = (exposition: Exposition, device: string): number =>
  exposition.sum('xtrace_network_packets_total', { interface: device });

/** Mode and program id of what is attached, as the kernel tells everybody. */
function xdpOf(namespace: Namespace, device: string): { mode: number; id: number } | undefined {
  const [link] = JSON.parse(namespace.exec('ip', '-json', 'link', 'show', 'dev', device)) as {
    xdp?: { mode: number; prog: { id: number } };
  }[];
  return link?.xdp === undefined ? undefined : { mode: link.xdp.mode, id: link.xdp.prog.id };
}

// enum of include/uapi/linux/if_link.h, XDP_ATTACHED_*.
const KERNEL_MODE = { native: 1, generic: 2 } as const;

for (const mode of ['native', 'generic'] as const) {
  kernelTest(`a veth is attached in ${mode} mode and counts`, async (t) => {
    const site = createSite(t, 'm');
    site.addVeth('va');
    const args = ['-i', 'va', ...(mode === 'native' ? [] : ['--attach-mode', 'generic'])];
    const exporter = await exporterFor(t, { namespace: site.host, args });
    assert.equal(xdpOf(site.host, 'va')?.mode, KERNEL_MODE[mode]);
    const sent = await site.send('va', [FRAME], 1000);
    const seen = await exporter.scrapeUntil('all frames', (now) => packets(now, 'va') === sent.packets);
    assert.equal(seen.sum('xtrace_network_bytes_total'), sent.bytes);
    assertBalance(seen);
    assert.deepEqual(attachInfo(seen, 'va'), { interface: 'va', mode, framing: 'ethernet', frags: 'true' });
    assert.equal(seen.sum('xtrace_interface_attach_failures_total'), 0);
    assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
    assert.equal(xdpOf(site.host, 'va'), undefined);
  });
}

kernelTest('a driver without native XDP gets generic, and the failed steps are told', async (t) => {
  const site = createSite(t, 'f');
  site.addVeth('va');
  site.host.exec('ip', 'link', 'add', 'vx0', 'type', 'vxlan', 'id', '7', 'dstport', '4789', 'dev', 'va');
  site.host.exec('ip', 'link', 'set', 'vx0', 'up');
  const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'va,vx0'] });
  assert.match(exporter.child.stderr, /attached to vx0 in generic mode.*native: EOPNOTSUPP/);
  const seen = await exporter.scrape();
  assert.equal(attachInfo(seen, 'vx0')?.['mode'], 'generic');
  assert.equal(attachInfo(seen, 'va')?.['mode'], 'native');
  const failures = seen.select('xtrace_interface_attach_failures_total', { interface: 'vx0' });
  assert.deepEqual(
    failures.map(({ labels }) => [labels.get('mode'), labels.get('errno')]),
    [['native', 'EOPNOTSUPP']],
  );
  assert.ok(failures.every(({ value }) => value > 0));
});

kernelTest('native alone where only generic works: told, and not attached', async (t) => {
  const site = createSite(t, 'n');
  site.addVeth('va');
  const exporter = await exporterFor(t, {
    namespace: site.host,
    args: ['-i', 'lo,va', '--attach-mode', 'native'],
  });
  assert.match(exporter.child.stderr, /level=warn msg="XDP cannot be attached to lo: native: EOPNOTSUPP: /);
  const seen = await exporter.scrape();
  assert.equal(attachInfo(seen, 'lo'), undefined);
  assert.equal(attachInfo(seen, 'va')?.['mode'], 'native');
  assert.match(await (await exporter.page('/')).text(), /<td>lo<\/td><td>not attached<\/td><td>XDP cannot/);
});

kernelTest('a tun device is counted as IP without a link layer', async (t) => {
  const site = createSite(t, 't');
  const tun = createTun('xttun0');
  t.after(() => tun.close());
  site.host.exec('ip', 'link', 'set', 'xttun0', 'up');
  const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'xttun0'] });
  const packet4 = ipv4(ENDS, udp(4000, 5000, payloadOf(100)));
  const packet6 = ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, tcp(4000, 443, payloadOf(10)));
  for (let i = 0; i < 50; i++) tun.receive(packet4);
  for (let i = 0; i < 30; i++) tun.receive(packet6);
  const seen = await exporter.scrapeUntil('all packets', (now) => packets(now, 'xttun0') === 80);
  assert.equal(attachInfo(seen, 'xttun0')?.['framing'], 'l3');
  assert.equal(
    seen.value('xtrace_network_bytes_total', { src_ip: '192.0.2.1', dst_port: '5000', traffic_type: 'UDP' }),
    50 * packet4.length,
  );
  assert.equal(
    seen.value('xtrace_network_bytes_total', { src_ip: '2001:db8::1', dst_port: '443', traffic_type: 'TCP' }),
    30 * packet6.length,
  );
  assertBalance(seen);
});

kernelTest("somebody else's program is named and left alone; the other interface is counted", async (t) => {
  const site = createSite(t, 'o');
  site.addVeth('va');
  site.addVeth('vb');
  attachForeignXdp(site.host.ifindex('vb'), 'native', 'their_filter');
  const theirs = xdpOf(site.host, 'vb');
  assert.ok(theirs);
  const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'vb,va'] });
  const sentence = `vb already has an XDP program (\\"their_filter\\", id ${theirs.id}, native mode), which was left alone`;
  assert.ok(exporter.child.stderr.includes(sentence), exporter.child.stderr);
  const sent = await site.send('va', [FRAME], 10);
  const seen = await exporter.scrapeUntil('the frames', (now) => packets(now, 'va') === sent.packets);
  assert.equal(attachInfo(seen, 'vb'), undefined);
  assert.equal(attachInfo(seen, 'va')?.['mode'], 'native');
  assert.equal((await exporter.page('/-/ready')).status, 200);
  // Tried again every second, told once.
  const refreshes = seen.value('xtrace_refreshes_total');
  await exporter.scrapeUntil('two looks', (now) => now.value('xtrace_refreshes_total') > refreshes + 12);
  assert.equal(exporter.child.stderr.split('already has an XDP program').length, 2);
  await exporter.stop();
  assert.deepEqual(xdpOf(site.host, 'vb'), theirs);
});

kernelTest("somebody else's program on the only interface: told, waited for, and then counted", async (t) => {
  const site = createSite(t, 'q');
  site.addVeth('vb');
  attachForeignXdp(site.host.ifindex('vb'), 'native', 'their_filter');
  const theirs = xdpOf(site.host, 'vb');
  const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'vb,vnone'] });
  assert.match(
    exporter.child.stderr,
    /level=warn msg="vb already has an XDP program \(\\"their_filter\\".*bpftool link and ip link show tell/,
  );
  assert.match(exporter.child.stderr, /there is no interface vnone; it is attached when it appears/);
  assert.equal((await exporter.page('/-/ready')).status, 503);
  const seen = await exporter.scrape();
  assert.equal(attachInfo(seen, 'vb'), undefined);
  assert.equal(attachInfo(seen, 'vnone'), undefined);
  assert.deepEqual(xdpOf(site.host, 'vb'), theirs);
  site.host.exec('ip', 'link', 'set', 'dev', 'vb', 'xdp', 'off');
  await exporter.scrapeUntil('vb attached', (now) => attachInfo(now, 'vb') !== undefined);
  assert.equal((await exporter.page('/-/ready')).status, 200);
  const sent = await site.send('vb', [FRAME], 10);
  await exporter.scrapeUntil('the frames', (now) => packets(now, 'vb') === sent.packets);
});

kernelTest(
  'two exporters: the second is told that it is one of ours, and takes over when it ends',
  async (t) => {
    const site = createSite(t, 'w');
    site.addVeth('va');
    const first = await exporterFor(t, { namespace: site.host, args: ['-i', 'va'] });
    const second = await exporterFor(t, { namespace: site.host, args: ['-i', 'va'] });
    assert.match(second.child.stderr, /it is one of ours, so another xtrace-catch counts this interface/);
    assert.equal((await second.page('/-/ready')).status, 503);
    assert.equal(attachInfo(await first.scrape(), 'va')?.['mode'], 'native');
    assert.deepEqual(await first.stop(), { code: 0, signal: null });
    await second.scrapeUntil('va attached', (now) => attachInfo(now, 'va') !== undefined);
  },
);

kernelTest('an interface that is missing at first is attached when it appears', async (t) => {
  const site = createSite(t, 'l');
  site.addVeth('va');
  const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'va,vb'] });
  assert.match(exporter.child.stderr, /there is no interface vb; it is attached when it appears/);
  assert.equal(attachInfo(await exporter.scrape(), 'vb'), undefined);
  site.addVeth('vb');
  await exporter.scrapeUntil('vb attached', (now) => attachInfo(now, 'vb') !== undefined);
  const sent = await site.send('vb', [FRAME], 100);
  const seen = await exporter.scrapeUntil('the frames', (now) => packets(now, 'vb') === sent.packets);
  assert.equal(seen.sum('xtrace_interface_reattachments_total'), 0);
});

kernelTest(
  'no interface at all at first: it serves, is not ready, waits, and counts from then on',
  async (t) => {
    const site = createSite(t, 'b');
    const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'eth9'] });
    const before = await exporter.scrape();
    assert.equal(before.value('xtrace_interface_attached', { interface: 'eth9' }), 0);
    assert.equal((await exporter.page('/-/healthy')).status, 200);
    const ready = await exporter.page('/-/ready');
    assert.equal(ready.status, 503);
    assert.equal(await ready.text(), 'Not ready: no interface is attached.\n');
    assert.match(await (await exporter.page('/')).text(), /<td>eth9<\/td>.*there is no interface eth9/);
    // Three looks and fifteen refreshes later the log has one line of it, and none of a failure.
    await exporter.scrapeUntil('looks', (now) => now.value('xtrace_refreshes_total') > 15);
    const lines = exporter.child.stderr.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => /level=(\w+) msg="([^"]*?)( at http[^"]*)?"/.exec(line)?.slice(1, 3)),
      [
        ['warn', 'there is no interface eth9; it is attached when it appears'],
        ['info', 'metrics are'],
      ],
    );
    site.addVeth('eth9');
    const appearedMs = performance.now();
    await exporter.scrapeUntil('eth9 attached', (now) => attachInfo(now, 'eth9') !== undefined);
    t.diagnostic(`attached ${Math.round(performance.now() - appearedMs)} ms after it appeared`);
    assert.equal((await exporter.page('/-/ready')).status, 200);
    const sent = await site.send('eth9', [FRAME], 1000);
    const seen = await exporter.scrapeUntil('the frames', (now) => packets(now, 'eth9') === sent.packets);
    assert.equal(seen.sum('xtrace_network_bytes_total'), sent.bytes);
    assertBalance(seen);
    assert.equal(seen.sum('xtrace_interface_reattachments_total'), 0);
    assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
  },
);

kernelTest('a name the kernel cannot have is no reason to wait: exit code 2', async (t) => {
  const site = createSite(t, 'k');
  for (const name of ['abcdefghijklmnop', 'a b', 'a/b', 'a:b', '.', '..', 'a%b', 'eth%d', 'à']) {
    const { code, stderr } = await runExporter({ namespace: site.host, args: ['-i', name] });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^xtrace-catch: --interface: [^\n]*\bname\b[^\n]+\nxtrace-catch: see --help\n$/);
    const script = 'ip link add name "$0" type bridge; grep -qF " $0:" /proc/self/net/dev';
    assert.throws(() => site.host.exec('sh', '-c', script, name), `the kernel has ${name} after all`);
  }
  for (const name of ['abcdefghijklmno', 'a@b', 'ö', 'a=b', 'eth0.100']) {
    site.host.exec('ip', 'link', 'add', 'name', name, 'type', 'bridge');
    assert.match(site.host.exec('ip', 'link', 'show', 'dev', name), /state/);
    const check = await runExporter({ namespace: site.host, args: ['-i', name, '--config.check'] });
    assert.equal(check.code, 0, check.stderr);
  }
});

kernelTest('an interface that goes and comes back goes on in the same series', async (t) => {
  const site = createSite(t, 'r');
  site.addVeth('va');
  const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'va'] });
  const first = await site.send('va', [FRAME], 1000);
  const before = await exporter.scrapeUntil('the frames', (now) => packets(now, 'va') === first.packets);
  const indexBefore = site.host.ifindex('va');

  site.host.exec('ip', 'link', 'delete', 'va');
  const between = await exporter.scrapeUntil('the loss', (now) => attachInfo(now, 'va') === undefined);
  assert.match(exporter.child.stderr, /interface va is gone; it is attached again when it comes back/);
  assert.equal(packets(between, 'va'), first.packets, 'what was counted stays');
  const ready = await exporter.page('/-/ready');
  assert.equal(ready.status, 503);
  assert.equal(await ready.text(), 'Not ready: no interface is attached.\n');
  assert.equal((await exporter.page('/-/healthy')).status, 200);

  site.addVeth('va');
  assert.notEqual(site.host.ifindex('va'), indexBefore);
  await exporter.scrapeUntil('va attached again', (now) => attachInfo(now, 'va') !== undefined);
  assert.equal((await exporter.page('/-/ready')).status, 200);
  const second = await site.send('va', [FRAME], 500);
  const total = first.packets + second.packets;
  const after = await exporter.scrapeUntil('both', (now) => packets(now, 'va') === total);
  const names = (exposition: Exposition) =>
    [...exposition.series.keys()]
      .filter((key) => /^xtrace_(network|interface_(bytes|packets))/.test(key))
      .sort();
  assert.deepEqual(names(after), names(before));
  assert.equal(after.value('xtrace_interface_reattachments_total', { interface: 'va' }), 1);
  assertBalance(after);
});

kernelTest('a program that somebody detaches is attached again', async (t) => {
  const site = createSite(t, 'd');
  site.addVeth('va');
  const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'va'] });
  const [linkId] = heldBpfObjects(exporter.child.pid).link;
  assert.ok(linkId !== undefined);
  execFileSync('bpftool', ['link', 'detach', 'id', String(linkId)], { stdio: 'pipe' });
  await exporter.scrapeUntil(
    'the reattachment',
    (now) => now.value('xtrace_interface_reattachments_total', { interface: 'va' }) === 1,
  );
  assert.match(exporter.child.stderr, /our XDP program was detached from va by someone else/);
  assert.notEqual(heldBpfObjects(exporter.child.pid).link[0], linkId);
  assert.equal(heldBpfObjects(exporter.child.pid).link.length, 1, 'the dead link is let go');
  const sent = await site.send('va', [FRAME], 10);
  await exporter.scrapeUntil('the frames', (now) => packets(now, 'va') === sent.packets);
});

kernelTest('a device that moves to another namespace is let go', async (t) => {
  const site = createSite(t, 'x');
  site.addVeth('va');
  site.addVeth('vb');
  const exporter = await exporterFor(t, { namespace: site.host, args: ['-i', 'va,vb'] });
  site.host.exec('ip', 'link', 'set', 'va', 'netns', site.peer.name);
  await exporter.scrapeUntil('the loss', (now) => attachInfo(now, 'va') === undefined);
  assert.equal(xdpOf(site.peer, 'va'), undefined, 'our program stayed with a device that is not ours');
  assert.ok(attachInfo(await exporter.scrape(), 'vb'));
});
