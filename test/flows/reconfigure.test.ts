// SPDX-License-Identifier: Apache-2.0
// Options that change while accounts go on: what still holds keeps its series, and no count is lost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import { kindOf } from '../../src/abi/row-key.js';
import { ExpositionBudget } from '../../src/flows/exposition-budget.js';
import type { FlowAccounts, FlowAccountsChange, FlowAccountsOptions } from '../../src/flows/flow-accounts.js';
import type { SeriesToEnd } from '../../src/flows/judges.js';
import { create, flow, holders, other, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf, renderTestLabels, TEST_LABEL_BYTES } from '../support/flows/rows.js';

const OPTIONS: FlowAccountsOptions = {
  maxSeries: 10,
  maxNewSeriesPerMinute: 1_000_000,
  idleTimeoutMs: 5000,
  intervalMs: 1000,
  newSeries: 'at_value',
  holdMaxMs: 60_000,
  hashSeed: 1,
  maxLabelBytes: TEST_LABEL_BYTES,
};
const PARTS: FlowAccountsChange = { keep: () => true, renderLabels: renderTestLabels };

/** Of 10.0.0.x, where x is below the limit. */
const keepsBelow = (limit: number): FlowAccountsChange['keep'] => {
  return (keys, wordOffset) => (keys[wordOffset] ?? 0) >>> 24 < limit;
};

function totalOf(accounts: FlowAccounts): number {
  const { series, books } = accounts;
  const shown = [...series.inUse.subarray(0, series.count)].reduce(
    (sum, row) => sum + (series.totalBytes[row] ?? 0),
    0,
  );
  return shown + books.others.reduce((sum, row) => sum + row.bytes, 0);
}

test('another filter ends the series of what it does not want, and leaves the others alone', async () => {
  const accounts = create();
  const ended: string[] = [];
  accounts.onSeriesEnd((table, series, reason) => ended.push(`${reason} ${table.totalBytes[series]}`));
  await accounts.apply(drainOf([flow(1, 10), flow(2, 20), flow(3, 30)]), [], START_MS);
  const change = { ...PARTS, keep: keepsBelow(2) };
  const counts = await accounts.reconfigure(OPTIONS, change, 'unwanted');
  assert.deepEqual(counts, { expired: 0, max_series: 0, reloaded: 2 });
  assert.deepEqual(ended.sort(), ['reloaded 20', 'reloaded 30']);
  assert.deepEqual(holders(accounts, 1, 2, 3), [1]);
  assert.deepEqual(other(accounts, 'reloaded'), { packets: 2, bytes: 50 });
  assertBalanced(accounts);

  const summary = await accounts.apply(drainOf([flow(1, 1), flow(2, 2)]), [], START_MS + 1000);
  assert.equal(summary.ended.reloaded, 0, 'they were told once');
  assert.deepEqual(other(accounts, 'filtered'), { packets: 1, bytes: 2 });
  assert.equal(accounts.series.totalBytes[accounts.series.inUse[0] ?? 0], 11, 'it goes on');
  assertBalanced(accounts);
});

test('series that were silent behind merged keys are not judged by what is left of them', async () => {
  const accounts = create();
  await accounts.apply(drainOf([flow(1, 10)]), [], START_MS);
  const change = { ...PARTS, keep: () => false, mergeKey: () => undefined };
  await accounts.reconfigure(OPTIONS, change, 'unwanted');
  assert.deepEqual(holders(accounts, 1), [1]);
  await accounts.apply(drainOf([]), [], START_MS + 6000);
  assert.deepEqual(holders(accounts, 1), [], 'it expires');
});

test('other labels: all series end, longer ones begin from 0, and books go on', async () => {
  const accounts = create();
  await accounts.apply(drainOf([flow(1, 10), flow(2, 20)]), [], START_MS);
  const renderLabels: FlowAccountsChange['renderLabels'] = (_keys, _wordOffset, out, outOffset) =>
    Buffer.from(out.buffer, out.byteOffset).write('y'.repeat(2000), outOffset);
  const options = { ...OPTIONS, maxLabelBytes: 2000 };
  await accounts.reconfigure(options, { ...PARTS, renderLabels }, 'all');
  assert.equal(accounts.series.count, 0);
  assertBalanced(accounts);
  await accounts.apply(drainOf([flow(1, 1)]), [], START_MS + 1000);
  const { series, books } = accounts;
  const row = series.inUse[0] ?? 0;
  assert.deepEqual([series.count, series.totalBytes[row], series.labelLength[row]], [1, 1, 2000]);
  assert.deepEqual(
    books.interfaces.map(({ bytes }) => bytes),
    [31],
  );
  assertBalanced(accounts);
});

