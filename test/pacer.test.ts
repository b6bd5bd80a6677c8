// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pacer } from '../src/pacer.js';

test('every step once and in order, in short slices, and a turn whenever the budget is used up', async () => {
  const seen: number[] = [];
  const slices: number[] = [];
  const stepsOfTurns = [0];
  const pacer = new Pacer(async () => {
    stepsOfTurns.push(0);
  });
  const stepNs = 100_000; // two and a half of them are a budget
  await pacer.run(1000, stepNs, (from, to) => {
    slices.push(to - from);
    stepsOfTurns.push((stepsOfTurns.pop() ?? 0) + to - from);
    for (let i = from; i < to; i++) seen.push(i);
  });
  assert.deepEqual(
    seen,
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.ok(Math.max(...slices) <= 2);
  assert.equal(Math.max(...stepsOfTurns), 3);
  assert.equal(stepsOfTurns.length, Math.ceil(1000 / 3));
});

test('a step above the budget has a turn of its own', async () => {
  let turns = 0;
  const pacer = new Pacer(async () => {
    turns++;
  });
  await pacer.run(2, 1e12, (from, to) => assert.equal(to - from, 1));
  assert.equal(turns, 2);
});
