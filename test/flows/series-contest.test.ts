// SPDX-License-Identifier: Apache-2.0
// Who takes whose series, one rule a test, in numbers that can be followed by hand: with an idle timeout of
// 4 s what a flow carried counts half after every second.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowAccounts } from '../../src/flows/flow-accounts.js';
import type { IntervalSummary } from '../../src/flows/views.js';
import { create, flow, holders, other, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf, type TestRow } from '../support/flows/rows.js';

const TIMES = { idleTimeoutMs: 4000, intervalMs: 1000 };

/** Refreshes so many seconds after the start, each with its rows; resolves with the last one's summary. */
async function refresh(accounts: FlowAccounts, ...drains: readonly [second: number, rows: TestRow[]][]) {
  let summary: IntervalSummary | undefined;
  for (const [second, rows] of drains) {
    summary = await accounts.apply(drainOf(rows), [], START_MS + 1000 * second);
    assertBalanced(accounts);
  }
  assert.ok(summary !== undefined);
  return summary;
}

test('a newcomer of twice the bytes does not take a series, one byte more does', async () => {
  for (const bytes of [200, 201]) {
    const accounts = create({ ...TIMES, maxSeries: 2 });
    await refresh(accounts, [0, [flow(1, 1000)]], [1, [flow(1, 1000), flow(2, 100)]]);
    // Of flow 2's 100 bytes 50 are left and 50 come to them; it stands against twice that.
    const summary = await refresh(accounts, [2, [flow(1, 1000), flow(2, 50), flow(3, bytes)]]);
    assert.equal(summary.ended.max_series, bytes === 201 ? 1 : 0);
    assert.deepEqual(holders(accounts, 1, 2, 3), bytes === 201 ? [1, 3] : [1, 2]);
    // What flow 2 had shown goes to other; or what flow 3 carried, which no series shows.
    const rest = bytes === 201 ? { packets: 2, bytes: 150 } : { packets: 1, bytes: 200 };
    assert.deepEqual(other(accounts, 'max_series'), rest);
  }
});

test('a flow that pauses keeps its series against all that carried less, until it expires', async () => {
  const accounts = create({ ...TIMES, maxSeries: 1 });
  await refresh(accounts, [0, [flow(1, 1000)]]);
  for (const second of [1, 2, 3, 4]) {
    await refresh(accounts, [second, [flow(10 + second, 999), flow(20 + second, 1000)]]);
    assert.deepEqual(holders(accounts, 1), [1], `${second} s of silence`);
  }
  const summary = await refresh(accounts, [5, [flow(15, 1)]]);
  assert.deepEqual(summary.ended, { expired: 1, max_series: 0, reloaded: 0 });
});

test('the longer a flow pauses, the less it takes to be clearly larger', async () => {
  for (const [second, refused, accepted] of [
    [0.5, 1414, 1415], // 2 x 1000 x 2^-0.5
    [1, 1000, 1001],
    [4, 1000, 1001],
  ] as const) {
    const accounts = create({ ...TIMES, maxSeries: 1 });
    await refresh(accounts, [0, [flow(1, 1000)]], [second, [flow(2, refused)]]);
    assert.deepEqual(holders(accounts, 1, 2), [1], `${refused} bytes after ${second} s`);
    const another = create({ ...TIMES, maxSeries: 1 });
    await refresh(another, [0, [flow(1, 1000)]], [second, [flow(2, accepted)]]);
    assert.deepEqual(holders(another, 1, 2), [2], `${accepted} bytes after ${second} s`);
  }
});

test('the flow that carried least of late gives way first', async () => {
  const accounts = create({ ...TIMES, maxSeries: 3 });
  // Lately flow 1 carried 30 + 240 / 8, flow 2 30, flow 3 90 / 2.
  await refresh(accounts, [0, [flow(1, 240)]], [2, [flow(3, 90)]]);
  await refresh(accounts, [3, [flow(1, 30), flow(2, 30)]]);
  await refresh(accounts, [3.001, [flow(5, 61)]]);
  assert.deepEqual(holders(accounts, 1, 2, 3, 5), [1, 3, 5]);
});

