// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FRAMING, KIND } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS, type OverflowRow } from '../../src/abi/records.js';
import { createFilter, FILTER_NAMES, type FilterName } from '../../src/flows/filter.js';
import { createFlowAccounts, type FlowAccounts } from '../../src/flows/flow-accounts.js';
import type { KeyHash } from '../../src/flows/key-hash.js';
import { AccountsModel, assertBalanced, labelOf } from '../support/flows/accounts-model.js';
import {
  drainOf,
  keyName,
  renderTestLabels,
  TEST_LABEL_BYTES,
  type TestRow,
  testLabel,
} from '../support/flows/rows.js';

interface Interval {
  readonly rows: readonly TestRow[];
  readonly overflow: readonly OverflowRow[];
  /** The clock's step before this refresh. */
  readonly stepMs: number;
  /** How many refreshes ago the last one was that every scraper has seen. */
  readonly seenAgo: number;
}

const FLOW_KINDS = [
  KIND.tcp,
  KIND.udp,
  KIND.roceV2,
  KIND.roceV2Udp,
  KIND.roceV1,
  KIND.infiniband,
  KIND.other,
];
const linkFraming = (interfaceId: number) => (interfaceId === 2 ? FRAMING.infiniband : FRAMING.ethernet);

const counts = {
  // Small ones meet often, which is where ranks tie; big ones show a sum that is not exact.
  packets: fc.oneof(fc.nat(3), fc.nat(2 ** 40)),
  bytes: fc.oneof(fc.nat(8), fc.nat(1_000_000), fc.constantFrom(100, 200, 201, 2 ** 45 + 1)),
};

/** Flow number i is always the same key. */
function flowRow(i: number, packets: number, bytes: number): TestRow {
  const kind = FLOW_KINDS[i % FLOW_KINDS.length] ?? KIND.tcp;
  const src = i % 11 === 3 ? [8, 8, 8, 8] : [10, 0, i >> 8, i & 0xff];
  return { kind, src, srcPort: i, interfaceId: 1 + (i % 2), packets, bytes };
}

function intervals(flows: number, maxRows: number): fc.Arbitrary<Interval[]> {
  const flow = fc.tuple(fc.nat(flows - 1), counts.packets, counts.bytes);
  const frame: fc.Arbitrary<TestRow> = fc.record({
    kind: fc.constantFrom(KIND.nonIp, KIND.malformed),
    protocol: fc.constantFrom(1, 2, 17, 31),
    interfaceId: fc.integer({ min: 1, max: 2 }),
    ...counts,
  });
  const overflow = fc.record({
    interfaceId: fc.integer({ min: 1, max: 3 }),
    kind: fc.integer({ min: 1, max: 9 }),
    frameReason: fc.constantFrom(0, 2, 17, 31),
    ...counts,
  });
  return fc.array(
    fc.record({
      rows: fc.array(
        fc.oneof(
          { weight: 9, arbitrary: flow.map(([i, packets, bytes]) => flowRow(i, packets, bytes)) },
          { weight: 1, arbitrary: frame },
        ),
        { maxLength: maxRows },
      ),
      overflow: fc.array(overflow, { maxLength: 3 }),
      stepMs: fc.constantFrom(1000, 1000, 1000, 999, 2500, 0, -100_000, 60_000),
      seenAgo: fc.nat(8),
    }),
    { minLength: 1, maxLength: 25 },
  );
}

const HASHES: Record<string, KeyHash | undefined> = {
  keyed: undefined,
  constant: () => 0xffffffff,
  // Neighbours collide and homes wrap around the end of the cells.
  narrow: (words, wordOffset) => (0xfffffffe + ((words[wordOffset + 8] ?? 0) % 3)) >>> 0,
};

