// SPDX-License-Identifier: Apache-2.0
// Flows told apart by any labels, prefixes, ports and networks are the sums of those told apart by all: real
// frames through the program, added up by the test from the frames themselves. What the kernel can leave
// out is left out there.

import assert from 'node:assert/strict';
import process from 'node:process';
import fc from 'fast-check';
import { FRAMING, KIND } from '../../src/abi/kinds.js';
import { startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { formatAddress, parseAddress } from '../support/frames/addresses.js';
import { payloadOf, tcp, udp } from '../support/frames/frames.js';
import { ends4, ends6, everyHeader, mixedFlows, over, udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';
import {
  type LabelSettings,
  networkAround,
  shownFlow,
  varyingLabels,
} from '../support/oracle/reference-labels.js';
import { parseFrame } from '../support/oracle/reference-parser.js';

/** Random choices beside those written down; more by XTRACE_RANDOM_LABELS, for a long run. */
const RANDOM_CHOICES = Number(process.env['XTRACE_RANDOM_LABELS'] ?? 6);
const REPEAT = 2;
const ALL_LABELS = [
  ...['src_ip', 'dst_ip', 'src_port', 'dst_port', 'protocol', 'traffic_type', 'interface', 'host_ip'],
  ...['collect_agg', 'vlan', 'queue_pair', 'dscp', 'direction', 'src_network', 'dst_network'],
] as const;

/** Between hosts that are each other's clients, below, in and above any ephemeral range. */
const CONVERSATIONS = [443, 20_000, 33_000, 40_000, 50_051, 60_000, 65_000].flatMap((port, i, ports) =>
  ports.flatMap((peer) => [
    over(ends4(3, i), tcp(port, peer, payloadOf(10 + i))),
    over(ends6(3, i), udp(peer, port, payloadOf(20 + i))),
  ]),
);
const FRAMES = [...everyHeader(), ...mixedFlows(1, 12), ...udpFlows(1, 500), ...CONVERSATIONS];
const FLOWS = FRAMES.map((frame) => ({
  key: parseFrame(frame, FRAMING.ethernet),
  bytes: frame.length,
})).filter(({ key }) => key.kind !== KIND.nonIp && key.kind !== KIND.malformed);
const FOLDING = { first: 32_768, last: 60_999, services: [50_051] };
const WHOLE: LabelSettings = {
  labels: ['traffic_type', 'interface'],
  ports: 'all',
  folding: FOLDING,
  ipv4PrefixLength: 32,
  ipv6PrefixLength: 128,
  networks: {},
};
const NETWORKS = {
  '10.0.0.0/8': 'site',
  '10.1.0.0/24': 'rail-0',
  '10.1.0.8/29': 'none',
  '10.1.0.0/25': 'rail-1',
  '10.1.255.254/32': 'gateway',
  '2001:db8::/32': 'site',
  '2001:db8:1::/120': 'rail-0',
};

const WRITTEN: readonly LabelSettings[] = [
  WHOLE,
  { ...WHOLE, labels: ['src_ip', 'traffic_type', 'interface'] },
  { ...WHOLE, labels: ['dst_ip', 'dst_port'] },
  { ...WHOLE, labels: ['collect_agg'] },
  { ...WHOLE, labels: ['src_ip', 'dst_ip', 'src_port', 'dst_port', 'protocol'], ports: 'service' },
  { ...WHOLE, labels: ['src_port', 'dst_port', 'interface', 'dscp', 'direction'], ports: 'service' },
  { ...WHOLE, labels: ['dst_port', 'protocol', 'traffic_type', 'vlan', 'host_ip'], ipv4PrefixLength: 9 },
  { ...WHOLE, labels: ['src_network', 'dst_network', 'traffic_type'], networks: NETWORKS },
  { ...WHOLE, labels: ['src_network', 'src_ip', 'dst_ip'], networks: NETWORKS, ports: 'none' },
];

const ADDRESSES = FLOWS.map(({ key }) => key.srcIp);
const network = fc
  .tuple(
    fc.constantFrom(...ADDRESSES),
    fc.nat(128),
    fc.constantFrom('rail-0', 'rail-1', 'tenant "a"', 'none'),
  )
  .map(([address, bits, name]) => [networkAround(address, address.includes(':') ? bits : bits % 33), name]);
const CHOICE: fc.Arbitrary<LabelSettings> = fc
  .record({
    labels: fc.subarray([...ALL_LABELS], { minLength: 1 }),
    ports: fc.constantFrom('all', 'service', 'none'),
    folding: fc.record({
      first: fc.integer({ min: 1, max: 45_000 }),
      last: fc.integer({ min: 45_000, max: 65_535 }),
      services: fc.subarray([443, 20_000, 50_051, 60_000]),
    }),
    ipv4PrefixLength: fc.nat(32),
    ipv6PrefixLength: fc.nat(128),
    networks: fc.array(network, { minLength: 1, maxLength: 12 }).map((pairs) => Object.fromEntries(pairs)),
  })
  .map((choice) => {
    const named = choice.labels.some((label) => label.endsWith('_network'));
    // A network longer than the bits that are kept is refused.
    return named ? { ...choice, ipv4PrefixLength: 32, ipv6PrefixLength: 128 } : { ...choice, networks: {} };
  });

kernelTest('flows by any labels are the sums of flows by all of them', async (t) => {
  const site = createSite(t, 'l');
  site.addVeth('va');
  const seed = Number(process.env['XTRACE_SEED'] ?? Date.now() % 2 ** 31);
  const random = fc.sample(CHOICE, { numRuns: RANDOM_CHOICES, seed });
  for (const settings of [...WRITTEN, ...random]) {
    const { labels, ports, folding, networks, ipv4PrefixLength, ipv6PrefixLength } = settings;
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '200'],
      settings: {
        networks,
        flows: {
          labels,
          ports,
          ephemeral_ports: `${folding.first}-${folding.last}`,
          service_ports: folding.services,
          ipv4_prefix_length: ipv4PrefixLength,
          ipv6_prefix_length: ipv6PrefixLength,
        },
      },
    });
    t.after(() => exporter.stop('SIGKILL'));
    const before = (await exporter.scrape()).sum('xtrace_interface_packets_total');
    await site.send('va', FRAMES, REPEAT);
    const entries: number[] = [];
    const shown = await exporter.scrapeUntil('all frames', (now) => {
      entries.push(mapEntries(now));
      return now.sum('xtrace_interface_packets_total') >= before + REPEAT * FRAMES.length;
    });
    const context = `${JSON.stringify(settings)} (XTRACE_SEED=${seed})`;
    assertSums(shown, context);
    const { expected, kernelKeys } = expectedOf(settings);
    assert.deepEqual(foundIn(shown, labels), expected, context);
    assert.ok(Math.max(...entries) <= kernelKeys, `${entries} entries for ${kernelKeys} keys: ${context}`);
    await exporter.stop();
  }
});

