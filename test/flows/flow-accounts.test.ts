// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND } from '../../src/abi/kinds.js';
import { create, flow, holders, other, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf, renderTestLabels, type TestRow } from '../support/flows/rows.js';

test('before the first refresh there is nothing', () => {
  const { series, books } = create();
  assert.equal(series.count, 0);
  assert.deepEqual([...books.interfaces, ...books.others, ...books.frameReasons], []);
});

test('rows of one flow are merged, for a newcomer and for a holder', async () => {
  const accounts = create();
  const rows = drainOf([flow(1, 100, 1), flow(2, 7), flow(1, 200, 2), flow(1, 300, 3)]);
  for (const refresh of [1, 2]) {
    const summary = await accounts.apply(rows, [], START_MS + 1000 * refresh);
    assert.equal(summary.rows, 4);
    assert.equal(summary.flows, 2);
    assert.equal(summary.newcomers, refresh === 1 ? 2 : 0);
    const { series } = accounts;
    const row = [...series.inUse.subarray(0, 2)].find((slot) => series.intervalBytes[slot] === 600) ?? -1;
    assert.equal(series.intervalPackets[row], 6);
    assert.equal(series.totalPackets[row], 6 * refresh);
    assert.equal(series.totalBytes[row], 600 * refresh);
  }
});

test('merged rows rank by their sum', async () => {
  const accounts = create({ maxSeries: 1 });
  await accounts.apply(drainOf([flow(1, 60), flow(2, 100), flow(1, 60)]), [], START_MS);
  assert.deepEqual(holders(accounts, 1, 2), [1]);
});

test('an idle holder shows 0 for the interval and keeps its totals', async () => {
  const accounts = create();
  await accounts.apply(drainOf([flow(1, 100)]), [], START_MS);
  await accounts.apply(drainOf([]), [], START_MS + 1000);
  const slot = accounts.series.inUse[0] ?? -1;
  assert.equal(accounts.series.intervalBytes[slot], 0);
  assert.equal(accounts.series.totalBytes[slot], 100);
});

test('a series begins where the interval began that brought it', async () => {
  const accounts = create();
  await accounts.apply(drainOf([flow(1, 1)]), [], START_MS);
  assert.equal(accounts.series.startedMs[accounts.series.inUse[0] ?? -1], START_MS - 1000);
  await accounts.apply(drainOf([flow(2, 1)]), [], START_MS + 1234);
  assert.equal(accounts.series.startedMs[accounts.series.inUse[1] ?? -1], START_MS);
  // The clock went back: a series does not begin in the future.
  await accounts.apply(drainOf([flow(3, 1)]), [], START_MS - 50_000);
  assert.equal(accounts.series.startedMs[accounts.series.inUse[2] ?? -1], START_MS - 50_000);
});

test('with more newcomers than room the biggest get the series', async () => {
  const accounts = create({ maxSeries: 3 });
  const rows = [5, 90, 20, 70, 80, 10].map((bytes, i) => flow(i, bytes));
  const summary = await accounts.apply(drainOf(rows), [], START_MS);
  assert.deepEqual(holders(accounts, 0, 1, 2, 3, 4, 5), [1, 3, 4]);
  assert.equal(summary.admitted, 3);
  assert.deepEqual(other(accounts, 'max_series'), { packets: 3, bytes: 35 });
});

test('without a budget everything is in other, and nothing is lost', async () => {
  const accounts = create({ maxSeries: 0 });
  const summary = await accounts.apply(drainOf([flow(1, 10), flow(2, 20), flow(1, 5)]), [], START_MS);
  assert.equal(summary.series, 0);
  assert.equal(summary.flows, 2);
  assert.deepEqual(other(accounts, 'max_series'), { packets: 3, bytes: 35 });
});

test('a series expires when idle for longer than the timeout, not before', async () => {
  const accounts = create();
  await accounts.apply(drainOf([flow(1, 100, 4)]), [], START_MS);
  const atLimit = await accounts.apply(drainOf([]), [], START_MS + 5000);
  assert.equal(atLimit.series, 1);
  const beyond = await accounts.apply(drainOf([]), [], START_MS + 5001);
  assert.deepEqual(beyond.ended, { expired: 1, max_series: 0, reloaded: 0 });
  assert.equal(beyond.series, 0);
  assert.deepEqual(other(accounts, 'expired'), { packets: 4, bytes: 100 });
});

test('a timeout shorter than two intervals counts as two intervals', async () => {
  const accounts = create({ idleTimeoutMs: 10 });
  await accounts.apply(drainOf([flow(1, 100)]), [], START_MS);
  assert.equal((await accounts.apply(drainOf([]), [], START_MS + 1000)).series, 1);
  assert.equal((await accounts.apply(drainOf([]), [], START_MS + 2000)).series, 1);
  assert.equal((await accounts.apply(drainOf([]), [], START_MS + 2001)).series, 0);
});

