// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import { FlowTable } from '../../src/flows/flow-table.js';
import { createKeyHash, type KeyHash } from '../../src/flows/key-hash.js';
import { Pacer } from '../../src/pacer.js';
import { drainOf, keyName, renderTestLabels, TEST_LABEL_BYTES, testLabel } from '../support/flows/rows.js';

const UNIVERSE = 3000;
const { keys } = drainOf(
  Array.from({ length: UNIVERSE }, (_, i) => ({ kind: KIND.tcp, src: [i & 0xff, i >> 8, 7, 7] })),
);
const hash = createKeyHash(1);
const pacer = new Pacer(() => Promise.resolve());

function createTable(maxSeries: number, maxLabelBytes = TEST_LABEL_BYTES): FlowTable {
  return new FlowTable({ maxSeries, maxLabelBytes }, { hash });
}

function find(table: FlowTable, flow: number, by: KeyHash = hash): number {
  return table.find(keys, flow * FLOW_ROW_WORDS, by(keys, flow * FLOW_ROW_WORDS));
}

async function add(table: FlowTable, flow: number): Promise<number> {
  await table.reserve(table.count + 1, pacer);
  await table.labels.reserve(1, table, pacer);
  return table.add(keys, flow * FLOW_ROW_WORDS, renderTestLabels);
}

function labelOf(table: FlowTable, row: number): string {
  const start = table.labelOffset[row] ?? 0;
  return Buffer.from(table.labelBytes.subarray(start, start + (table.labelLength[row] ?? 0))).toString();
}

/** Everything that must hold for a table with exactly these flows. */
function assertHolds(table: FlowTable, flows: ReadonlySet<number>): void {
  assert.equal(table.count, flows.size);
  const dense = new Set(table.inUse.subarray(0, table.count));
  assert.equal(dense.size, table.count, 'no row twice in the dense list');
  const names = new Set([...dense].map((row) => keyName(table.keys, row * FLOW_ROW_WORDS)));
  assert.equal(names.size, table.count, 'no key twice');
  for (const flow of flows) {
    const row = find(table, flow);
    assert.ok(dense.has(row));
    const name = keyName(keys, flow * FLOW_ROW_WORDS);
    assert.equal(keyName(table.keys, row * FLOW_ROW_WORDS), name);
    assert.equal(labelOf(table, row), testLabel(name));
  }
}

test('holds what a Set holds, through growth, removals and moves of the labels', async () => {
  const steps = fc.array(fc.tuple(fc.nat(UNIVERSE - 40), fc.integer({ min: 1, max: 40 })), {
    maxLength: 120,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (runs) => {
      const table = createTable(UNIVERSE);
      const model = new Set<number>();
      for (const [first, length] of runs) {
        for (let flow = first; flow < first + length; flow++) {
          if (model.delete(flow)) table.remove(find(table, flow));
          else {
            model.add(flow);
            await add(table, flow);
          }
        }
        await table.labels.compact(table, pacer);
      }
      assertHolds(table, model);
    }),
    { numRuns: 40 },
  );
});

test('compaction gives waste back and keeps every label', async () => {
  const table = createTable(UNIVERSE);
  const model = new Set<number>();
  for (let flow = 0; flow < UNIVERSE; flow++) {
    model.add(flow);
    await add(table, flow);
  }
  const fullBytes = table.labelBytes.length;
  for (let flow = 0; flow < UNIVERSE; flow++) {
    if (flow % 3 === 0) continue;
    model.delete(flow);
    table.remove(find(table, flow));
  }
  assert.ok(2 * table.labels.wasteBytes > table.labels.usedBytes);
  await table.labels.compact(table, pacer);
  assert.equal(table.labels.wasteBytes, 0);
  assert.ok(
    2 * table.labelBytes.length <= fullBytes + 1,
    `${table.labelBytes.length} of ${fullBytes} bytes left`,
  );
  assertHolds(table, model);
});

test('churn at a constant count keeps the label arena bounded', async () => {
  const table = createTable(600);
  for (let flow = 0; flow < 30 * UNIVERSE; flow++) {
    if (table.count === 600) table.remove(find(table, (flow - 600) % UNIVERSE));
    await add(table, flow % UNIVERSE);
    await table.labels.compact(table, pacer);
  }
  // 600 labels are 76 KiB at most; half waste, and half as much again for room.
  assert.ok(table.labelBytes.length < 4 * 76 * 1024, `${table.labelBytes.length} bytes`);
});

test('a full table refuses', async () => {
  const table = createTable(2);
  await add(table, 0);
  await add(table, 1);
  await assert.rejects(add(table, 2), /all 2 series are in use/);
  assertHolds(table, new Set([0, 1]));
});

test('a renderer that writes too much is found out and leaves the table as it was', async () => {
  const table = createTable(10, TEST_LABEL_BYTES - 32);
  await table.reserve(3, pacer);
  await table.labels.reserve(3, table, pacer);
  for (const length of [TEST_LABEL_BYTES, -1, Number.NaN]) {
    assert.throws(() => table.add(keys, 0, () => length), RangeError);
  }
  assert.equal(table.count, 0);
  assert.equal(find(table, 0), -1);
});