function mapEntries(shown: Exposition): number {
  return ['flows4', 'flows6'].reduce((sum, map) => sum + shown.sum('xtrace_kernel_map_entries', { map }), 0);
}

/** Over all labels, as traffic_type and interface may be left out. */
function assertSums(shown: Exposition, context: string): void {
  for (const unit of ['packets', 'bytes']) {
    const [total, ...parts] = [
      ...[`xtrace_interface_${unit}_total`, `xtrace_network_${unit}_total`, `xtrace_other_${unit}_total`],
      `xtrace_pending_${unit}`,
    ].map((name) => shown.sum(name));
    assert.equal(
      parts.reduce((sum, part) => sum + part, 0),
      total,
      `${unit}: ${context}`,
    );
  }
}

function expectedOf(settings: LabelSettings) {
  const expected = new Map<string, number>();
  const kernelKeys = new Set<string>();
  for (const { key, bytes } of FLOWS) {
    const { name, kernelKey } = shownFlow(key, FRAMING.ethernet, settings);
    expected.set(name, (expected.get(name) ?? 0) + REPEAT * bytes);
    kernelKeys.add(kernelKey);
  }
  // And the reasons of frames without a flow.
  return { expected, kernelKeys: kernelKeys.size + 40 };
}

function foundIn(shown: Exposition, labels: readonly string[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { labels: own, value } of shown.select('xtrace_network_bytes_total')) {
    assert.deepEqual([...own.keys()].sort(), [...labels].sort(), 'the labels asked for');
    const name = varyingLabels(labels)
      .map((label) => canonical(label, own.get(label) ?? ''))
      .join(' ');
    assert.ok(!found.has(name), `${name} twice`);
    found.set(name, value);
  }
  return found;
}

/** As the reference writes addresses. */
function canonical(label: string, value: string): string {
  return label.endsWith('_ip') ? formatAddress(parseAddress(value)) : value;
}
