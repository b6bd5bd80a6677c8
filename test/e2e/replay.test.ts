// SPDX-License-Identifier: Apache-2.0
// Public captures, sent over a veth pair each with one exporter on all of them: flows, packets and
// bytes equal what tshark reads in the same frames. The captures are no part of the repository; see
// test/support/oracle/tshark-truth.ts.

import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import type { Exporter } from '../support/exporter/exporter.js';
import { scrapeAfterRefreshes, scrapeOfPackets, withExporter } from '../support/exporter/with-exporter.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { sendFrames } from '../support/kernel/sender.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import { assertBalance } from '../support/oracle/balance.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';
import {
  findCaptureFolder,
  flowName,
  NO_CAPTURES,
  readCapture,
  readCaptureNames,
  readTruth,
  type Sum,
  type Truth,
} from '../support/oracle/tshark-truth.js';

/** The longest frame of a capture has 37,506 bytes. */
const MTU = 65_535;
const SENDERS = 2;

const folder = findCaptureFolder();
if (folder === undefined) {
  process.stderr.write(`${NO_CAPTURES}\n`);
  test('captures replayed over veth', { skip: NO_CAPTURES }, () => undefined);
} else {
  const names = readCaptureNames(folder);
  kernelTest(`native: ${names.length} captures replayed over veth equal tshark's reading`, () =>
    replay(folder, names, 'native'),
  );
  // Every fifth, and those that are special on the way through the stack: tags, jumbo frames, odd lengths.
  const some = names.filter(
    (name, i) => i % 5 === 0 || /^(vlan|qinq|jumbo|fuzz|rocev2_nccl|mixed)__/.test(name),
  );
  kernelTest(`generic: ${some.length} captures replayed over veth equal tshark's reading`, () =>
    replay(folder, some, 'generic'),
  );
}

async function replay(from: string, names: readonly string[], mode: 'native' | 'generic'): Promise<void> {
  assert.ok(names.length > 0, 'the index names no capture');
  const wire = createWire(`rp${mode[0]}`, { mtu: MTU, pairs: names.length });
  try {
    const interfaces = names.map((_, pair) => wire.sinkDevice(pair));
    await withExporter(wire, { interfaces, args: ['--attach-mode', mode] }, async (exporter) => {
      await sendAll(wire, from, names);
      await compareAll(wire, exporter, from, names);
    });
  } finally {
    wire.dispose();
  }
}

/** A capture to a pair, as many at a time as there are senders. */
async function sendAll(wire: Wire, from: string, names: readonly string[]): Promise<void> {
  const rest = [...names.entries()];
  const sendRest = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      const [pair, name] = next;
      const frames = readCapture(from, name).map(({ bytes }) => bytes);
      await sendFrames({ prefix: wire.source.enter, interface: wire.sourceDevice(pair), frames });
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sendRest));
}

async function compareAll(
  wire: Wire,
  exporter: Exporter,
  from: string,
  names: readonly string[],
): Promise<void> {
  for (const [pair, name] of names.entries()) {
    await scrapeOfPackets(exporter, wire.sinkDevice(pair), readTruth(from, name).total.packets);
  }
  const end = await scrapeAfterRefreshes(exporter, 2);
  assertBalance(end);
  for (const [pair, name] of names.entries()) {
    assert.deepEqual(readShown(end, wire.sinkDevice(pair)), plain(readTruth(from, name)), name);
  }
}

/** Flows without anything left in them are none; order is of no consequence. */
function plain({ total, flows, withoutFlow }: Truth): object {
  const some = [...flows].filter(([, { packets }]) => packets > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return { total, withoutFlow, flows: Object.fromEntries(some) };
}

/** What the exporter shows of an interface, in tshark's terms. */
function readShown(exposition: Exposition, device: string): object {
  const sumOf = (stem: string, labels: Readonly<Record<string, string>> = {}): Sum => ({
    packets: exposition.sum(`xtrace_${stem}_packets_total`, { interface: device, ...labels }),
    bytes: exposition.sum(`xtrace_${stem}_bytes_total`, { interface: device, ...labels }),
  });
  const flows = new Map<string, { packets: number; bytes: number }>();
  for (const unit of ['packets', 'bytes'] as const) {
    for (const { labels, value } of exposition.select(`xtrace_network_${unit}_total`, {
      interface: device,
    })) {
      const [src, dst, sport, dport, protocol] = ['src_ip', 'dst_ip', 'src_port', 'dst_port', 'protocol'].map(
        (label) => labels.get(label) ?? '',
      ) as [string, string, string, string, string];
      // On the wire RoCE v2 is UDP, and so it is to tshark.
      const wireProtocol = labels.get('traffic_type') === 'RoCE_v2' ? 17 : Number(protocol);
      const flow = flowName(src, dst, wireProtocol, Number(sport), Number(dport));
      const sum = flows.get(flow) ?? { packets: 0, bytes: 0 };
      flows.set(flow, { ...sum, [unit]: sum[unit] + value });
    }
  }
  return plain({ total: sumOf('interface'), withoutFlow: sumOf('other'), flows });
}
