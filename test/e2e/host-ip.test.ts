// SPDX-License-Identifier: Apache-2.0
// The host's address while the exporter runs: it comes seconds after the start, as from DHCP, and is
// replaced later. Everything that is shown has one host_ip, the series under the former one end, for a
// receiver of pushes too, and those under the new one begin at 0.

import assert from 'node:assert/strict';
import { startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { assertBalance } from '../support/oracle/balance.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';
import { startPrometheusReceiver } from '../support/receivers/receivers.js';
import { OPCODE_CNP, roceV2 } from '../support/roce/roce-frames.js';

const ENDS = { src: '192.0.2.1', dst: '192.0.2.2' };
const FRAMES = [
  ethernet(ETHERTYPE.ipv4, ipv4(ENDS, udp(4000, 5000, payloadOf(100)))),
  ethernet(ETHERTYPE.ipv4, ipv4(ENDS, roceV2({ opcode: OPCODE_CNP, destinationQp: 7 }, payloadOf(16), 4791))),
];

/** Every value of the label host_ip in a scrape, and how many series have it. */
function hostIps(exposition: Exposition): Map<string, number> {
  const found = new Map<string, number>();
  for (const { labels } of exposition.series.values()) {
    const hostIp = labels.get('host_ip');
    if (hostIp !== undefined) found.set(hostIp, (found.get(hostIp) ?? 0) + 1);
  }
  return found;
}

/** Until it does, each scrape must have one host_ip alone. */
function untilHostIp(exporter: Awaited<ReturnType<typeof startExporter>>, wanted: string) {
  return exporter.scrapeUntil(`host_ip ${wanted}`, (now) => {
    const ips = hostIps(now);
    assert.equal(ips.size, 1, `several at once: ${[...ips.keys()]}`);
    assertBalance(now);
    return ips.has(wanted);
  });
}

kernelTest('host_ip follows the address of the host, for every series at once', async (t) => {
  const site = createSite(t, 'hi');
  site.addVeth('va');
  const storage = await startPrometheusReceiver(site.host);
  t.after(() => storage.stop());
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '200', '--print'],
    settings: { push: { enabled: true, url: storage.writeUrl, instance: 'here' } },
  });
  t.after(() => exporter.stop('SIGKILL'));
  const sent = await site.send('va', FRAMES, 10);
  const before = await exporter.scrapeUntil(
    'the frames',
    (now) => now.sum('xtrace_network_packets_total') === sent.packets,
  );
  assert.deepEqual([...hostIps(before).keys()], ['']);
  assert.match(exporter.child.stdout, / host_ip=\n/);

  site.host.exec('ip', 'address', 'add', '192.0.2.2/24', 'dev', 'va');
  const after = await untilHostIp(exporter, '192.0.2.2');
  assert.equal(after.sum('xtrace_network_packets_total'), 0, 'the former series ended');
  assert.equal(after.sum('xtrace_interface_packets_total'), 0);
  assert.equal(after.select('xtrace_roce_packets_total', {}).length, 0);
  assert.ok(after.select('xtrace_interface_bytes_total', { host_ip: '192.0.2.2' }).length > 0);
  assert.match(exporter.child.stderr, /label host_ip: 192\.0\.2\.2; its series begin anew under it/);

  // A new flow has it too, and so do the lines.
  const more = await site.send('va', FRAMES, 5);
  const total = more.packets;
  await exporter.scrapeUntil('more', (now) => now.sum('xtrace_network_packets_total') === total);
  await exporter.child.waitFor('a line', () => / host_ip=192\.0\.2\.2\n/.test(exporter.child.stdout));
  const query = 'xtrace_network_packets_total{src_ip="192.0.2.1"}';
  await exporter.child.waitFor('the receiver to show it', async () => {
    const series = await storage.query(query);
    const sum = series.reduce((all, { value }) => all + value, 0);
    return sum === total && series.every(({ labels }) => labels['host_ip'] === '192.0.2.2');
  });
  assert.equal(
    (await storage.query('count({instance="here",host_ip=""} and {__name__=~"xtrace_network.*"})')).length,
    0,
  );

  // Replaced, as by another lease: ten seconds later, and not for one that is there for a moment.
  site.host.exec('ip', 'address', 'add', '198.51.100.77/24', 'dev', 'va');
  site.host.exec('ip', 'address', 'delete', '192.0.2.2/24', 'dev', 'va');
  const replacedMs = performance.now();
  const replaced = await exporter.child.waitFor(
    'the next address',
    async () => {
      const now = await exporter.scrape();
      assert.equal(hostIps(now).size, 1);
      assertBalance(now);
      return hostIps(now).has('198.51.100.77') && now;
    },
    { limitMs: 40_000 },
  );
  assert.ok(performance.now() - replacedMs >= 10_000, 'sooner than is promised');
  assert.equal(replaced.sum('xtrace_network_packets_total'), 0);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});
