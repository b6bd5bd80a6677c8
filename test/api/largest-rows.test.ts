// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LargestRows } from '../../src/api/largest-rows.js';

test('it has what the first rows of the sorted list are, in that order, and is empty then', () => {
  const rank = fc.integer({ min: 0, max: 9 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(rank, rank), { maxLength: 200 }),
      fc.integer({ min: 1, max: 30 }),
      (rows, most) => {
        const largest = new LargestRows(most);
        for (const [item, [first, tie]] of rows.entries()) largest.offer(item, first, tie);
        const sorted = rows
          .map(([first, tie], item) => ({ first, tie, item }))
          .sort((a, b) => b.first - a.first || b.tie - a.tie || a.item - b.item);
        assert.deepEqual(
          largest.take(),
          sorted.slice(0, most).map(({ item }) => item),
        );
        assert.deepEqual(largest.take(), []);
      },
    ),
  );
});