async function checkAgainstModel(
  sequence: readonly Interval[],
  budget: {
    maxSeries: number;
    maxNewSeriesPerMinute: number;
    filter: FilterName;
    excludeDns: boolean;
    hash: KeyHash | undefined;
    newSeries?: 'zero_first' | 'at_value';
  },
): Promise<void> {
  const { maxSeries, maxNewSeriesPerMinute } = budget;
  const times = { maxSeries, maxNewSeriesPerMinute, idleTimeoutMs: 3000, intervalMs: 1000 };
  const keep = createFilter({ filter: budget.filter, excludeDns: budget.excludeDns, linkFraming });
  const ended: string[] = [];
  let seen = 0;
  const accounts: FlowAccounts = createFlowAccounts(
    {
      ...times,
      newSeries: budget.newSeries ?? 'zero_first',
      holdMaxMs: 6000,
      hashSeed: 42,
      maxLabelBytes: TEST_LABEL_BYTES,
    },
    {
      audience: { seen: () => ({ beginnings: seen, ends: Number.POSITIVE_INFINITY }) },
      keep,
      renderLabels: renderTestLabels,
      yieldToLoop: () => Promise.resolve(),
      ...(budget.hash === undefined ? {} : { hash: budget.hash }),
    },
  );
  accounts.onSeriesEnd((series, slot) => {
    const name = keyName(series.keys, slot * FLOW_ROW_WORDS);
    assert.equal(labelOf(accounts, slot), testLabel(name), 'labels of an ending series');
    ended.push(name);
  });
  const model = new AccountsModel({ ...times, keep: (row) => keep(drainOf([row]).keys, 0) });
  let nowMs = 1_700_000_000_000;
  let before = snapshot(accounts);
  for (const [i, { rows, overflow, stepMs, seenAgo }] of sequence.entries()) {
    nowMs += stepMs;
    ended.length = 0;
    seen = Math.max(0, i - seenAgo);
    const summary = await accounts.apply(drainOf(rows), overflow, nowMs, i + 1);
    assertBalanced(accounts);
    model.check(accounts, rows, overflow, nowMs, summary, ended);
    const after = snapshot(accounts);
    for (const [name, value] of before) {
      if (name.startsWith('series') && !after.has(name)) continue; // it ended
      assert.ok((after.get(name) ?? -1) >= value, `${name} went from ${value} to ${after.get(name)}`);
    }
    before = after;
  }
}

/** Every counter that is shown. A series that begins anew has another name. */
function snapshot({ series, books }: FlowAccounts): Map<string, number> {
  const values = new Map<string, number>();
  for (const row of books.interfaces) values.set(`interface ${row.interfaceId} ${row.kind}`, row.bytes);
  for (const row of books.others)
    values.set(`other ${row.interfaceId} ${row.kind} ${row.reason}`, row.packets);
  for (const row of series.inUse.subarray(0, series.count)) {
    const name = `series ${keyName(series.keys, row * FLOW_ROW_WORDS)} ${series.startedMs[row]}`;
    values.set(name, series.totalBytes[row] ?? Number.NaN);
    values.set(`${name} shown`, series.shownBytes[row] ?? Number.NaN);
  }
  return values;
}

for (const [name, hash] of Object.entries(HASHES)) {
  test(`agrees with the model and balances after every refresh, hash ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        intervals(14, 20),
        fc.nat(5),
        fc.constantFrom(0, 1, 2, 5, 100, 1_000_000),
        fc.constantFrom(...FILTER_NAMES, 'all' as const, 'all' as const),
        fc.boolean(),
        fc.constantFrom('zero_first' as const, 'at_value' as const),
        (sequence, maxSeries, maxNewSeriesPerMinute, filter, excludeDns, newSeries) =>
          checkAgainstModel(sequence, {
            maxSeries,
            maxNewSeriesPerMinute,
            filter,
            excludeDns,
            hash,
            newSeries,
          }),
      ),
      { numRuns: 150 },
    );
  });
}

test('agrees with the model also when hundreds of flows come and go', async () => {
  await fc.assert(
    fc.asyncProperty(
      intervals(900, 400),
      fc.constantFrom(60, 300, 2000),
      fc.constantFrom(100, 1_000_000),
      (sequence, maxSeries, maxNewSeriesPerMinute) =>
        checkAgainstModel(sequence, {
          maxSeries,
          maxNewSeriesPerMinute,
          filter: 'all',
          excludeDns: false,
          hash: undefined,
        }),
    ),
    { numRuns: 15 },
  );
});
