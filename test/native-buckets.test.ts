// SPDX-License-Identifier: Apache-2.0
// Each observation lies in the bucket that native histograms have for it, and there are never too many.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NativeBuckets } from '../src/native-buckets.js';

test('a value lies between the bounds of its bucket', () => {
  fc.assert(
    fc.property(fc.double({ min: 2 ** -20, max: 2 ** 16, minExcluded: true, noNaN: true }), (value) => {
      const native = new NativeBuckets();
      native.observe(value);
      const [[index, count] = [Number.NaN, 0]] = native.buckets;
      assert.equal(count, 1);
      const slack = 1e-12;
      assert.ok(value <= 2 ** (index / 4) * (1 + slack), `${value} in ${index}`);
      assert.ok(value > 2 ** ((index - 1) / 4) * (1 - slack), `${value} in ${index}`);
    }),
  );
});

test('every observation is counted once, in 144 buckets at most', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1, max: 1e300 })), (values) => {
      const native = new NativeBuckets();
      for (const value of values) native.observe(value);
      const counted = [...native.buckets.values()].reduce((sum, count) => sum + count, native.zeroCount);
      assert.equal(counted, values.length);
      for (const index of native.buckets.keys()) assert.ok(index > -80 && index <= 64, String(index));
    }),
  );
});

test('a value just above the threshold is in the first bucket, however its logarithm is rounded', () => {
  const native = new NativeBuckets();
  native.observe(2 ** -20 * (1 + Number.EPSILON));
  assert.deepEqual([...native.buckets], [[-79, 1]]);
});

test('what is not above the threshold is zero, NaN included', () => {
  const native = new NativeBuckets();
  for (const value of [0, -1, 2 ** -20, Number.NaN]) native.observe(value);
  assert.deepEqual([native.zeroCount, native.buckets.size], [4, 0]);
});
