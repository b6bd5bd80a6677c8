// SPDX-License-Identifier: Apache-2.0
// No answer to a scrape has more bytes than is estimated, and the estimate never exceeds the budget, whatever
// comes: flows and RoCE pairs of any shape, a host_ip that grows. The books balance after each step.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { ROCE_CELL, ROCE_TRANSPORT } from '../../src/abi/roce-records.js';
import { FLOW_LABELS } from '../../src/metrics/flow-label-fields.js';
import { BudgetBench } from '../support/exposition/budget-bench.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import type { TestRow } from '../support/flows/rows.js';
import type { StreamSpec } from '../support/roce/roce-rows.js';

const TRANSPORTS = Object.keys(ROCE_TRANSPORT) as (keyof typeof ROCE_TRANSPORT)[];
const LONG_IP = [
  0x20, 0x01, 0xdb, 0x80, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x66, 0x66,
];

/** Flow number i of a net has always the same key; every third has the longest labels there are. */
function flowOf(net: number, i: number, bytes: number): TestRow {
  const longest = { vlan: 4095, qp: 0xffffff, dscp: 63, srcNetwork: 65_535, dstNetwork: 65_535 };
  const common = {
    ...(i % 2 === 0 ? longest : {}),
    srcPort: 50_000 + (i % 15_000),
    dstPort: 65_535 - net,
    packets: 1 + (bytes % 7),
    bytes,
  };
  if (i % 3 !== 0) return { ...common, kind: KIND.tcp, protocol: 6, src: [10, net, i >> 8, i & 0xff] };
  const src = [...LONG_IP.slice(0, 13), 0x10 + net, 0x10 | (i >> 8), i & 0xff];
  return { ...common, kind: KIND.roceV2Udp, protocol: 17, ipVersion: 6, src, dst: LONG_IP };
}

const flows = fc
  .record({
    net: fc.nat(3),
    count: fc.oneof(fc.nat(5), fc.nat(700)),
    seed: fc.nat(),
    most: fc.constantFrom(10, 5000, 2 ** 40),
  })
  .map(({ net, count, seed, most }) =>
    Array.from({ length: count }, (_, i) =>
      flowOf(net, i, 1 + ((Math.imul(seed + i, 0x9e3779b1) >>> 0) % most)),
    ),
  );
const stream: fc.Arbitrary<StreamSpec> = fc.record({
  src: fc.oneof(
    fc.nat(40).map((i) => [10, 9, 0, i]),
    fc.nat(40).map((i) => [...LONG_IP.slice(0, 15), 0x80 + i]),
  ),
  dst: fc.constantFrom([10, 9, 1, 2], LONG_IP),
  interfaceId: fc.nat(1),
  queuePair: fc.nat(3),
  pkey: fc.oneof(fc.constant(0xffff), fc.nat(0xffff)),
  version: fc.constantFrom(1 as const, 2 as const),
  transport: fc.constantFrom(...TRANSPORTS),
  dscp: fc.nat(63),
  detail: fc.integer({ min: 1, max: 3 }),
  packets: fc.nat(2 ** 30),
  bytes: fc.nat(2 ** 40),
  cells: fc.dictionary(fc.integer({ min: 2, max: 62 }).map(String), fc.oneof(fc.nat(9), fc.nat(2 ** 40)), {
    maxKeys: 8,
  }),
});
const refreshes = fc.array(
  fc.record({
    flows,
    streams: fc.array(stream, { maxLength: 60, size: 'max' }),
    hostIp: fc.option(fc.constantFrom('1.1.1.1', '2001:db80:1111:2222:3333:4444:5555:6666'), { freq: 4 }),
  }),
  { minLength: 1, maxLength: 8 },
);

