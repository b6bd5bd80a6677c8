// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { activeRows, rowsByBytes } from '../../src/print/rows-by-bytes.js';
import { viewOf } from '../support/print/series.js';

test('all rows that had packets and no others, the largest first, equals in their order', async () => {
  const flow = fc.record({ packets: fc.nat(2), bytes: fc.nat(20) });
  await fc.assert(
    fc.asyncProperty(fc.array(flow, { maxLength: 6000, size: 'max' }), async (flows) => {
      const view = viewOf(flows);
      const wanted = [...activeRows(view)].sort(
        (a, b) => (view.intervalBytes[b] ?? 0) - (view.intervalBytes[a] ?? 0),
      );
      assert.deepEqual([...(await rowsByBytes(view))], wanted);
    }),
    { numRuns: 60 },
  );
});

test('100,000 rows are sorted in turns: others run meanwhile', async () => {
  const view = viewOf(
    Array.from({ length: 100_000 }, (_, i) => ({ packets: 1, bytes: (i * 7919) % 100_003 })),
  );
  let turns = 0;
  let isDone = false;
  const count = (): void => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const rows = await rowsByBytes(view);
  isDone = true;
  assert.ok(turns >= 100, `${turns} turns`);
  const bytes = [...rows].map((row) => view.intervalBytes[row] ?? 0);
  assert.ok(bytes.every((value, i) => i === 0 || value <= (bytes[i - 1] ?? 0)));
});
