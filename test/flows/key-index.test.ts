// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import { createKeyHash } from '../../src/flows/key-hash.js';
import { KeyIndex } from '../../src/flows/key-index.js';
import { drainOf } from '../support/flows/rows.js';

const UNIVERSE = 60;
const { keys } = drainOf(
  Array.from({ length: UNIVERSE }, (_, i) => ({ kind: KIND.tcp, src: [10, 0, 0, 1], srcPort: i })),
);
const seeded = createKeyHash(7);

const HASHES: Record<string, (row: number) => number> = {
  seeded: (row) => seeded(keys, row * FLOW_ROW_WORDS),
  'all alike': () => 0xffffffff,
  // Homes at the end of the cells: probing and moving up wrap around.
  'four neighbours': (row) => (0xfffffffe + (row % 4)) >>> 0,
};

for (const [name, hashOf] of Object.entries(HASHES)) {
  test(`agrees with a Set under any inserts and removals, hash ${name}`, () => {
    fc.assert(
      fc.property(fc.array(fc.nat(UNIVERSE - 1), { maxLength: 200 }), (toggles) => {
        const index = new KeyIndex();
        const model = new Set<number>();
        for (const row of toggles) {
          if (model.delete(row)) index.remove(row, hashOf(row));
          else {
            model.add(row);
            index.insert(row, hashOf(row));
          }
        }
        assert.equal(index.size, model.size);
        for (let row = 0; row < UNIVERSE; row++) {
          const found = index.find(keys, keys, row * FLOW_ROW_WORDS, hashOf(row));
          assert.equal(found, model.has(row) ? row : -1);
        }
      }),
    );
  });
}

test('a cleared index is empty and can be filled again', () => {
  const index = new KeyIndex();
  index.insert(3, 5);
  index.clear();
  assert.equal(index.size, 0);
  assert.equal(index.find(keys, keys, 3 * FLOW_ROW_WORDS, 5), -1);
  index.insert(3, 5);
  assert.equal(index.find(keys, keys, 3 * FLOW_ROW_WORDS, 5), 3);
});

test('removing a row that is not in it is an error, not an endless search', () => {
  const index = new KeyIndex();
  index.insert(1, 9);
  assert.throws(() => index.remove(2, 9), /entry 2 is not in it/);
});
