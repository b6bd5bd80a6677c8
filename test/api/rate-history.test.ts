// SPDX-License-Identifier: Apache-2.0
// Ten minutes of counts: what is kept, for how long, and how much of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FOLLOWED_MAX, FollowedRows } from '../../src/api/followed-rows.js';
import { HISTORY_SPAN_MS, MOST_POINTS, RateHistory, type TimedRefresh } from '../../src/api/rate-history.js';

const whole = (endsMs: number, spanMs: number): TimedRefresh => ({ time: 'whole', endsMs, spanMs });

test('a window goes over the fewest last points that are as long', () => {
  const history = new RateHistory(2);
  const sums = new Float64Array(2);
  assert.equal(history.sumWindow(2000, 0, 0, sums), 0, 'nothing is known');
  for (let i = 1; i <= 20; i++) history.add(1000 * i, 1000, Float64Array.of(i, 1, 100 * i, 1));
  assert.equal(history.sumWindow(2000, 0, 0, sums), 2000);
  assert.deepEqual([...sums], [39, 2]);
  assert.equal(history.sumWindow(2500, 1, 0, sums), 3000);
  assert.deepEqual([...sums], [5700, 3]);
  assert.equal(history.sumWindow(40_000, 0, 0, sums), 20_000, 'all that is known');
  assert.equal(history.sumWindow(40_000, 0, 18, sums), 2000, 'the row is followed since the point 18');
  assert.equal(history.sumWindow(2000, 7, 0, sums), 2000);
  assert.deepEqual([...sums], [0, 0], 'a row that no point has');
});

test('points are a second long at least, and their sums are those of the refreshes', async () => {
  await fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 100, max: 5000 }), fc.nat(1_000_000)), { maxLength: 400 }),
      (refreshes) => {
        const history = new RateHistory(1);
        let endsMs = 0;
        for (const [spanMs, count] of refreshes) {
          endsMs += spanMs;
          history.add(endsMs, spanMs, Float64Array.of(count));
        }
        const { points } = history;
        const spansMs = points.map((point) => point.spanMs);
        assert.ok(spansMs.slice(0, -1).every((spanMs) => spanMs >= 950));
        assert.ok(points.length <= MOST_POINTS);
        const keptMs = spansMs.reduce((sum, spanMs) => sum + spanMs, 0);
        assert.ok(keptMs - (spansMs[0] ?? 0) < HISTORY_SPAN_MS, 'no point more than ten minutes need');
        if (endsMs <= HISTORY_SPAN_MS) {
          const sum = points.reduce((total, { values }) => total + (values[0] ?? 0), 0);
          assert.equal(keptMs, endsMs);
          assert.equal(
            sum,
            refreshes.reduce((total, [, count]) => total + count, 0),
          );
        } else assert.ok(keptMs >= HISTORY_SPAN_MS, 'and no fewer');
      },
    ),
  );
});

test('the bound of the memory is what docs/api.md states, filled to the brim', () => {
  const rows = new FollowedRows<number>(9);
  for (let i = 0; i < 2 * MOST_POINTS; i++) {
    // Others in every refresh: nobody keeps a place.
    const chosen = Array.from({ length: FOLLOWED_MAX }, (_, place) => 1000 * i + place);
    rows.add(chosen, whole(1000 * i, 960), (_key, values, at) => values.fill(1, at, at + 9));
  }
  assert.equal(rows.rows.length, FOLLOWED_MAX);
  assert.ok(rows.history.points.length <= MOST_POINTS);
  assert.ok(8 * rows.history.valueCount <= 4.6e6);
  assert.ok(8 * rows.history.valueCount > 4.4e6, 'the test fills it');
  rows.clear();
  assert.equal(rows.history.valueCount, 0);
  assert.equal(rows.rows.length, 0);
});

test('a row that is followed stays unless another is half as large again', () => {
  const rows = new FollowedRows<string>(1);
  const sizes = new Map<string, number>();
  const names = Array.from({ length: FOLLOWED_MAX }, (_, i) => `old${i}`);
  const add = (chosen: readonly string[]): void =>
    rows.add(chosen, whole(0, 1000), (key, values, at) => {
      values[at] = sizes.get(key) ?? 0;
    });
  for (const name of names) sizes.set(name, 100);
  add(names);
  assert.equal(rows.rankOf('old0', 100), 150);
  assert.equal(rows.rankOf('new', 149), 149);
  sizes.set('old0', 0);
  add(names);
  assert.ok(Math.abs(rows.rankOf('old0', 0) - 120) < 1e-9, 'one idle refresh does not end it');
});

test('a place has the history of who is in it, and of nobody before', () => {
  const rows = new FollowedRows<string>(1);
  const sizes: Record<string, number> = { a: 1, b: 2 };
  const write = (key: string, values: Float64Array, at: number): void => {
    values[at] = sizes[key] ?? 0;
  };
  rows.add(['a'], whole(1000, 1000), write);
  rows.end('a');
  rows.add(['b'], whole(2000, 1000), write);
  assert.deepEqual(rows.columnOf('b', 0), [undefined, 2]);
  assert.equal(rows.columnOf('a', 0), undefined);
  const sums = new Float64Array(1);
  assert.equal(rows.sumWindow('b', 40_000, sums), 1000);
  assert.equal(rows.sinceMs, 0);
});

test('a row that comes in the middle of a point has its first whole one with the next', () => {
  const rows = new FollowedRows<string>(1);
  const write = (_key: string, values: Float64Array, at: number): void => {
    values[at] = 5;
  };
  rows.add(['a'], whole(500, 500), write);
  rows.add(['a', 'b'], whole(1000, 500), write);
  rows.add(['a', 'b'], whole(1500, 500), write);
  assert.deepEqual(rows.columnOf('a', 0), [10, 5]);
  assert.deepEqual(rows.columnOf('b', 0), [undefined, 5]);
});
