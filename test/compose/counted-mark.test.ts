// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CountedMaps, CountedMark } from '../../src/compose/counted-mark.js';

const counted: fc.Arbitrary<CountedMaps> = fc.record({
  generationId: fc.constantFrom('0123456789abcdef', 'fedcba9876543210', 'a', ''),
  half: fc.constantFrom<CountedMaps['half'][]>(0, 1, 'all'),
});

test('of each generation the state tells the half counted last, whichever was counted after it', () => {
  fc.assert(
    fc.property(fc.array(counted, { maxLength: 12 }), (all) => {
      const mark = new CountedMark();
      for (const maps of all) mark.set(maps);
      const heir = new CountedMark();
      heir.goOn(mark.columns());
      for (const { generationId } of all) {
        const last = all.findLast((maps) => maps.generationId === generationId);
        assert.equal(heir.of(generationId), last?.half);
      }
      assert.deepEqual(heir.columns(), mark.columns());
    }),
  );
});

test('a generation that nobody has counted is not told of', () => {
  const mark = new CountedMark();
  assert.deepEqual(mark.columns(), {});
  mark.set({ generationId: 'a', half: 1 });
  assert.equal(mark.of('b'), undefined);
});

test('the column is bounded: sixteen generations, those counted last', () => {
  const mark = new CountedMark();
  for (let i = 0; i < 1000; i++) mark.set({ generationId: `generation-${i}`, half: 0 });
  assert.equal(mark.of('generation-983'), undefined);
  assert.equal(mark.of('generation-984'), 0);
  const [column] = Object.values(mark.columns());
  assert.ok(column instanceof Uint8Array && column.length < 16 * 20);
});

test('whatever stands in the column, nothing is thrown and no more is told than fits', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const mark = new CountedMark();
      mark.goOn({ 'kernel.counted_halves': bytes });
      const [column] = Object.values(mark.columns());
      assert.ok(column === undefined || (column as Uint8Array).length <= bytes.length);
    }),
  );
});
