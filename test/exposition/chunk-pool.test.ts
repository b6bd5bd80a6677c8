// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkPool } from '../../src/exposition/chunk-pool.js';

const taken = (pool: ChunkPool, count: number): Buffer[] => Array.from({ length: count }, () => pool.take());

test('what was given comes back whole, however little of it was written', () => {
  const pool = new ChunkPool(100);
  const chunk = pool.take();
  pool.give([chunk.subarray(0, 7)]);
  const again = pool.take();
  assert.equal(again.buffer, chunk.buffer);
  assert.equal(again.length, 100);
});

test('a chunk made larger for one long line is not kept', () => {
  const pool = new ChunkPool(100);
  const large = pool.take(101);
  assert.equal(large.length, 101);
  pool.give([large]);
  assert.equal(pool.free, 0);
});

test('as many are kept as the last rendering had, and none is handed out twice', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (renderings) => {
      const pool = new ChunkPool(16);
      for (const count of renderings) {
        const chunks = taken(pool, count);
        assert.equal(new Set(chunks.map(({ buffer }) => buffer)).size, count);
        pool.give(chunks);
        assert.equal(pool.free, count);
      }
    }),
  );
});

test('two that are given back together leave room for two, and one after them for one', () => {
  const pool = new ChunkPool(16);
  const both = [taken(pool, 5), taken(pool, 3)] as const;
  for (const chunks of both) pool.give(chunks);
  assert.equal(pool.free, 8);
  const again = taken(pool, 8);
  assert.deepEqual(
    new Set(again.map(({ buffer }) => buffer)),
    new Set(both.flat().map(({ buffer }) => buffer)),
  );
  pool.give(again.slice(0, 2));
  assert.equal(pool.free, 2);
});
