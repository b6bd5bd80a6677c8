// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FLOW_ROW_WORDS } from '../src/abi/records.js';
import { createKeyHash } from '../src/flows/key-hash.js';
import { DISTINCT_ERROR, HyperLogLog } from '../src/hyper-log-log.js';

/** A hash word of each number, by seed: murmur3's closing rounds over a Weyl sequence. */
function hashWord(seed: number, number: number): number {
  let h = Math.imul(number + 1, 0x9e3779b9) ^ seed;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A sketch of the numbers from..to-1. */
function sketchOf(seed: number, from: number, to: number): HyperLogLog {
  const sketch = new HyperLogLog();
  const other = hashWord(seed, 0x5bd1e995);
  for (let i = from; i < to; i++) sketch.add(hashWord(seed, i), hashWord(other, i));
  return sketch;
}

function relativeError(estimate: number, actual: number): number {
  return (estimate - actual) / actual;
}

describe('the error, from few to many', () => {
  /** Also where plain HyperLogLog is worst: around 2.5 times the registers. */
  const cases: readonly (readonly [distinct: number, sketches: number])[] = [
    [10, 40],
    [100, 40],
    [1000, 40],
    [10_000, 40],
    [30_000, 40],
    [40_960, 40],
    [60_000, 40],
    [200_000, 20],
    [1_000_000, 6],
    [5_000_000, 2],
  ];
  for (const [distinct, sketches] of cases) {
    test(`${distinct} distinct`, () => {
      const errors = Array.from({ length: sketches }, (_, seed) =>
        relativeError(sketchOf(hashWord(1, seed), 0, distinct).estimate(), distinct),
      );
      const mean = errors.reduce((sum, error) => sum + error, 0) / sketches;
      const rms = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / sketches);
      // A sum of squares of 40 normal values is 1.5 times what it should be once in 10,000.
      const most = DISTINCT_ERROR * (1 + 3 / Math.sqrt(2 * sketches));
      assert.ok(rms <= most, `rms ${rms}, at most ${most}`);
      assert.ok(Math.abs(mean) <= (4 * DISTINCT_ERROR) / Math.sqrt(sketches), `bias ${mean}`);
    });
  }
});

test('none is 0, one is 1', () => {
  const sketch = new HyperLogLog();
  assert.equal(sketch.estimate(), 0);
  sketch.add(0, 0);
  assert.equal(Math.round(sketch.estimate()), 1);
  sketch.clear();
  assert.equal(sketch.estimate(), 0);
});

test('hashes of zeros and of ones are hashes like others', () => {
  const sketch = new HyperLogLog();
  for (const word of [0, 0x8000_0000, 0xffff_ffff, 0x0003_ffff]) sketch.add(word, 0);
  sketch.add(0, 0xffff_ffff);
  const estimate = sketch.estimate();
  assert.ok(estimate > 1 && estimate < 5, String(estimate));
});

test('keys again, and in another order, change nothing; a merge is the sketch of both', () => {
  const counts = fc.integer({ min: 0, max: 20_000 });
  fc.assert(
    fc.property(fc.integer(), counts, counts, counts, (seed, first, common, second) => {
      const [middle, end] = [first + common, first + common + second];
      const left = sketchOf(seed, 0, middle);
      const right = sketchOf(seed, first, end);
      const whole = sketchOf(seed, 0, end).estimate();
      left.merge(right);
      assert.equal(left.estimate(), whole);
      left.merge(right);
      assert.equal(left.estimate(), whole);
      right.merge(sketchOf(seed, 0, first));
      assert.equal(right.estimate(), whole);
    }),
    { numRuns: 30 },
  );
});

test('keys of flows by two seeds of the key hash are hashes good enough', () => {
  // A scan: one source, the ports of neighbouring addresses. Nothing but neighbours.
  for (const seed of [1, 2, 3, 4]) {
    const [hi, lo] = [createKeyHash(seed), createKeyHash(~seed)];
    const sketch = new HyperLogLog();
    const key = new Uint32Array(FLOW_ROW_WORDS);
    for (let address = 0; address < 200; address++) {
      key[4] = 0x0a00_0000 + (address << 24);
      for (let port = 0; port < 1000; port++) {
        key[8] = (port << 16) | 40_000;
        sketch.add(hi(key, 0), lo(key, 0));
      }
    }
    const error = relativeError(sketch.estimate(), 200_000);
    assert.ok(Math.abs(error) < 4 * DISTINCT_ERROR, `seed ${seed}: ${error}`);
  }
});
