// SPDX-License-Identifier: Apache-2.0
// Accounts that go on from a state are the same as those that wrote it, whatever numbers this process has for
// interfaces and networks, and stay so with what comes after.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS, type OverflowRow } from '../../src/abi/records.js';
import {
  ANY_INTERFACE,
  destinationNetworkOf,
  interfaceIdOf,
  ipVersionOf,
  setInterface,
  setNetworks,
  sourceNetworkOf,
} from '../../src/abi/row-key.js';
import type { FlowAccounts } from '../../src/flows/flow-accounts.js';
import { createKeyMerger } from '../../src/flows/key-merger.js';
import { Pacer } from '../../src/pacer.js';
import { decodeState, encodeState } from '../../src/state/state-file.js';
import { create, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf, keyName, type TestRow } from '../support/flows/rows.js';

const IDENTITY = { labels: 'l', filter: 'f' };
/** Of the one process, and of the next. */
const OLD = { interfaces: ['lan', 'wan', 'dmz'], networks: ['none', 'a', 'b', 'c'] };
const NEW = { interfaces: ['new', 'dmz', 'lan', 'wan'], networks: ['none', 'x', 'c', 'b', 'a'] };
type Names = typeof OLD;

const KINDS = [KIND.tcp, KIND.udp, KIND.roceV2, KIND.nonIp, KIND.malformed];

const counts = {
  packets: fc.oneof(fc.nat(3), fc.nat(2 ** 30)),
  bytes: fc.oneof(fc.nat(8), fc.constantFrom(100, 2 ** 40 + 1)),
};

interface Interval {
  readonly rows: readonly TestRow[];
  readonly overflow: readonly OverflowRow[];
  readonly stepMs: number;
}

const row: fc.Arbitrary<TestRow> = fc
  .record({
    kind: fc.constantFrom(...KINDS),
    flow: fc.nat(30),
    interfaceId: fc.nat(2),
    srcNetwork: fc.nat(3),
    dstNetwork: fc.nat(3),
    ...counts,
  })
  .map(({ flow, ...rest }) =>
    rest.kind === KIND.nonIp || rest.kind === KIND.malformed
      ? { ...rest, srcNetwork: 0, dstNetwork: 0, protocol: flow }
      : { ...rest, src: [10, 0, 0, flow] },
  );

const interval: fc.Arbitrary<Interval> = fc.record({
  rows: fc.array(row, { maxLength: 12 }),
  overflow: fc.array(
    fc.record({
      interfaceId: fc.nat(2),
      kind: fc.integer({ min: 1, max: 9 }),
      frameReason: fc.nat(5),
      ...counts,
    }),
    { maxLength: 2 },
  ),
  stepMs: fc.constantFrom(1000, 1000, 999, 2500, 0, -100_000, 8000),
});

/** A drain with this process's numbers in the place of OLD's. */
function drainFor(rows: readonly TestRow[], names: Names): ReturnType<typeof drainOf> {
  const drain = drainOf(rows);
  for (let key = 0; key < drain.keys.length; key += FLOW_ROW_WORDS) renumber(drain.keys, key, OLD, names);
  return drain;
}

function renumber(keys: Uint32Array, key: number, from: Names, to: Names): void {
  const network = (number: number): number => to.networks.indexOf(from.networks[number] ?? '');
  const id = interfaceIdOf(keys, key);
  const renumbered = id === ANY_INTERFACE ? id : to.interfaces.indexOf(from.interfaces[id] ?? '');
  setInterface(keys, key, renumbered, ipVersionOf(keys, key));
  setNetworks(keys, key, network(sourceNetworkOf(keys, key)), network(destinationNetworkOf(keys, key)));
}

