// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AdmissionBudget } from '../../src/flows/admission-budget.js';

/** Spends all there is, and says how much that was. */
function drain(budget: AdmissionBudget): number {
  let spent = 0;
  for (; !budget.isSpent; spent++) budget.spendOne();
  return spent;
}

test('half of it at once, the other half in the course of a minute, and no more for waiting', () => {
  const budget = new AdmissionBudget(600);
  assert.equal(drain(budget), 300);
  budget.passTime(1000);
  assert.equal(drain(budget), 5);
  budget.passTime(60_000);
  assert.equal(drain(budget), 300);
  budget.passTime(365 * 86_400_000);
  assert.equal(drain(budget), 300);
});

test('of very little, a whole one', () => {
  const one = new AdmissionBudget(1);
  assert.equal(drain(one), 1);
  one.passTime(119_999);
  assert.equal(drain(one), 0);
  one.passTime(1);
  assert.equal(drain(one), 1);
  const none = new AdmissionBudget(0);
  none.passTime(1e12);
  assert.equal(drain(none), 0);
});

test('in no minute is more spent than it allows, and over hours half of it a minute', () => {
  const steps = fc.array(fc.record({ stepMs: fc.nat(90_000), most: fc.nat(40) }), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), steps, (perMinute, script) => {
      const budget = new AdmissionBudget(perMinute);
      const spent: { atMs: number; count: number }[] = [];
      let atMs = 0;
      for (const { stepMs, most } of script) {
        budget.passTime(stepMs);
        atMs += stepMs;
        let count = 0;
        for (; count < most && !budget.isSpent; count++) budget.spendOne();
        spent.push({ atMs, count });
        const lastMinute = spent.filter((one) => one.atMs >= atMs - 60_000);
        const sum = lastMinute.reduce((total, one) => total + one.count, 0);
        assert.ok(sum <= perMinute, `${sum} in a minute of ${perMinute}`);
        if (most > 0 && count === 0) assert.ok(stepMs < 120_000 / perMinute, 'time brings some');
      }
    }),
  );
});
