// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import { WaitingFlows } from '../../src/flows/waiting-flows.js';

const HALF_LIFE_MS = 1000;

function createWaiting(maxSeries = 1): WaitingFlows {
  return new WaitingFlows({ maxSeries, halfLifeMs: HALF_LIFE_MS, hashSeed: 7 });
}

/** Flow number i, at word 0. */
function key(i: number): Uint32Array {
  const words = new Uint32Array(FLOW_ROW_WORDS);
  words[0] = i;
  return words;
}

test('what a flow carries adds up until it is taken', () => {
  const waiting = createWaiting();
  assert.equal(waiting.take(key(1), 0), 0);
  assert.equal(waiting.add(key(1), 0, 90), 90);
  assert.equal(waiting.add(key(2), 0, 7), 7);
  assert.equal(waiting.add(key(1), 0, 10), 100);
  assert.equal(waiting.take(key(3), 0), 0);
  assert.equal(waiting.take(key(1), 0), 100);
  assert.equal(waiting.take(key(1), 0), 0);
  assert.equal(waiting.take(key(2), 0), 7);
});

test('what was added counts half after each half-life, over any time and none', () => {
  const waiting = createWaiting();
  const halfLives = [0, 1, 3, 399, 400, 401, 750, 1200];
  for (const passed of halfLives) {
    const before = 5000 * HALF_LIFE_MS * passed;
    waiting.moveTo(before);
    waiting.add(key(1), 0, 2 ** 1000);
    waiting.moveTo(before + passed * HALF_LIFE_MS);
    const left = waiting.take(key(1), 0);
    assert.ok(
      Math.abs(left / 2 ** (1000 - passed) - 1) < 1e-9 || (passed > 1000 && left < 1),
      `${passed}: ${left}`,
    );
  }
});

test('memory is bounded: of many flows the largest are remembered', () => {
  const waiting = createWaiting(10_000);
  const large = Array.from({ length: 5000 }, (_, i) => i);
  for (const i of large) waiting.add(key(i), 0, 10_000 + i);
  for (let i = 0; i < 1_000_000; i++) waiting.add(key(100_000 + i), 0, 60);
  // Five of them in one set of four: 5,000 flows in 8,192 sets, where it happens to 3 in 1,000.
  const found = large.filter((i) => waiting.take(key(i), 0) === 10_000 + i);
  assert.ok(found.length >= 4950, `${found.length} of 5,000`);
  let small = 0;
  for (let i = 0; i < 1_000_000; i++) if (waiting.take(key(100_000 + i), 0) > 0) small++;
  assert.ok(small <= 32_768, `${small} flows in memory for 32,768`);
  assert.ok(small > 20_000, `${small}: the rest of it is in use`);
});

test('of two flows that carried the same the later one is remembered', () => {
  const waiting = createWaiting();
  const flows = Array.from({ length: 100_000 }, (_, i) => i);
  for (const i of flows) {
    waiting.moveTo(i);
    waiting.add(key(i), 0, 60);
  }
  const early = flows.slice(0, 50_000).filter((i) => waiting.take(key(i), 0) > 0).length;
  const late = flows.slice(-4000).filter((i) => waiting.take(key(i), 0) > 0).length;
  assert.ok(early < 200, `${early} early ones`);
  assert.ok(late > 3900, `${late} of the last 4,000`);
});
