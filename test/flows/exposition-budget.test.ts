// SPDX-License-Identifier: Apache-2.0
// Who gets a series where bytes are short, in numbers that can be followed by hand: a series has one line
// of as many bytes as its labels, which are as long as the flow's source port says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourcePortOf } from '../../src/abi/row-key.js';
import { ExpositionBudget } from '../../src/flows/exposition-budget.js';
import type { FlowAccountsOptions } from '../../src/flows/flow-accounts.js';
import { create, flow, holders, other, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf, type TestRow } from '../support/flows/rows.js';

/** What is left for flows of the limit before the first answer. */
const REST_BYTES = new ExpositionBudget(1 << 20).limitBytes - new ExpositionBudget(1 << 20).flowLimitBytes;

function rig(flowBytes: number, options: Partial<FlowAccountsOptions> = {}) {
  const budget = new ExpositionBudget(REST_BYTES + flowBytes);
  const accounts = create(
    { maxSeries: 100, maxLabelBytes: 400, lineCost: { lines: 1, bytes: 0 }, ...options },
    { renderLabels: (keys, wordOffset) => sourcePortOf(keys, wordOffset), budget },
  );
  let nowMs = START_MS;
  return {
    budget,
    accounts,
    async refresh(...rows: TestRow[]) {
      const summary = await accounts.apply(drainOf(rows), [], nowMs++);
      assertBalanced(accounts);
      assert.ok(budget.estimatedBytes <= budget.limitBytes);
      return { summary, bound: [...budget.bound.take()], shown: holders(accounts, 0, 1, 2, 3, 4, 5) };
    },
  };
}

/** Flow with a number, bytes carried, and bytes of labels; holders() knows flows by their number alone. */
const labelled = (number: number, bytes: number, labelBytes: number): TestRow => ({
  ...flow(number, bytes),
  srcPort: labelBytes,
});

function shownOf({ accounts }: ReturnType<typeof rig>): number[] {
  const { series } = accounts;
  return [...series.inUse.subarray(0, series.count)]
    .map((s) => series.totalBytes[s] ?? 0)
    .sort((a, b) => a - b);
}

test('the largest flows win the bytes there are', async () => {
  const one = rig(300);
  const { bound } = await one.refresh(
    ...[5000, 4000, 3000, 2000, 1000].map((bytes, i) => labelled(i, bytes, 100)),
  );
  assert.deepEqual(shownOf(one), [3000, 4000, 5000]);
  assert.deepEqual(bound, ['max_exposition_bytes']);
  assert.deepEqual(other(one.accounts, 'max_series'), { packets: 2, bytes: 3000 });
});

test('a newcomer with long labels takes as many series as it needs bytes, or none', async () => {
  for (const [bytes, labelBytes, shown] of [
    [2001, 100, [2000, 2001, 3000]],
    [1990, 100, [1000, 2000, 3000]],
    [3000, 101, [1000, 2000, 3000]], // larger than one of the two that it needs
    [4001, 200, [3000, 4001]],
    [9000, 301, [1000, 2000, 3000]], // has no room, whoever goes
  ] as const) {
    const one = rig(300);
    await one.refresh(labelled(0, 1000, 100), labelled(1, 2000, 100), labelled(2, 3000, 100));
    await one.refresh(labelled(3, bytes, labelBytes));
    assert.deepEqual(shownOf(one), shown, `${bytes} bytes, labels of ${labelBytes}`);
  }
});

test("a short one fits where a long one does not, and takes nobody's series", async () => {
  const one = rig(350);
  await one.refresh(labelled(0, 1000, 100), labelled(1, 2000, 100), labelled(2, 3000, 100));
  const { summary, bound } = await one.refresh(labelled(3, 10, 50));
  assert.deepEqual([summary.admitted, summary.ended.max_series, bound], [1, 0, []]);
});

test('each budget is named that left a flow out', async () => {
  const slow = rig(300, { maxNewSeriesPerMinute: 0 });
  await slow.refresh(labelled(0, 1000, 100), labelled(1, 2000, 100), labelled(2, 3000, 100));
  assert.deepEqual((await slow.refresh(labelled(3, 9000, 100))).bound, [
    'max_exposition_bytes',
    'max_new_series_per_minute',
  ]);
  const few = rig(300, { maxSeries: 1 });
  assert.deepEqual((await few.refresh(labelled(0, 1000, 100), labelled(1, 2000, 100))).bound, ['max_series']);
  assert.deepEqual((await few.refresh(labelled(1, 2000, 100))).bound, []);
  await few.accounts.apply(
    drainOf([]),
    [{ interfaceId: 1, kind: 1, frameReason: 0, packets: 1, bytes: 60 }],
    START_MS + 9,
  );
  assert.deepEqual([...few.budget.bound.take()], ['max_flows']);
});

test('what comes beside flows ends the smallest of them, and it is remembered', async () => {
  const one = rig(300);
  await one.refresh(labelled(0, 1000, 100), labelled(1, 2000, 100), labelled(2, 3000, 100));
  one.budget.pairBytes = 101;
  assert.equal(await one.accounts.fit(), 2);
  assert.deepEqual(shownOf(one), [3000]);
  assertBalanced(one.accounts);
  assert.deepEqual(other(one.accounts, 'max_series'), { packets: 2, bytes: 3000 });
  assert.deepEqual([...one.budget.bound.take()], ['max_exposition_bytes']);
  one.budget.pairBytes = 0;
  assert.equal(await one.accounts.fit(), 0);
  const { shown } = await one.refresh(labelled(0, 1, 100), labelled(1, 1, 100));
  assert.deepEqual([shownOf(one), shown.length], [[1, 1, 3000], 0]);
});

test('fit() waits for no other call, it refuses', async () => {
  const one = rig(300);
  const applying = one.accounts.apply(drainOf([]), [], START_MS);
  await assert.rejects(one.accounts.fit(), /fit\(\) was called while another call is pending/);
  await applying;
});
