// SPDX-License-Identifier: Apache-2.0
// Flows told apart by any labels are the sums of those told apart by all: real frames through the program,
// added up by the test from the frames themselves.

import assert from 'node:assert/strict';
import { FRAMING, KIND, trafficType } from '../../src/abi/kinds.js';
import { startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { formatAddress, parseAddress } from '../support/frames/addresses.js';
import { everyHeader, mixedFlows, udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { assertBalance } from '../support/oracle/balance.js';
import { unmapped } from '../support/oracle/expected-counts.js';
import { type ParsedFrame, parseFrame } from '../support/oracle/reference-parser.js';

const ALWAYS = ['traffic_type', 'interface'];
const SUBSETS: readonly (readonly string[])[] = [
  [],
  ['src_ip'],
  ['dst_ip', 'dst_port'],
  ['protocol'],
  ['src_port', 'dst_port'],
  ['src_ip', 'dst_ip', 'host_ip', 'collect_agg'],
  ['dst_port', 'protocol', 'vlan'],
];
const FRAMES = [...everyHeader(), ...mixedFlows(1, 12), ...udpFlows(1, 500)];

/** As the reference writes addresses. */
function canonical(label: string, value: string): string {
  return label.endsWith('_ip') ? formatAddress(parseAddress(value)) : value;
}

function address({ kind }: ParsedFrame, text: string): string {
  return kind === KIND.roceV1 ? unmapped(text) : text;
}

function labelOf(key: ParsedFrame, name: string): string | undefined {
  switch (name) {
    case 'src_ip':
      return address(key, key.srcIp);
    case 'dst_ip':
      return address(key, key.dstIp);
    case 'src_port':
      return String(key.srcPort);
    case 'dst_port':
      return String(key.dstPort);
    case 'protocol':
      return String(key.protocol);
    case 'traffic_type':
      return trafficType(key.kind).label;
    case 'vlan':
      return String(key.vlan);
    default:
      return undefined; // the same for all
  }
}

kernelTest('flows by any labels are the sums of flows by all of them', async (t) => {
  const site = createSite(t, 'l');
  site.addVeth('va');
  const keys = FRAMES.map((frame) => ({ key: parseFrame(frame, FRAMING.ethernet), bytes: frame.length }));
  const flows = keys.filter(({ key }) => key.kind !== KIND.nonIp && key.kind !== KIND.malformed);
  for (const subset of SUBSETS) {
    const labels = [...subset, ...ALWAYS];
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '200'],
      settings: { flows: { labels } },
    });
    t.after(() => exporter.stop('SIGKILL'));
    const before = (await exporter.scrape()).sum('xtrace_interface_packets_total');
    await site.send('va', FRAMES, 2);
    const shown = await exporter.scrapeUntil(
      'all frames',
      (now) => now.sum('xtrace_interface_packets_total') >= before + 2 * FRAMES.length,
    );
    assertBalance(shown);
    const told = subset.filter((name) => labelOf(flows[0]?.key ?? assert.fail(), name) !== undefined);
    const expected = new Map<string, number>();
    for (const { key, bytes } of flows) {
      const name = [...told, 'traffic_type'].map((label) => labelOf(key, label)).join(' ');
      expected.set(name, (expected.get(name) ?? 0) + 2 * bytes);
    }
    const found = new Map<string, number>();
    for (const { labels: own, value } of shown.select('xtrace_network_bytes_total')) {
      assert.deepEqual([...own.keys()].sort(), [...labels].sort(), 'the labels asked for');
      const name = [...told, 'traffic_type'].map((label) => canonical(label, own.get(label) ?? '')).join(' ');
      assert.ok(!found.has(name), `${name} twice`);
      found.set(name, value);
    }
    assert.deepEqual(found, expected, labels.join());
    const entries = ['flows4', 'flows6'].reduce(
      (sum, map) => sum + shown.sum('xtrace_kernel_map_entries', { map }),
      0,
    );
    if (!subset.includes('src_port')) assert.ok(entries < 200, `${entries} entries of the kernel's maps`);
    await exporter.stop();
  }
});