test('fewer series: the smallest end; more: others may begin', async () => {
  const accounts = create();
  await accounts.apply(drainOf([1, 2, 3, 4, 5].map((n) => flow(n, 100 * n))), [], START_MS);
  const counts = await accounts.reconfigure({ ...OPTIONS, maxSeries: 2 }, PARTS, 'none');
  assert.deepEqual(counts, { expired: 0, max_series: 3, reloaded: 0 });
  assert.deepEqual(holders(accounts, 1, 2, 3, 4, 5), [4, 5]);
  assertBalanced(accounts);
  await accounts.reconfigure({ ...OPTIONS, maxSeries: 3 }, PARTS, 'none');
  await accounts.apply(drainOf([flow(1, 1), flow(4, 1), flow(5, 1)]), [], START_MS + 1000);
  assert.deepEqual(holders(accounts, 1, 4, 5), [1, 4, 5]);
});

test('a smaller budget of bytes ends what has no room in it', async () => {
  const budget = new ExpositionBudget(64_000_000);
  const lineCost = { lines: 4, bytes: 100_000 };
  const accounts = create({ ...OPTIONS, lineCost }, { budget });
  await accounts.apply(drainOf([flow(1, 10), flow(2, 20), flow(3, 30)]), [], START_MS);
  budget.limitBytes = 400_000;
  const counts = await accounts.reconfigure({ ...OPTIONS, lineCost }, PARTS, 'none');
  assert.equal(counts.max_series, 3 - accounts.series.count);
  assert.ok(accounts.series.count < 3 && budget.estimatedBytes <= 400_000);
  assertBalanced(accounts);
});

test('an interval and a silence that change count from then on', async () => {
  const accounts = create();
  await accounts.apply(drainOf([flow(1, 10)]), [], START_MS);
  await accounts.reconfigure({ ...OPTIONS, idleTimeoutMs: 60_000 }, PARTS, 'none');
  await accounts.apply(drainOf([]), [], START_MS + 20_000);
  assert.deepEqual(holders(accounts, 1), [1]);
  await accounts.reconfigure({ ...OPTIONS, idleTimeoutMs: 200, intervalMs: 5000 }, PARTS, 'none');
  await accounts.apply(drainOf([]), [], START_MS + 25_000);
  assert.deepEqual(holders(accounts, 1), []);
});

test('whatever changes between refreshes, every packet stays in the books', async () => {
  const rowsOf = fc.array(fc.record({ number: fc.nat(30), bytes: fc.nat(1000) }), { maxLength: 30 });
  const change = fc.record({
    maxSeries: fc.integer({ min: 1, max: 20 }),
    newSeries: fc.constantFrom('zero_first' as const, 'at_value' as const),
    idleTimeoutMs: fc.constantFrom(200, 2000, 60_000),
    intervalMs: fc.constantFrom(100, 1000),
    below: fc.nat(31),
    toEnd: fc.constantFrom<SeriesToEnd>('none', 'unwanted', 'all'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(rowsOf, fc.option(change, { nil: undefined })), { maxLength: 20 }),
      async (steps) => {
        const audience = { seen: () => ({ beginnings: 0, ends: 0 }) };
        const accounts = create({ holdMaxMs: 1500 }, { audience });
        let bytes = 0;
        let nowMs = START_MS;
        for (const [rows, next] of steps) {
          nowMs += 1000;
          const drain = drainOf(rows.map((row) => flow(row.number, row.bytes)));
          bytes += rows.reduce((sum, row) => sum + row.bytes, 0);
          await accounts.apply(drain, [], nowMs);
          assertBalanced(accounts);
          if (next === undefined) continue;
          const keep = keepsBelow(next.below);
          await accounts.reconfigure({ ...OPTIONS, ...next }, { ...PARTS, keep }, next.toEnd);
          assertBalanced(accounts);
          assert.equal(totalOf(accounts), bytes);
          const { series } = accounts;
          assert.ok(series.count <= next.maxSeries);
          for (const row of series.inUse.subarray(0, series.count)) {
            assert.equal(kindOf(series.keys, row * FLOW_ROW_WORDS), KIND.tcp);
            if (next.toEnd === 'unwanted') assert.ok(keep(series.keys, row * FLOW_ROW_WORDS));
          }
          if (next.toEnd === 'all') assert.equal(series.count, 0);
        }
      },
    ),
    { numRuns: 200 },
  );
});
