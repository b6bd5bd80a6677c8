// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import { createKeyHash } from '../../src/flows/key-hash.js';
import { KeyIndex } from '../../src/flows/key-index.js';
import { Pacer } from '../../src/pacer.js';
import { drainOf } from '../support/flows/rows.js';

const UNIVERSE = 60;
const { keys } = drainOf(
  Array.from({ length: UNIVERSE }, (_, i) => ({ kind: KIND.tcp, src: [10, 0, 0, 1], srcPort: i })),
);
const seeded = createKeyHash(7);
const pacer = new Pacer(() => Promise.resolve());

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

for (const [name, hashOf] of Object.entries(HASHES)) {
  test(`candidates are those of its hash, and a second row of a key is not entered, hash ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(UNIVERSE - 1), { maxLength: 200 }), async (rows) => {
        const index = new KeyIndex();
        const entered = new Set<number>();
        const hashes = Uint32Array.from({ length: UNIVERSE }, (_, row) => hashOf(row));
        const candidates = new Int32Array(UNIVERSE);
        for (const row of rows) {
          if (row % 7 === 0) await index.grow(index.size + row, pacer);
          assert.equal(index.findOrInsert(keys, row, hashOf(row)), row);
          entered.add(row);
          assert.equal(index.size, entered.size);
        }
        index.findCandidates(hashes, candidates, UNIVERSE);
        for (const [row, candidate] of candidates.entries()) {
          const alike = [...entered].filter((other) => hashes[other] === hashes[row]);
          assert.ok(
            alike.length === 0 ? candidate === -1 : alike.includes(candidate),
            `row ${row}: ${candidate}`,
          );
        }
      }),
    );
  });
}

test('a cleared index is empty and can be filled again', async () => {
  const index = new KeyIndex();
  index.insert(3, 5);
  await index.clear(pacer);
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
