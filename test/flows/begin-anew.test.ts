// SPDX-License-Identifier: Apache-2.0
// All series end and the books stand at 0: what a change of every series' labels asks for.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, flow, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf } from '../support/flows/rows.js';

test('series end, sums are 0, and flows that go on begin at 0 as new ones do', async () => {
  const seen = { beginnings: 0, ends: 0 };
  const accounts = create(
    { maxSeries: 3000, newSeries: 'zero_first' },
    { audience: { seen: () => ({ ...seen }) } },
  );
  const ended: number[] = [];
  accounts.onSeriesEnd((_table, series) => ended.push(series));
  const flows = Array.from({ length: 2000 }, (_, i) => flow(i, 100));
  await accounts.apply(drainOf(flows), [], START_MS, 1);
  seen.beginnings = 1;
  await accounts.apply(
    drainOf(flows),
    [{ interfaceId: 0, kind: 0, frameReason: 1, packets: 3, bytes: 180 }],
    START_MS + 1000,
    2,
  );
  const { series, books } = accounts;
  assert.equal(series.shownBytes[series.inUse[0] ?? 0], 200);
  const reasons = structuredClone(books.frameReasons);

  await accounts.beginAnew();
  assert.deepEqual([ended.length, series.count], [2000, 0]);
  assert.ok(
    [...books.interfaces, ...books.pending, ...books.others].every(
      (row) => row.packets === 0 && row.bytes === 0,
    ),
  );
  assert.deepEqual(structuredClone(books.frameReasons), reasons, 'they have no label of the host');

  await accounts.apply(drainOf(flows.slice(0, 5)), [], START_MS + 2000, 3);
  assert.equal(series.count, 5);
  const shown = (): number[] => [...series.inUse.subarray(0, 5)].map((row) => series.shownBytes[row] ?? -1);
  assert.deepEqual(shown(), [0, 0, 0, 0, 0]);
  assert.equal(
    books.pending.reduce((sum, { bytes }) => sum + bytes, 0),
    500,
  );
  assertBalanced(accounts);
  seen.beginnings = 3;
  await accounts.apply(drainOf([]), [], START_MS + 3000, 4);
  assert.deepEqual(shown(), [100, 100, 100, 100, 100]);
  assertBalanced(accounts);
});