test('a flow that returns after expiry begins a new series at what it brings then', async () => {
  const accounts = create();
  await accounts.apply(drainOf([flow(1, 100)]), [], START_MS);
  await accounts.apply(drainOf([]), [], START_MS + 9000);
  await accounts.apply(drainOf([flow(1, 7)]), [], START_MS + 10_000);
  const slot = accounts.series.inUse[0] ?? -1;
  assert.equal(accounts.series.totalBytes[slot], 7);
  assert.equal(accounts.series.startedMs[slot], START_MS + 9000);
  assertBalanced(accounts);
});

test('a clock that goes back neither ends series nor keeps them for longer', async () => {
  const accounts = create();
  await accounts.apply(drainOf([flow(1, 100)]), [], START_MS);
  assert.equal((await accounts.apply(drainOf([]), [], START_MS - 3_600_000)).series, 1);
  assert.equal((await accounts.apply(drainOf([]), [], START_MS - 3_600_000 + 5001)).series, 0);
});

test('an expired series makes room in the same refresh', async () => {
  const accounts = create({ maxSeries: 1 });
  await accounts.apply(drainOf([flow(1, 100)]), [], START_MS);
  const summary = await accounts.apply(drainOf([flow(2, 1)]), [], START_MS + 6000);
  assert.deepEqual(holders(accounts, 1, 2), [2]);
  assert.deepEqual(summary.ended, { expired: 1, max_series: 0, reloaded: 0 });
});

test('labels of expired series give their memory back', async () => {
  const accounts = create({ maxSeries: 5000 });
  const rows = Array.from({ length: 5000 }, (_, i) => flow(i, 1));
  await accounts.apply(drainOf(rows), [], START_MS);
  const fullBytes = accounts.series.labelBytes.length;
  await accounts.apply(drainOf(rows.slice(0, 1000)), [], START_MS + 9000);
  assert.equal(accounts.series.count, 1000);
  const leftBytes = accounts.series.labelBytes.length;
  assert.ok(3 * leftBytes < fullBytes, `${leftBytes} of ${fullBytes} bytes`);
});

test('frames without a flow are booked by kind and by reason, under every filter', async () => {
  const accounts = create({}, { keep: () => false });
  const frames: TestRow[] = [
    { kind: KIND.nonIp, protocol: 2, interfaceId: 3, packets: 2, bytes: 84 },
    { kind: KIND.nonIp, protocol: 2, interfaceId: 3, packets: 1, bytes: 42 },
    { kind: KIND.malformed, protocol: 17, interfaceId: 4, packets: 5, bytes: 70 },
  ];
  const summary = await accounts.apply(drainOf(frames), [], START_MS);
  assert.equal(summary.flows, 0);
  const { interfaces, others, frameReasons } = accounts.books;
  assert.deepEqual(
    { interfaces, others, frameReasons },
    {
      interfaces: [
        { interfaceId: 3, kind: KIND.nonIp, packets: 3, bytes: 126 },
        { interfaceId: 4, kind: KIND.malformed, packets: 5, bytes: 70 },
      ],
      others: [
        { interfaceId: 3, kind: KIND.nonIp, reason: 'non_ip', packets: 3, bytes: 126 },
        { interfaceId: 4, kind: KIND.malformed, reason: 'malformed', packets: 5, bytes: 70 },
      ],
      frameReasons: [
        { interfaceId: 3, reason: 2, packets: 3, bytes: 126 },
        { interfaceId: 4, reason: 17, packets: 5, bytes: 70 },
      ],
    },
  );
});

test('flows that the kernel map could not take are booked as map_full, under every filter', async () => {
  const accounts = create({}, { keep: () => false });
  const overflow = [KIND.tcp, KIND.other].map((kind) => ({
    interfaceId: 2,
    kind,
    frameReason: 0,
    packets: kind,
    bytes: 10 * kind,
  }));
  await accounts.apply(
    drainOf([]),
    [...overflow, { interfaceId: 9, kind: 1, frameReason: 0, packets: 0, bytes: 0 }],
    START_MS,
  );
  const sum = KIND.tcp + KIND.other;
  assert.deepEqual(other(accounts, 'map_full'), { packets: sum, bytes: 10 * sum });
  assert.equal(accounts.books.interfaces.length, 2, 'no row without a packet');
  assert.deepEqual(accounts.books.frameReasons, []);
  assertBalanced(accounts);
});

