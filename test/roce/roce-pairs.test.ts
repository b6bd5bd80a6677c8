// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PORT_BUCKETS, ROCE_CELL } from '../../src/abi/roce-records.js';
import { OTHER_PARTITIONS, PAIR_PARTITIONS_MAX, PAIR_TRAFFIC_MAX } from '../../src/roce/roce-pair.js';
import { createRocePairs, type RocePairs, type RocePairsOptions } from '../../src/roce/roce-pairs.js';
import { roceRowsOf, type StreamSpec } from '../support/roce/roce-rows.js';

function createPairs(change: Partial<RocePairsOptions> = {}): RocePairs {
  return createRocePairs(
    {
      maxPairs: 100,
      idleTimeoutMs: 3000,
      intervalMs: 1000,
      perQueuePair: false,
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
      hashSeed: 1,
      ...change,
    },
    { yieldToLoop: async () => undefined },
  );
}

test('RoCE v1 by mapped GID and v2 over IPv4 between the same hosts are one pair', async () => {
  const pairs = createPairs();
  await pairs.apply(roceRowsOf([{ version: 1 }, { version: 2 }]), [], 0);
  assert.equal(pairs.view.pairs.length, 1);
  assert.deepEqual(
    pairs.view.pairs[0]?.traffic.map(({ version }) => version),
    [1, 2],
  );
});

test('a place that an idle pair leaves is taken in the same refresh', async () => {
  const pairs = createPairs({ maxPairs: 1 });
  await pairs.apply(roceRowsOf([{ packets: 5, bytes: 500 }]), [], 0);
  await pairs.apply(roceRowsOf([{ src: [10, 9, 9, 9] }]), [], 3000);
  assert.deepEqual(
    pairs.view.others.map(({ reason, packets }) => [reason, packets]),
    [['max_pairs', 1]],
    'idle for exactly the timeout is not longer than it',
  );
  await pairs.apply(roceRowsOf([{ src: [10, 9, 9, 9] }]), [], 3001);
  assert.equal(pairs.view.pairs.length, 1);
  assert.equal(pairs.view.paths.length, 1);
  assert.equal(pairs.view.pairs[0]?.cells[0], 1);
  assert.deepEqual(
    pairs.view.others.map(({ reason, packets, bytes }) => [reason, packets, bytes]),
    [
      ['max_pairs', 1, 100],
      ['expired', 5, 500],
    ],
  );
});

test('an idle timeout below two intervals is two intervals', async () => {
  const pairs = createPairs({ idleTimeoutMs: 200 });
  await pairs.apply(roceRowsOf([{}]), [], 0);
  await pairs.apply(roceRowsOf([]), [], 2000);
  assert.equal(pairs.view.pairs.length, 1);
  await pairs.apply(roceRowsOf([]), [], 2001);
  assert.equal(pairs.view.pairs.length, 0);
});

test('gauges are those of the last interval, and count queue pairs that found no room', async () => {
  const pairs = createPairs({ maxPairs: 1, perQueuePair: true });
  const streams: StreamSpec[] = [
    { queuePair: 20, sourcePort: 50_000, bytes: 300 },
    { queuePair: 21, sourcePort: 50_000, bytes: 100 },
    { queuePair: 1, transport: 'ud', sourcePort: 50_001 },
    { queuePair: 22, transport: 'cnp', sourcePort: 50_002 },
  ];
  await pairs.apply(roceRowsOf(streams), [], 0);
  const [path] = pairs.view.paths;
  assert.deepEqual([path?.queuePairs, path?.sourcePorts, path?.busiestShare], [2, 1, 0.75]);
  await pairs.apply(roceRowsOf([]), [], 1000);
  assert.deepEqual([path?.queuePairs, path?.sourcePorts, path?.busiestShare], [0, 0, 0]);
});

test('the imbalance of source ports is the busiest over the mean, whatever their queue pairs', async () => {
  const pairs = createPairs({ maxPairs: 2, perQueuePair: false });
  const imbalance = async (...streams: StreamSpec[]) => {
    await pairs.apply(roceRowsOf(streams), [], 0);
    return pairs.view.paths[0]?.sourcePortImbalance;
  };
  const stream = (queuePair: number, sourcePort: number, bytes: number) => ({ queuePair, sourcePort, bytes });
  assert.equal(await imbalance(stream(20, 50_000, 100), stream(21, 50_001, 100)), 1);
  assert.equal(await imbalance(stream(20, 50_000, 300), stream(20, 50_001, 60), stream(21, 50_001, 40)), 1.5);
  assert.equal(await imbalance(stream(20, 50_000, 1), stream(20, 50_001, 0), stream(20, 50_002, 0)), 3);
  assert.equal(await imbalance(), 0, 'idle');
});

