// SPDX-License-Identifier: Apache-2.0
// What -f, --exclude-dns and flows.* leave out or draw together: which series there are, that the rest
// is counted to the unit, and that traffic nobody asked for does not fill the kernel's maps.

import assert from 'node:assert/strict';
import { KIND } from '../../src/abi/kinds.js';
import type { Exporter } from '../support/exporter/exporter.js';
import { type ScrapeLoop, scrapeWhile } from '../support/exporter/scrape-loop.js';
import { scrapeAfterRefreshes, scrapeOfPackets, withExporter } from '../support/exporter/with-exporter.js';
import { formatAddress, parseAddress } from '../support/frames/addresses.js';
import { payloadOf, tcp, udp } from '../support/frames/frames.js';
import { everyHeader, mixedFlows, over, udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { sendFrames } from '../support/kernel/sender.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import { assertBalance } from '../support/oracle/balance.js';
import {
  differences,
  ExpectedCounts,
  type ExpectedOptions,
  readCounts,
} from '../support/oracle/expected-counts.js';
import type { ParsedFrame } from '../support/oracle/reference-parser.js';

const REPEAT = 3;
const MIX = [...everyHeader(), ...mixedFlows(1, 12)];

interface Case {
  readonly name: string;
  readonly args?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly expected: ExpectedOptions;
  /** Default: MIX. */
  readonly frames?: readonly Buffer[];
}

function ofKinds(...kinds: readonly number[]): ExpectedOptions {
  return { wanted: ({ kind }) => kinds.includes(kind) };
}

const FILTERS: readonly Case[] = Object.entries({
  all: {},
  tcp: ofKinds(KIND.tcp),
  udp: ofKinds(KIND.udp),
  roce: ofKinds(KIND.roceV1, KIND.roceV2, KIND.roceV2Udp),
  roce_v1: ofKinds(KIND.roceV1),
  roce_v2: ofKinds(KIND.roceV2, KIND.roceV2Udp),
  ib: ofKinds(), // an Ethernet link brings nothing from InfiniBand
}).map(([filter, expected]) => ({ name: `-f ${filter}`, args: ['-f', filter], expected }));

const RESOLVERS = [
  '223.5.5.5',
  '223.6.6.6',
  '114.114.114.114',
  '114.114.115.115',
  '8.8.8.8',
  '8.8.4.4',
  '1.1.1.1',
  '1.0.0.1',
];
const HOST = '192.0.2.10';
/** Questions, answers and other talk with each resolver, and with its neighbours, who are none. */
const DNS = RESOLVERS.flatMap((resolver, i) => {
  const neighbour = resolver.replace(/\d+$/, (last) => String(Number(last) ^ 0x40));
  return [
    over({ src: HOST, dst: resolver }, udp(40_000 + i, 53, payloadOf(30))),
    over({ src: resolver, dst: HOST }, udp(53, 40_000 + i, payloadOf(200))),
    over({ src: resolver, dst: HOST }, tcp(443, 50_000 + i, payloadOf(500))),
    over({ src: HOST, dst: neighbour }, udp(40_000 + i, 53, payloadOf(30))),
    over({ src: neighbour, dst: HOST }, tcp(443, 50_000 + i)),
  ];
});

function isResolvers({ srcIp, dstIp }: ParsedFrame): boolean {
  return RESOLVERS.includes(srcIp) || RESOLVERS.includes(dstIp);
}

const EXCLUSIONS: readonly Case[] = [
  {
    name: '--exclude-dns',
    args: ['--exclude-dns'],
    frames: [...MIX, ...DNS],
    expected: { wanted: (key) => !isResolvers(key) },
  },
  {
    name: '-f tcp --exclude-dns',
    args: ['-f', 'tcp', '--exclude-dns'],
    frames: [...MIX, ...DNS],
    expected: { wanted: (key) => key.kind === KIND.tcp && !isResolvers(key) },
  },
  {
    name: 'flows.include and flows.exclude',
    settings: {
      flows: { include: ['protocol tcp', 'protocol udp'], exclude: ['port 80', 'net 8.8.0.0/16'] },
    },
    frames: [...MIX, ...DNS],
    expected: {
      wanted: ({ protocol, srcPort, dstPort, srcIp, dstIp }) =>
        (protocol === 6 || protocol === 17) &&
        ![srcPort, dstPort].includes(80) &&
        ![srcIp, dstIp].some((address) => address.startsWith('8.8.')),
    },
  },
  {
    name: 'flows.exclude by interface',
    settings: { flows: { exclude: ['interface *'] } },
    expected: { wanted: () => false },
  },
];

/** An address with all but its leading bits zeroed, written apart from the code under test. */
function prefix(address: string, bits: number): string {
  const bytes = parseAddress(address);
  return formatAddress(bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i)))));
}

