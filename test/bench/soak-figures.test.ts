// SPDX-License-Identifier: Apache-2.0
// How a soak is judged.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, slopePerHour } from '../../bench/soak-figures.js';

test('the slope is that of the line, whatever lies evenly about it', () => {
  const points = Array.from({ length: 1501 }, (_, second) => ({
    atMs: 300_000 + second * 1000,
    value: 120 + (second * 4) / 3600 + (second % 2 === 0 ? 3 : -3),
  }));
  assert.ok(Math.abs(slopePerHour(points) - 4) < 0.1, `${slopePerHour(points)} an hour`);
  assert.ok(Number.isNaN(slopePerHour(points.slice(0, 1))));
});

test('a goal is missed at its bound where it is "below", and beyond it where not', () => {
  assert.equal(judge('slope', 5, { below: 5 }).missed, true);
  assert.equal(judge('slope', 4.9, { below: 5 }).missed, false);
  assert.equal(judge('fds', 31, { atMost: 31 }).missed, false);
  assert.equal(judge('fds', 32, { atMost: 31 }).missed, true);
  assert.equal(judge('refreshes', 98, { atLeast: 99 }).missed, true);
  assert.equal(judge('told only', 1e9).missed, false);
});

test('what could not be measured misses its goal', () => {
  assert.equal(judge('slope', Number.NaN, { below: 5 }).missed, true);
});