test('rendered bytes <= estimate <= budget, and the books balance', async () => {
  await fc.assert(
    fc.asyncProperty(
      refreshes,
      fc.record({
        limitBytes: fc.constantFrom(1 << 20, 1_200_000),
        gauges: fc.boolean(),
        openmetricsCreated: fc.boolean(),
        perQueuePair: fc.boolean(),
        maxSeries: fc.constantFrom(50, 1_000_000),
        maxPairs: fc.constantFrom(3, 100_000),
        labels: fc.constantFrom(FLOW_LABELS, ['src_ip'], ['interface', 'protocol']),
        // Quotes take two bytes in text, one in protobuf.
        networkName: fc.constantFrom(
          undefined,
          '',
          'r1',
          'x'.repeat(100),
          '"'.repeat(100),
          '\u00e9'.repeat(50),
        ),
      }),
      async (sequence, options) => {
        const bench = new BudgetBench(options);
        for (const { flows: rows, streams, hostIp } of sequence) {
          if (hostIp !== null) await bench.beginAnew(hostIp);
          await bench.refresh(rows, streams);
          await bench.assertBounded();
        }
      },
    ),
    { numRuns: 25, endOnFailure: true },
  );
});

test('whatever labels flows have, they and pairs take no more than is accounted for', async () => {
  for (const labels of [FLOW_LABELS, ['src_ip'], ['interface', 'protocol'], ['protocol']]) {
    for (const networkName of [undefined, '', 'r', 'x'.repeat(100), '"'.repeat(100), '\u00e9'.repeat(50)]) {
      for (const gauges of [false, true]) {
        for (const perQueuePair of [false, true]) {
          const bench = new BudgetBench({ limitBytes: 1 << 20, labels, networkName, gauges, perQueuePair });
          const rows = Array.from({ length: 60 }, (_, i) => flowOf(1, i, 1 + i));
          const streams = TRANSPORTS.map(
            (transport): StreamSpec => ({ transport, cells: { [ROCE_CELL.writes]: 1 } }),
          );
          // Each alone: what one has to spare must not hide what the other lacks.
          await bench.refresh(rows);
          await bench.assertBounded();
          const ofPairs = new BudgetBench({ limitBytes: 1 << 20, perQueuePair });
          await ofPairs.refresh([], streams);
          await ofPairs.assertBounded();
        }
      }
    }
  }
});

test('a pair cannot grow past the half that pairs may take, whatever its sender makes up', async () => {
  const bench = new BudgetBench({ limitBytes: 500_000 });
  for (let round = 0; round < 4; round++) {
    const streams = Array.from({ length: 4000 }, (_, i): StreamSpec => {
      const transport = TRANSPORTS[i % 7] ?? 'rc';
      return {
        src: [10, 0, 0, i % 30],
        transport,
        dscp: (i >> 3) % 64,
        pkey: i,
        cells: { [ROCE_CELL.reads]: 1 },
      };
    });
    await bench.refresh(
      Array.from({ length: 500 }, (_, i) => flowOf(0, i, 1000)),
      streams,
    );
    await bench.assertBounded();
    assert.ok(bench.bound.has('max_exposition_bytes'));
    const { pairs, others } = bench.pairs.view;
    const packets = [...pairs.flatMap(({ traffic }) => traffic), ...others].reduce(
      (sum, one) => sum + one.packets,
      0,
    );
    assert.equal(packets, 4000 * (round + 1), 'packets of pairs and of others');
  }
  assert.ok(
    bench.budget.pairBytes < 250_000 && bench.budget.pairBytes > 200_000,
    `${bench.budget.pairBytes}`,
  );
});

test('pairs that come end the smallest flow series in the same refresh, and only as many as needed', async () => {
  const bench = new BudgetBench({ limitBytes: 500_000 });
  const rows = Array.from({ length: 1000 }, (_, i) => flowOf(0, i, 1000 + i));
  await bench.refresh(rows);
  const before = bench.accounts.series.count;
  assert.ok(before < 1000 && bench.bound.has('max_exposition_bytes'), `${before} series`);
  const streams = Array.from({ length: 10 }, (_, i): StreamSpec => ({ src: [10, 0, 0, i] }));
  await bench.refresh(rows, streams);
  const { count } = bench.accounts.series;
  assert.equal(bench.pairs.view.pairs.length, 10);
  assert.ok(count < before && count > before - 150, `${count} of ${before} series are left`);
  assert.ok(
    bench.budget.limitBytes - bench.budget.estimatedBytes < 1500,
    'no more than one series goes unused',
  );
  await bench.assertBounded();
});

