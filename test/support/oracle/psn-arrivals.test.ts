// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { judgePsnArrivals } from './psn-arrivals.js';

const RING = 2 ** 24;

test('late, doubled and missing packets, by hand', () => {
  const judged = judgePsnArrivals([10, 11, 14, 13, 14, 13, 17, 16]);
  assert.deepEqual(judged, { packets: 8, late: 2, duplicates: 2, missing: 2, behindMax: 1 });
  assert.deepEqual(judgePsnArrivals([]), { packets: 0, late: 0, duplicates: 0, missing: 0, behindMax: 0 });
  assert.throws(() => judgePsnArrivals([10, 9]), /PSN 9 was sent before the first to arrive, 10/);
});

test('what was dropped, doubled and moved back, wherever the ring ends', () => {
  const psn = fc.integer({ min: 0, max: RING - 1 });
  const fate = fc.constantFrom('arrives', 'dropped', 'doubled', 'late');
  fc.assert(
    fc.property(psn, fc.array(fate, { maxLength: 200 }), (start, fates) => {
      // The first and the last packet arrive in their place.
      const all = ['arrives', ...fates, 'arrives', 'arrives'] as const;
      const psns: number[] = [];
      let delayed: number[] = [];
      all.forEach((what, i) => {
        const of = (start + i) % RING;
        if (what === 'late') delayed.push(of);
        if (what === 'arrives') {
          psns.push(of, ...delayed);
          delayed = [];
        }
        if (what === 'doubled') psns.push(of, of);
      });
      const count = (what: string): number => fates.filter((each) => each === what).length;
      const { late, duplicates, missing } = judgePsnArrivals(psns);
      assert.deepEqual(
        { late, duplicates, missing },
        { late: count('late'), duplicates: count('doubled'), missing: count('dropped') },
      );
    }),
  );
});