/** All that is shown, whatever the numbers; the order of series is no matter. */
function shown(accounts: FlowAccounts, names: Names): object {
  const { series, books } = accounts;
  const keys = series.keys.slice();
  const rows = [...series.inUse.subarray(0, series.count)].map((place) => {
    renumber(keys, place * FLOW_ROW_WORDS, names, OLD);
    const name = keyName(keys, place * FLOW_ROW_WORDS);
    const columns = [
      series.startedMs,
      series.totalPackets,
      series.totalBytes,
      series.shownPackets,
      series.shownBytes,
    ];
    return [name, ...columns.map((column) => column[place])].join(' ');
  });
  const book = <Row extends { readonly interfaceId: number }>(list: readonly Row[]): object[] =>
    list.map((one) => ({ ...one, interfaceId: names.interfaces[one.interfaceId] ?? one.interfaceId }));
  return {
    series: rows.sort(),
    interfaces: book(books.interfaces),
    others: book(books.others),
    pending: book(books.pending),
    frameReasons: book(books.frameReasons),
  };
}

async function throughFile(from: FlowAccounts, to: FlowAccounts): Promise<void> {
  const pacer = new Pacer(() => Promise.resolve());
  const columns = await from.exportState({
    identity: IDENTITY,
    startedMs: 5,
    names: {
      interfaceName: (id) => OLD.interfaces[id] ?? '',
      networkName: (number) => OLD.networks[number] ?? '',
    },
  });
  const image = await encodeState(columns, pacer);
  const read = await decodeState(Buffer.concat(image.chunks), pacer);
  assert.ok(!('problem' in read), JSON.stringify(read));
  const taken = await to.importState(read.columns, {
    identity: IDENTITY,
    numbers: {
      interfaceId: (name) => NEW.interfaces.indexOf(name),
      networkNumber: (name) => NEW.networks.indexOf(name),
    },
  });
  assert.deepEqual(taken, { startedMs: 5, series: from.series.count, ended: 0 });
}

/** Packets and bytes over all interfaces and kinds. */
function assertSumsBalanced({ series, books }: FlowAccounts): void {
  const sum = (rows: readonly { readonly bytes: number }[]): number =>
    rows.reduce((total, { bytes }) => total + bytes, 0);
  const inSeries = series.inUse.subarray(0, series.count);
  const shownBytes = inSeries.reduce((total, place) => total + (series.shownBytes[place] ?? 0), 0);
  assert.equal(sum(books.interfaces), shownBytes + sum(books.others) + sum(books.pending));
}

/** Flows that labels do not tell apart by interface and kind count in ledgers of their own. */
const merged = createKeyMerger({
  srcIp: true,
  dstIp: true,
  protocol: true,
  trafficType: false,
  interface: false,
  srcNetwork: false,
  dstNetwork: false,
});

for (const { newSeries, mergeKey } of [
  { newSeries: 'zero_first', mergeKey: undefined },
  { newSeries: 'at_value', mergeKey: undefined },
  { newSeries: 'zero_first', mergeKey: merged },
] as const) {
  const isMerged = mergeKey !== undefined;
  const assertEven = isMerged ? assertSumsBalanced : assertBalanced;
  test(`accounts go on as those whose state they read, ${newSeries}${isMerged ? ', merged' : ''}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(interval, { maxLength: 8 }),
        fc.array(interval, { maxLength: 8 }),
        async (before, after) => {
          const options = { maxSeries: 1000, newSeries, holdMaxMs: 3000 };
          const old = create({ ...options, hashSeed: 1 }, { mergeKey });
          const next = create({ ...options, hashSeed: 77 }, { mergeKey });
          let nowMs = START_MS;
          for (const { rows, overflow, stepMs } of before) {
            nowMs += stepMs;
            await old.apply(drainFor(rows, OLD), overflow, nowMs);
          }
          await throughFile(old, next);
          assertEven(next);
          assert.deepEqual(shown(next, NEW), shown(old, OLD));
          for (const { rows, overflow, stepMs } of after) {
            nowMs += stepMs;
            await old.apply(drainFor(rows, OLD), overflow, nowMs);
            const renumbered = overflow.map((one) => ({
              ...one,
              interfaceId: NEW.interfaces.indexOf(OLD.interfaces[one.interfaceId] ?? ''),
            }));
            await next.apply(drainFor(rows, NEW), renumbered, nowMs);
            assertEven(next);
            assert.deepEqual(shown(next, NEW), shown(old, OLD));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
}