test('a rest that passes half of the limit ends the smallest pairs, and nothing is lost', async () => {
  const limitBytes = 1 << 20;
  const bench = new BudgetBench({ limitBytes });
  const streams = Array.from(
    { length: 200 },
    (_, i): StreamSpec => ({
      src: [10, 0, 1, i],
      packets: 10,
      bytes: 1000 + i,
      cells: { [ROCE_CELL.writes]: 1 },
    }),
  );
  const flowRows = Array.from({ length: 1500 }, (_, i) => flowOf(0, i, 1000));
  await bench.refresh(flowRows, streams);
  const before = bench.pairs.view.pairs.length;
  assert.ok(bench.budget.pairBytes > 0.45 * limitBytes, `${bench.budget.pairBytes} bytes of pairs`);

  bench.budget.noteAnswer(1_200_000, 700_000);
  const [pairs, series] = await bench.fit();
  const { view } = bench.pairs;
  assert.ok(pairs > 0 && series > 0 && view.pairs.length === before - pairs && view.pairs.length > 0);
  assert.ok(bench.budget.estimatedBytes <= limitBytes, `${bench.budget.estimatedBytes} bytes`);
  assert.ok(bench.budget.pairFreeBytes < 20_000, 'no more end than need to');
  const bytesOf = ({ cells }: { readonly cells: Float64Array }): number => cells[ROCE_CELL.bytes] ?? 0;
  assert.ok(Math.min(...view.pairs.map(bytesOf)) >= 1000 + pairs, 'the largest are left');
  const shown = [...view.pairs.flatMap(({ traffic }) => traffic), ...view.others];
  assert.equal(
    shown.reduce((sum, one) => sum + one.packets, 0),
    2000,
  );
  assert.equal(
    view.others.every(({ reason }) => reason === 'max_pairs'),
    true,
  );
  assert.deepEqual([...bench.budget.bound.take()], ['max_exposition_bytes']);
  assertBalanced(bench.accounts);
  assert.deepEqual(await bench.fit(), [0, 0]);

  bench.budget.noteAnswer(2 * limitBytes, limitBytes);
  await bench.fit();
  assert.deepEqual([view.pairs.length, bench.accounts.series.count], [0, 0], 'the rest alone is too large');
  assertBalanced(bench.accounts);
});

test('for typical traffic the estimate is within 15 % of what is rendered', async (t) => {
  for (const limitBytes of [2_000_000, 16_000_000]) {
    for (const openmetricsCreated of [false, true]) {
      const bench = new BudgetBench({ limitBytes, openmetricsCreated });
      const flowsOf = (refresh: number) =>
        Array.from({ length: 25_000 }, (_, i): TestRow => {
          const bytes = 60 + ((Math.imul(i + refresh, 0x9e3779b1) >>> 0) % 1_000_000);
          const src = [10, i >> 16, i >> 8, i & 0xff];
          return {
            kind: KIND.tcp,
            protocol: 6,
            src,
            dst: [192, 168, 7, 9],
            srcPort: i,
            dstPort: 443,
            packets: 1 + (i % 90),
            bytes,
          };
        });
      const streams = Array.from({ length: limitBytes / 40_000 }, (_, i): StreamSpec => {
        const cells = {
          [ROCE_CELL.sends]: 10,
          [ROCE_CELL.writes]: 99_000,
          [ROCE_CELL.ecn + 2]: 1_000_000,
          [ROCE_CELL.acks]: 5000,
        };
        return { src: [10, 1, i >> 8, i & 0xff], dscp: 26, packets: 1_000_000, bytes: 1_048_576_000, cells };
      });
      for (const refresh of [0, 1, 2]) await bench.refresh(flowsOf(refresh), streams);
      const ratio = await bench.assertBounded();
      const { pairBytes, estimatedBytes } = bench.budget;
      t.diagnostic(
        `limit ${limitBytes}, created ${openmetricsCreated}: ${bench.accounts.series.count} flows, ` +
          `${bench.pairs.view.pairs.length} pairs (${((100 * pairBytes) / estimatedBytes).toFixed(0)} %): estimate / real ${ratio.toFixed(3)}`,
      );
      assert.ok(ratio <= (limitBytes > 10_000_000 ? 1.15 : 1.2), `${ratio}`);
    }
  }
});