test('a queue pair that is sprayed has the ports of all its packets, and costs one stream', async () => {
  const pairs = createPairs({ maxPairs: 2, perQueuePair: false });
  const sprayed = async (portBytes: number) => {
    const cells = { [ROCE_CELL.strayedBytes]: 255 * 100 };
    const rows = roceRowsOf([{ queuePair: 20, sourcePort: 0xc005, bytes: 255 * 100 + portBytes, cells }]);
    const bytes = new Float64Array(PORT_BUCKETS).fill(100);
    bytes[5] = 0; // the stream's own, as the kernel leaves it out
    await pairs.apply({ ...rows, spreads: [{ key: rows.keys.slice(0, 10), bytes }] }, [], 0);
    return pairs.view.paths[0];
  };
  const even = await sprayed(100);
  assert.deepEqual([even?.sourcePorts, even?.sourcePortImbalance, even?.busiestPortShare], [256, 1, 1 / 256]);
  const uneven = await sprayed(25_500);
  assert.deepEqual(
    [uneven?.sourcePorts, uneven?.sourcePortImbalance, uneven?.busiestPortShare],
    [256, 128, 0.5],
  );
  await pairs.apply(roceRowsOf([]), [], 0);
  assert.deepEqual([uneven?.sourcePorts, uneven?.busiestPortShare], [0, 0], 'idle');
});

test('a path that ends while others take its place begins anew without the old spread', async () => {
  const pairs = createPairs({ maxPairs: 1, perQueuePair: true });
  await pairs.apply(roceRowsOf([{ queuePair: 20 }]), [], 0);
  await pairs.apply(roceRowsOf([{ queuePair: 21 }]), [], 5000);
  assert.deepEqual(
    pairs.view.pairs.map(({ queuePair }) => queuePair),
    [21],
  );
  assert.deepEqual(
    pairs.view.paths.map(({ queuePairs }) => queuePairs),
    [1],
  );
});

test('what one sender can make of a pair is bounded, and balances still', async () => {
  const pairs = createPairs();
  const streams: StreamSpec[] = [];
  for (let dscp = 0; dscp < 64; dscp++) {
    for (const transport of ['rc', 'uc', 'rd'] as const) streams.push({ dscp, transport });
  }
  await pairs.apply(roceRowsOf(streams), [], 0);
  assert.equal(pairs.view.pairs[0]?.traffic.length, PAIR_TRAFFIC_MAX);
  assert.deepEqual(
    pairs.view.others.map(({ reason, packets }) => [reason, packets]),
    [['max_pairs', streams.length - PAIR_TRAFFIC_MAX]],
  );

  const partitions = Array.from({ length: 40 }, (_, i): StreamSpec => ({ pkey: i + 1 }));
  await pairs.apply(roceRowsOf(partitions), [], 1000);
  const shown = pairs.view.pairs[0]?.partitions;
  assert.equal(shown?.size, PAIR_PARTITIONS_MAX + 1);
  assert.equal(shown?.get(OTHER_PARTITIONS), 40 - PAIR_PARTITIONS_MAX);
  await pairs.apply(roceRowsOf(partitions.slice(0, 1)), [], 2000);
  assert.equal(shown?.get(1), 2, 'a partition that is known is counted on');
});

test('a second call before the first is over is refused, and the first goes on', async () => {
  const pairs = createPairs();
  const first = pairs.apply(roceRowsOf([{}]), [], 0);
  await assert.rejects(pairs.apply(roceRowsOf([{}]), [], 0), /pending/);
  await first;
  await pairs.apply(roceRowsOf([{}]), [], 0);
  assert.equal(pairs.view.pairs[0]?.cells[0], 2);
});

test('16,384 streams are cut into many turns', async () => {
  let turns = 0;
  const pairs = createRocePairs(
    {
      maxPairs: 1000,
      idleTimeoutMs: 3000,
      intervalMs: 1000,
      perQueuePair: false,
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
      hashSeed: 1,
    },
    {
      yieldToLoop: async () => {
        turns++;
      },
    },
  );
  const streams = Array.from(
    { length: 16_384 },
    (_, i): StreamSpec => ({ src: [10, 0, (i % 1000) >> 8, (i % 1000) & 255], queuePair: i + 2 }),
  );
  await pairs.apply(roceRowsOf(streams), [], 0);
  assert.equal(pairs.view.pairs.length, 1000);
  assert.ok(turns > 100, `${turns} turns while all are new`);
  turns = 0;
  await pairs.apply(roceRowsOf(streams), [], 1000);
  assert.ok(turns > 30, `${turns} turns`);
});

test('beginning anew ends all pairs and forgets what was in none', async () => {
  const pairs = createPairs({ maxPairs: 1 });
  await pairs.apply(roceRowsOf([{ packets: 5, bytes: 500 }, { src: [10, 9, 9, 9] }]), [], 0);
  assert.ok(pairs.view.others.length > 0);
  await pairs.beginAnew();
  assert.deepEqual([pairs.view.pairs.length, pairs.view.paths.length, pairs.view.others.length], [0, 0, 0]);
  await pairs.apply(roceRowsOf([{ packets: 2, bytes: 200 }]), [], 1000);
  assert.deepEqual(
    pairs.view.pairs[0]?.traffic.map(({ packets, bytes }) => [packets, bytes]),
    [[2, 200]],
  );
});
