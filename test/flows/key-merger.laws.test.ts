// SPDX-License-Identifier: Apache-2.0
// Flows by any labels are the sums of flows by all: whatever labels leave out, no two series show the same,
// each shows the sum of what belongs to it, and the books balance, also where a part fails half-way.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND, trafficType } from '../../src/abi/kinds.js';
import { type AddressNetworks, createKeyMerger, type ShownFields } from '../../src/flows/key-merger.js';
import type { BookRow } from '../../src/flows/views.js';
import { createFlowLabelRenderer } from '../../src/metrics/flow-labels.js';
import { create, START_MS } from '../support/flows/accounts-fixture.js';
import { drainOf, type TestRow } from '../support/flows/rows.js';

const NAMES = ['none', 'rail-1', 'rail-2', 'tenant'];
/** By the last byte of the address, in either version. */
const NETWORKS: AddressNetworks = {
  numberOf4: (word) => (word >>> 24) % 4,
  numberOf6: (words, at) => ((words[at + 3] ?? 0) >>> 24) % 4,
};
const networkOf = (address: readonly number[] = []): string => NAMES[(address.at(-1) ?? 0) % 4] ?? '';

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0] as const;
const GLOBAL = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] as const;
const byte = fc.nat(5);
const ipv4 = byte.map((last) => [10, 0, 0, last]);
const mapped = byte.map((last) => [...MAPPED, last]);
const global = byte.map((last) => [...GLOBAL, last]);
const ipv6 = fc.oneof(mapped, global);

const KINDS4 = [KIND.tcp, KIND.udp, KIND.roceV2, KIND.roceV2Udp, KIND.other];
const rest = {
  interfaceId: fc.nat(2),
  protocol: fc.constantFrom(6, 17, 254),
  packets: fc.nat(3),
  bytes: fc.nat(1000),
};
const ROW: fc.Arbitrary<TestRow> = fc.oneof(
  fc.record({ src: ipv4, dst: ipv4, kind: fc.constantFrom(...KINDS4), ...rest }),
  fc.record({
    src: ipv6,
    dst: ipv6,
    kind: fc.constantFrom(...KINDS4, KIND.infiniband),
    ipVersion: fc.constant(6 as const),
    ...rest,
  }),
  // GIDs map IPv4 addresses on either side, or on neither.
  fc
    .tuple(fc.oneof(fc.tuple(mapped, mapped), fc.tuple(global, global)), fc.record(rest))
    .map(([[src, dst], more]) => ({ ...more, src, dst, kind: KIND.roceV1, ipVersion: 6 as const })),
);
const SHOWN: fc.Arbitrary<ShownFields> = fc.record({
  srcIp: fc.boolean(),
  dstIp: fc.boolean(),
  protocol: fc.boolean(),
  trafficType: fc.boolean(),
  interface: fc.boolean(),
  srcNetwork: fc.boolean(),
  dstNetwork: fc.boolean(),
});

/** Of what the kernel would have masked already: addresses that neither a label nor a network needs. */
function masked(row: TestRow, shown: ShownFields): TestRow {
  const { src, dst, ...others } = row;
  const isSrc = src !== undefined && (shown.srcIp || shown.srcNetwork);
  const isDst = dst !== undefined && (shown.dstIp || shown.dstNetwork);
  return { ...others, ...(isSrc ? { src } : {}), ...(isDst ? { dst } : {}) };
}

function addressText(row: TestRow, address: readonly number[] = []): string {
  const bytes = row.kind === KIND.roceV1 && address[10] === 0xff ? address.slice(12) : address;
  return bytes.join('.');
}

function groupOf(row: TestRow, shown: ShownFields): string {
  const parts: readonly (readonly [boolean, string])[] = [
    [shown.srcIp, addressText(row, row.src)],
    [shown.dstIp, addressText(row, row.dst)],
    [shown.protocol, String(row.protocol)],
    [shown.trafficType, trafficType(row.kind).label],
    [shown.interface, `if${row.interfaceId}`],
    [shown.srcNetwork, networkOf(row.src)],
    [shown.dstNetwork, networkOf(row.dst)],
  ];
  return parts.map(([isShown, text]) => (isShown ? text : '-')).join(' ');
}

