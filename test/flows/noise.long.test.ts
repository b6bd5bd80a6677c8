// SPDX-License-Identifier: Apache-2.0
// Heavy flows among noise have their series within two intervals, whichever budget is the small one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BudgetBench, type BudgetBenchOptions } from '../support/exposition/budget-bench.js';
import { flow } from '../support/flows/accounts-fixture.js';
import { namesOf } from '../support/flows/accounts-model.js';
import { keyBytes, type TestRow } from '../support/flows/rows.js';

const HEAVY: readonly TestRow[] = Array.from({ length: 20 }, (_, i) => flow(i, 500_000, 400));
const NOISE_FLOWS = 50_000;
const SECONDS = 12;
/** The table is full of noise by then. */
const HEAVY_FROM = 5;

/** Flows that are there for a second, no two alike. */
function noise(second: number): TestRow[] {
  return Array.from({ length: NOISE_FLOWS }, (_, i) => {
    const number = second * NOISE_FLOWS + i;
    const bytes = 60 + ((Math.imul(number, 0x9e3779b1) >>> 0) % 1455);
    return { ...flow(0, bytes), dst: [number >> 24, number >> 16, number >> 8, number] };
  });
}

const CASES: readonly [budget: 'max_series' | 'max_exposition_bytes', options: BudgetBenchOptions][] = [
  ['max_exposition_bytes', { limitBytes: 1 << 20 }],
  ['max_series', { limitBytes: 16_000_000, maxSeries: 500 }],
];

for (const [budget, options] of CASES) {
  test(`20 heavy flows among 50,000 a second that are not, where ${budget} is small`, async () => {
    const bench = new BudgetBench(options);
    for (let second = 0; second < SECONDS; second++) {
      const rows = noise(second);
      if (second >= HEAVY_FROM) rows.splice(second * 1000, 0, ...HEAVY);
      await bench.refresh(rows);
      assert.deepEqual([...bench.bound].includes(budget), true, `second ${second}: ${[...bench.bound]}`);
      const names = namesOf(bench.accounts);
      const shown = HEAVY.filter((row) => names.has(Buffer.from(keyBytes(row)).toString('hex'))).length;
      if (second > HEAVY_FROM) assert.equal(shown, HEAVY.length, `heavy flows in second ${second}`);
    }
    await bench.assertBounded();
  });
}