test('frames without a flow keep their reason when the kernel map was full', async () => {
  const accounts = create();
  await accounts.apply(
    drainOf([{ kind: KIND.nonIp, protocol: 2, interfaceId: 3, packets: 1, bytes: 42 }]),
    [
      { interfaceId: 3, kind: KIND.nonIp, frameReason: 2, packets: 4, bytes: 168 },
      { interfaceId: 3, kind: KIND.malformed, frameReason: 17, packets: 2, bytes: 50 },
    ],
    START_MS,
  );
  assert.equal(other(accounts, 'map_full'), undefined);
  assert.deepEqual(other(accounts, 'non_ip'), { packets: 5, bytes: 210 });
  assert.deepEqual(other(accounts, 'malformed'), { packets: 2, bytes: 50 });
  assert.deepEqual(accounts.books.frameReasons, [
    { interfaceId: 3, reason: 2, packets: 5, bytes: 210 },
    { interfaceId: 3, reason: 17, packets: 2, bytes: 50 },
  ]);
  assertBalanced(accounts);
});

test('filtered traffic is booked by kind and is no flow', async () => {
  const accounts = create({}, { keep: (keys, wordOffset) => (keys[wordOffset] ?? 0) !== 0 });
  // As the kernel sends kinds that nobody wants: one key an interface, no addresses.
  const summary = await accounts.apply(
    drainOf([{ kind: KIND.udp, packets: 3, bytes: 300 }, flow(1, 100)]),
    [],
    START_MS,
  );
  assert.equal(summary.flows, 1);
  assert.deepEqual(other(accounts, 'filtered'), { packets: 3, bytes: 300 });
  assertBalanced(accounts);
});

test('large drains are cut: the loop turns between, and the result is whole', async () => {
  let turns = 0;
  const yieldToLoop = () => {
    turns++;
    return new Promise<void>((resolve) => setImmediate(resolve));
  };
  const accounts = create({ maxSeries: 20_000 }, { yieldToLoop });
  const rows = drainOf(Array.from({ length: 50_000 }, (_, i) => flow(i % 30_000, i)));
  const summary = await accounts.apply(rows, [], START_MS);
  assert.equal(summary.flows, 30_000);
  assert.equal(summary.series, 20_000);
  assert.ok(turns >= 10, `${turns} turns`);
  assertBalanced(accounts);
});

test('a second apply() while one is pending is refused and does no harm', async () => {
  const held: (() => void)[] = [];
  let open = false;
  const yieldToLoop = () => (open ? Promise.resolve() : new Promise<void>((resolve) => held.push(resolve)));
  const accounts = create({ maxSeries: 20_000 }, { yieldToLoop });
  const rows = drainOf(Array.from({ length: 20_000 }, (_, i) => flow(i, i)));
  const first = accounts.apply(rows, [], START_MS);
  await assert.rejects(accounts.apply(rows, [], START_MS), /former call is pending/);
  open = true;
  for (const resume of held) resume();
  assert.equal((await first).series, 20_000);
  assert.equal((await accounts.apply(rows, [], START_MS + 1000)).newcomers, 0);
  assertBalanced(accounts);
});

test('when a part fails, the books balance all the same and the next refresh works', async () => {
  let calls = 0;
  const accounts = create(
    { maxSeries: 3 },
    {
      renderLabels: (keys, wordOffset, out, outOffset) => {
        calls++;
        if (calls === 5) throw new Error('no label today');
        return renderTestLabels(keys, wordOffset, out, outOffset);
      },
    },
  );
  await accounts.apply(drainOf([flow(1, 1), flow(2, 2), flow(3, 3)]), [], START_MS);
  const bigger = drainOf([flow(1, 1), flow(4, 100), flow(5, 200), flow(6, 300)]);
  await assert.rejects(accounts.apply(bigger, [], START_MS + 1000), /no label today/);
  assertBalanced(accounts);
  assert.equal((await accounts.apply(bigger, [], START_MS + 2000)).series, 3);
  assertBalanced(accounts);
});

test('the hook sees each ending series whole, with the reason', async () => {
  const seen: string[] = [];
  const accounts = create({ maxSeries: 1 });
  accounts.onSeriesEnd((series, slot, reason) => {
    const start = series.labelOffset[slot] ?? 0;
    const label = series.labelBytes.subarray(start, start + (series.labelLength[slot] ?? 0));
    seen.push(`${reason} ${series.totalBytes[slot]} ${Buffer.from(label).toString().slice(0, 8)}`);
  });
  await accounts.apply(drainOf([flow(1, 10)]), [], START_MS);
  await accounts.apply(drainOf([flow(2, 30)]), [], START_MS + 1000);
  await accounts.apply(drainOf([]), [], START_MS + 9000);
  assert.deepEqual(seen, ['max_series 10 0a000001', 'expired 30 0a000002']);
});
