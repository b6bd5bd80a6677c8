// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowAccountsParts } from '../../src/flows/flow-accounts.js';
import { create, flow, START_MS } from '../support/flows/accounts-fixture.js';
import { drainOf } from '../support/flows/rows.js';

test('new labels for every series: counts, books and rows stay, and the loop turns meanwhile', async () => {
  let host = 'a';
  let turns = 0;
  const render: FlowAccountsParts['renderLabels'] = (keys, wordOffset, out, outOffset) =>
    out.length < outOffset + 200
      ? Number.NaN
      : Buffer.from(out.buffer, out.byteOffset).write(`${host} ${keys[wordOffset]}`, outOffset);
  const accounts = create(
    { maxSeries: 5000, maxLabelBytes: 200 },
    {
      renderLabels: render,
      yieldToLoop: async () => {
        turns++;
      },
    },
  );
  const labels = (): string[] => {
    const { series } = accounts;
    return [...series.inUse.subarray(0, series.count)].map((row) => {
      const start = series.labelOffset[row] ?? 0;
      return Buffer.from(
        series.labelBytes.subarray(start, start + (series.labelLength[row] ?? 0)),
      ).toString();
    });
  };
  const flows = Array.from({ length: 3000 }, (_, i) => flow(i, 100 + i));
  await accounts.apply(drainOf(flows), [], START_MS);
  const before = {
    labels: labels(),
    totals: [...accounts.series.totalBytes],
    books: structuredClone(accounts.books),
  };
  assert.equal(before.labels.length, 3000);

  host = 'a much longer name of the host'.repeat(5);
  turns = 0;
  await accounts.relabel();
  assert.ok(turns > 3, `${turns} turns`);
  assert.deepEqual(
    labels(),
    before.labels.map((label) => label.replace(/^a/, host)),
  );
  assert.deepEqual([...accounts.series.totalBytes], before.totals);
  assert.deepEqual(structuredClone(accounts.books), before.books);

  // Later series come behind, and ends give their memory back.
  await accounts.apply(drainOf([flow(4000, 7)]), [], START_MS + 1000);
  assert.equal(labels().length, 3001);
  assert.ok(labels().every((label) => label.startsWith(host)));

  const whole = labels();
  host = 'x'.repeat(500); // more than is allowed
  await assert.rejects(accounts.relabel(), RangeError);
  assert.deepEqual(labels(), whole, 'a failure leaves all labels as they were');
});
