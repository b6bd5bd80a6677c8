// SPDX-License-Identifier: Apache-2.0
// A scan against few large flows that pause: the flows stay, and the scan's own series last. By default
// timeouts; test/e2e/scan.test.ts sends real packets for a shorter time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, flow, holders, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf, type TestRow } from '../support/flows/rows.js';

const LARGE = Array.from({ length: 50 }, (_, i) => i);
const INTERVAL_MS = 1000;
const SECONDS = 290;
const BURST_EVERY_S = 5;
const SCAN_ROWS = 1500;
const BUDGET = 600;

interface Outcome {
  /** The fewest of the large flows that had a series at any time after their second burst. */
  readonly fewest: number;
  /** Series that ended after it, by second. */
  readonly ended: readonly number[];
}

async function runScan(bytesOf: (number: number) => number): Promise<Outcome> {
  const accounts = create({
    maxSeries: 1000,
    maxNewSeriesPerMinute: BUDGET,
    idleTimeoutMs: 300_000,
    intervalMs: INTERVAL_MS,
  });
  let scanned = 0;
  let fewest = LARGE.length;
  const ended: number[] = [];
  for (let second = 0; second < SECONDS; second++) {
    const rows: TestRow[] = Array.from({ length: SCAN_ROWS }, () => {
      scanned++;
      return { ...flow(0, bytesOf(scanned)), dst: [scanned >> 24, scanned >> 16, scanned >> 8, scanned] };
    });
    if (second % BURST_EVERY_S === 2) rows.push(...LARGE.map((number) => flow(number, 261_000, 180)));
    const summary = await accounts.apply(drainOf(rows), [], START_MS + INTERVAL_MS * second);
    if (second < 2 + BURST_EVERY_S) continue;
    ended.push(summary.ended.max_series + summary.ended.expired);
    fewest = Math.min(fewest, holders(accounts, ...LARGE).length);
  }
  assertBalanced(accounts);
  return { fewest, ended };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

test('one-packet flows of 60 bytes take no series from large flows that pause, nor from each other', async () => {
  const { fewest, ended } = await runScan(() => 60);
  assert.equal(fewest, LARGE.length);
  assert.equal(sum(ended), 0);
});

test('of any size they take none from larger flows, and from each other what the budget allows', async () => {
  const { fewest, ended } = await runScan((number) => 60 + ((Math.imul(number, 0x9e3779b1) >>> 0) % 1455));
  assert.equal(fewest, LARGE.length);
  for (let second = 0; second + 60 <= ended.length; second++) {
    assert.ok(sum(ended.slice(second, second + 60)) <= BUDGET, `from second ${second} on`);
  }
});