function rendererOf(shown: ShownFields) {
  const names = { srcIp: 'src_ip', dstIp: 'dst_ip', protocol: 'protocol' };
  const labels = Object.entries(names).filter(([field]) => shown[field as keyof typeof names]);
  return createFlowLabelRenderer({
    interfaceName: (id) => `if${id}`,
    hostIp: '',
    collectAgg: 'x',
    vlan: false,
    queuePair: false,
    networks: { src: shown.srcNetwork, dst: shown.dstNetwork, nameOf: (number) => NAMES[number] ?? '' },
    labels: [
      ...labels.map(([, name]) => name),
      ...(shown.trafficType ? ['traffic_type'] : []),
      ...(shown.interface ? ['interface'] : []),
    ],
  });
}

const total = (rows: readonly BookRow[], unit: 'packets' | 'bytes') =>
  rows.reduce((sum, row) => sum + row[unit], 0);

test('series by any labels are the sums of rows that show the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      SHOWN,
      fc.array(fc.array(ROW, { maxLength: 30 }), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(20)),
      async (shown, drains, failAt) => {
        const { render, maxLabelBytes } = rendererOf(shown);
        let calls = 0;
        const accounts = create(
          { maxSeries: 1000, maxLabelBytes },
          {
            mergeKey: createKeyMerger(shown, { current: NETWORKS }),
            renderLabels(keys, wordOffset, out, outOffset) {
              if (calls++ === failAt) throw new Error('no memory');
              return render(keys, wordOffset, out, outOffset);
            },
          },
        );
        const expected = new Map<string, number>();
        let failed = false;
        for (const [i, rows] of drains.entries()) {
          const own = rows.map((row) => masked(row, shown));
          try {
            await accounts.apply(drainOf(own), [], START_MS + i);
          } catch {
            failed = true;
          }
          for (const row of rows) {
            if (row.packets === 0 && row.bytes === 0) continue;
            const group = groupOf(row, shown);
            expected.set(group, (expected.get(group) ?? 0) + (row.bytes ?? 0));
          }
        }
        const { series, books } = accounts;
        const texts = new Set<string>();
        const values: number[] = [];
        let packets = 0;
        for (const s of series.inUse.subarray(0, series.count)) {
          const start = series.labelOffset[s] ?? 0;
          texts.add(
            Buffer.from(series.labelBytes.subarray(start, start + (series.labelLength[s] ?? 0))).toString(),
          );
          values.push(series.totalBytes[s] ?? Number.NaN);
          packets += series.totalPackets[s] ?? Number.NaN;
        }
        assert.equal(texts.size, series.count, 'no two series show the same');
        const bytes = values.reduce((sum, value) => sum + value, 0);
        assert.equal(bytes + total(books.others, 'bytes'), total(books.interfaces, 'bytes'), 'bytes balance');
        assert.equal(packets + total(books.others, 'packets'), total(books.interfaces, 'packets'));
        if (failed) return;
        const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b);
        assert.deepEqual(sorted(values), sorted(expected.values()));
        assert.equal(total(books.others, 'packets'), 0);
        for (const { interfaceId, kind } of books.interfaces) {
          assert.ok(interfaceId <= 2 && kind <= KIND.other, 'interfaces are never merged');
        }
      },
    ),
    { numRuns: 1500 },
  );
});

test('where labels show all that the kernel tells apart, keys stay as they are', () => {
  const all = { srcIp: true, dstIp: false, protocol: true, trafficType: true, interface: true };
  assert.equal(createKeyMerger({ ...all, srcNetwork: false, dstNetwork: false }), undefined);
  assert.notEqual(createKeyMerger({ ...all, srcNetwork: true, dstNetwork: false }), undefined);
});
