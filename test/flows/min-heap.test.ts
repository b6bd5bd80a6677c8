// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MinHeap } from '../../src/flows/min-heap.js';
import { Pacer } from '../../src/pacer.js';

test('pops all items in the order of their ranks, and can be used again', async () => {
  const heap = new MinHeap();
  const pacer = new Pacer(() => Promise.resolve());
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 60 }), async (ranks) => {
      heap.reset(ranks.length);
      ranks.forEach((rank, item) => {
        heap.append(item, rank);
      });
      await heap.heapify(pacer);
      assert.equal(heap.length, ranks.length);
      const left = new Set(ranks.keys());
      for (const expected of [...ranks].sort((a, b) => a - b)) {
        assert.equal(heap.topRank(), expected);
        const item = heap.pop();
        assert.equal(ranks[item], expected);
        assert.ok(left.delete(item));
        const inHeap = Array.from({ length: heap.length }, (_, i) => heap.itemAt(i));
        assert.deepEqual(new Set(inHeap), left);
      }
      assert.equal(heap.topRank(), Number.POSITIVE_INFINITY);
    }),
  );
});
