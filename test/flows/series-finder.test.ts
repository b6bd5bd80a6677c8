// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import { FlowTable } from '../../src/flows/flow-table.js';
import { createKeyHash, type KeyHash } from '../../src/flows/key-hash.js';
import { LOT_ROWS, RowLot } from '../../src/flows/row-lot.js';
import { SeriesFinder } from '../../src/flows/series-finder.js';
import { Pacer } from '../../src/pacer.js';
import { drainOf } from '../support/flows/rows.js';

const UNIVERSE = 40;
const { keys } = drainOf(
  Array.from({ length: UNIVERSE }, (_, i) => ({ kind: KIND.tcp, src: [10, 0, 0, 1], srcPort: i })),
);
const pacer = new Pacer(() => Promise.resolve());
const HASHES: Record<string, KeyHash> = { seeded: createKeyHash(3), 'all alike': () => 7 };

/** Finds the rows one lot after the other, and returns their series. */
function findAll(finder: SeriesFinder, lot: RowLot, rows: readonly number[]): number[] {
  const found: number[] = [];
  for (let from = 0; from < rows.length; from += LOT_ROWS) {
    const some = rows.slice(from, from + LOT_ROWS);
    lot.rows.set(some);
    lot.count = some.length;
    finder.find(keys, lot);
    found.push(...lot.series.subarray(0, lot.count));
  }
  return found;
}

for (const [name, hash] of Object.entries(HASHES)) {
  test(`finds what the table does, in any order of rows, while series come and go, hash ${name}`, async () => {
    const interval = fc.record({
      rows: fc.array(fc.nat(UNIVERSE - 1), { maxLength: 120 }),
      isRepeated: fc.boolean(),
      toggled: fc.array(fc.nat(UNIVERSE - 1), { maxLength: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(interval, { maxLength: 12 }), async (intervals) => {
        const table = new FlowTable({ maxSeries: UNIVERSE, maxLabelBytes: 8 }, { hash });
        await table.reserve(UNIVERSE, pacer);
        await table.labels.reserve(UNIVERSE, table, pacer);
        const finder = new SeriesFinder(table, hash);
        const lot = new RowLot();
        let before: readonly number[] = [];
        for (const { rows: drawn, isRepeated, toggled } of intervals) {
          for (const row of toggled) {
            const offset = row * FLOW_ROW_WORDS;
            const series = table.find(keys, offset, hash(keys, offset));
            if (series >= 0) table.remove(series);
            else {
              await table.labels.compact(table, pacer);
              await table.labels.reserve(1, table, pacer);
              table.add(keys, offset, () => 1);
            }
          }
          // The same order again is where guesses are right; another one is where they are not.
          const rows = isRepeated ? before : drawn;
          before = rows;
          finder.begin();
          const found = findAll(finder, lot, rows);
          const wanted = rows.map((row) => {
            const offset = row * FLOW_ROW_WORDS;
            return table.find(keys, offset, hash(keys, offset));
          });
          assert.deepEqual(found, wanted);
        }
      }),
    );
  });
}

test('a row without a series has its hash, for those who take it on', () => {
  const hash = createKeyHash(5);
  const table = new FlowTable({ maxSeries: UNIVERSE, maxLabelBytes: 8 }, { hash });
  const finder = new SeriesFinder(table, hash);
  const lot = new RowLot();
  for (let drain = 0; drain < 3; drain++) {
    finder.begin();
    assert.deepEqual(findAll(finder, lot, [3, 4]), [-1, -1]);
    assert.deepEqual(
      [...lot.hashes.subarray(0, 2)],
      [3, 4].map((row) => hash(keys, row * FLOW_ROW_WORDS)),
    );
  }
});