test('a flow that stays larger wins in the end, however little of it falls into an interval', async () => {
  const accounts = create({ idleTimeoutMs: 4000, intervalMs: 100, maxSeries: 1 });
  const tookOver: Record<number, number> = {};
  for (let tick = 0; tick < 200; tick++) {
    // Flow 1 was there first. In the end the others carry 1.9 and 3 times its bytes in any time.
    const rows = [flow(1, 100), ...(tick < 50 ? [] : [flow(2, 190), flow(3, 300)])];
    await refresh(accounts, [tick / 10, rows]);
    for (const number of holders(accounts, 2, 3)) tookOver[number] ??= tick - 50;
  }
  // 3 x (1 - 2^(-t / 1 s)) > 2 from 1.6 s on; 1.9 never is, and is not against 3 either.
  assert.deepEqual(Object.keys(tookOver), ['3']);
  assert.ok((tookOver[3] ?? 0) >= 10 && (tookOver[3] ?? 0) <= 20, `after ${tookOver[3]} intervals`);
});

test('a flow whose series was taken is not forgotten', async () => {
  const accounts = create({ ...TIMES, maxSeries: 1 });
  await refresh(accounts, [0, [flow(1, 1000)]], [1, [flow(2, 1100)]]);
  assert.deepEqual(holders(accounts, 1, 2), [2]);
  // Of flow 1 500 were left then, 250 now; of flow 2 550. With 851 it has 1,101, and 2 x 550 is 1,100.
  await refresh(accounts, [2, [flow(1, 850)]]);
  assert.deepEqual(holders(accounts, 1, 2), [2]);
  const another = create({ ...TIMES, maxSeries: 1 });
  await refresh(another, [0, [flow(1, 1000)]], [1, [flow(2, 1100)]], [2, [flow(1, 851)]]);
  assert.deepEqual(holders(another, 1, 2), [1]);
});

test('the larger of the newcomers take what the budget allows; what it refuses is max_series', async () => {
  const accounts = create({ ...TIMES, maxSeries: 8, maxNewSeriesPerMinute: 6 });
  const first = await refresh(accounts, [0, Array.from({ length: 8 }, (_, i) => flow(i, 10))]);
  assert.equal(first.admitted, 8, 'room costs nothing of the budget');
  const rows = Array.from({ length: 8 }, (_, i) => flow(100 + i, 1000 + i));
  const second = await refresh(accounts, [0.1, rows]);
  assert.equal(second.admitted, 3, 'half of it at once');
  assert.deepEqual(holders(accounts, 100, 101, 102, 103, 104, 105, 106, 107), [105, 106, 107]);
  assert.deepEqual(other(accounts, 'max_series'), {
    packets: 8,
    bytes: 3 * 10 + 1000 + 1001 + 1002 + 1003 + 1004,
  });
});

test('in any minute no more series begin in the place of others than configured', async () => {
  const accounts = create({
    idleTimeoutMs: 86_400_000,
    intervalMs: 1000,
    maxSeries: 50,
    maxNewSeriesPerMinute: 20,
  });
  await refresh(accounts, [0, Array.from({ length: 50 }, (_, i) => flow(i, 1))]);
  const ended: number[] = [];
  for (let second = 1; second <= 300; second++) {
    const rows =
      second > 100 && second < 170
        ? []
        : Array.from({ length: 5 }, (_, i) => flow(100 + 5 * second + i, Math.ceil(10 * 1.05 ** second)));
    ended.push((await refresh(accounts, [second, rows])).ended.max_series);
  }
  // From one refresh to another 60 s later, both of them included.
  const minutes = ended.map((_, i) => ended.slice(i, i + 61).reduce((sum, count) => sum + count, 0));
  assert.equal(Math.max(...minutes), 20);
  assert.equal(minutes[0], 20, 'and it is used');
});

test('without a budget nobody takes a series', async () => {
  const accounts = create({ ...TIMES, maxSeries: 1, maxNewSeriesPerMinute: 0 });
  const summary = await refresh(accounts, [0, [flow(1, 1)]], [4, [flow(2, 1_000_000)]]);
  assert.deepEqual(summary.ended, { expired: 0, max_series: 0, reloaded: 0 });
  assert.deepEqual(holders(accounts, 1, 2), [1]);
  await refresh(accounts, [5, [flow(3, 1)]]);
  assert.deepEqual(holders(accounts, 1, 3), [3], 'but it expires as any other');
});