function withPrefixes(key: ParsedFrame, bits4: number, bits6: number): ParsedFrame {
  const bits = key.ipVersion === 4 ? bits4 : bits6;
  return { ...key, srcIp: prefix(key.srcIp, bits), dstIp: prefix(key.dstIp, bits) };
}

const AGGREGATES: readonly Case[] = [
  {
    name: 'flows.src_port=false',
    settings: { flows: { src_port: false } },
    expected: { shown: (key) => ({ ...key, srcPort: 0 }) },
  },
  {
    name: 'flows.src_port=false and dst_port=false',
    settings: { flows: { src_port: false, dst_port: false } },
    expected: { shown: (key) => ({ ...key, srcPort: 0, dstPort: 0 }) },
  },
  {
    name: 'flows.ipv4_prefix_length=30 and ipv6_prefix_length=126',
    settings: { flows: { ipv4_prefix_length: 30, ipv6_prefix_length: 126 } },
    expected: { shown: (key) => withPrefixes(key, 30, 126) },
  },
  {
    name: 'flows.ipv4_prefix_length=0 and ipv6_prefix_length=40',
    settings: { flows: { ipv4_prefix_length: 0, ipv6_prefix_length: 40 } },
    expected: { shown: (key) => withPrefixes(key, 0, 40) },
  },
  {
    name: 'flows.gauges=false',
    settings: { flows: { gauges: false } },
    expected: {},
  },
  {
    name: 'flows.vlan=true',
    settings: { flows: { vlan: true } },
    expected: { withVlan: true },
  },
];

/** Starts an exporter, runs the body on it, cleans up. */
async function onWire(
  suffix: string,
  { args = [], settings = {} }: Pick<Case, 'args' | 'settings'>,
  body: (wire: Wire, exporter: Exporter) => Promise<void>,
): Promise<void> {
  const wire = createWire(suffix, { mtu: 9000 });
  try {
    await withExporter(wire, { args, settings }, (exporter) => body(wire, exporter));
  } finally {
    wire.dispose();
  }
}

[...FILTERS, ...EXCLUSIONS, ...AGGREGATES].forEach((one, i) => {
  kernelTest(`${one.name}: exactly the series asked for, and the rest counted`, () =>
    onWire(`f${i}`, one, async (wire, exporter) => {
      const { frames = MIX } = one;
      const expected = new ExpectedCounts(one.expected);
      await sendFrames({
        prefix: wire.source.enter,
        interface: wire.sourceDevice(),
        frames,
        repeat: REPEAT,
      });
      expected.add(frames, REPEAT);
      const device = wire.sinkDevice();
      await scrapeOfPackets(exporter, device, expected.total.packets);
      const end = await scrapeAfterRefreshes(exporter, 1);
      assert.deepEqual(differences(expected, readCounts(end, device)), []);
      assertBalance(end);
    }),
  );
});

/** Sends 3,000 UDP flows and a few of TCP, and tells how full the kernel's maps became. */
async function fillMaps(suffix: string, filter: string): Promise<Record<string, number>> {
  const entries: Record<string, number> = {};
  const frames = [...udpFlows(1, 3000), ...[1, 2, 3].map((port) => over(ENDS, tcp(port, 80)))];
  const options = { args: ['-f', filter], settings: { kernel: { slots_per_cpu: 64 } } };
  await onWire(suffix, options, async (wire, exporter) => {
    const loop: ScrapeLoop = await scrapeWhile(exporter, async () => {
      await sendFrames({ prefix: wire.source.enter, interface: wire.sourceDevice(), frames, repeat: 10 });
      await scrapeOfPackets(exporter, wire.sinkDevice(), 10 * frames.length);
    });
    for (const map of ['flows4', 'flows6', 'slots4', 'slots6']) {
      entries[map] = loop.greatest('xtrace_kernel_map_entries', { map });
    }
  });
  return entries;
}

const ENDS = { src: '192.0.2.1', dst: '192.0.2.2' };

kernelTest('traffic that is not wanted takes one entry of a kernel map a kind, not one a flow', async () => {
  const all = await fillMaps('ma', 'all');
  // Of 3,000: as many as come between two drains, which hangs on the machine.
  assert.ok((all['flows4'] ?? 0) >= 100 && (all['flows6'] ?? 0) >= 100, `wanted: ${JSON.stringify(all)}`);
  const tcpOnly = await fillMaps('mt', 'tcp');
  // Three flows of TCP and the one entry of UDP, in a slot of each CPU and in the map, at most.
  for (const map of ['flows4', 'flows6', 'slots4', 'slots6']) {
    // On 2 CPUs, and where the sets in use have just become more or fewer, in two sets.
    assert.ok((tcpOnly[map] ?? Number.NaN) <= 4 * 2 * 2, `unwanted: ${JSON.stringify(tcpOnly)}`);
  }
});
