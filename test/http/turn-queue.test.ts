// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MAX_HOLD_MS, TurnQueue } from '../../src/http/turn-queue.js';
import { until } from '../support/http/http-fixture.js';

test('what enters begins in its order, a turn of the loop later', async () => {
  const queue = new TurnQueue();
  const begun: number[] = [];
  for (let i = 0; i < 5; i++) queue.enter(() => begun.push(i));
  assert.deepEqual(begun, []);
  await nextTurn();
  assert.deepEqual(begun, [], 'the end of a client that comes with its request is seen before');
  await until('all begin', () => queue.waiting === 0);
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});

test('a thousand that enter at once take many turns of the loop', async () => {
  const queue = new TurnQueue();
  let begun = 0;
  for (let i = 0; i < 1000; i++) queue.enter(() => begun++);
  const steps: number[] = [];
  while (queue.waiting > 0) {
    const before = begun;
    await nextTurn();
    steps.push(begun - before);
  }
  assert.equal(begun, 1000);
  assert.ok(Math.max(...steps) <= 32, `${steps}`);
});

test('one that takes long is alone in its turn', async () => {
  const queue = new TurnQueue();
  const turns: number[] = [];
  let turn = 0;
  for (let i = 0; i < 3; i++) {
    queue.enter(() => {
      turns.push(turn);
      const endMs = performance.now() + 10;
      while (performance.now() < endMs);
    });
  }
  while (queue.waiting > 0) {
    await nextTurn();
    turn++;
  }
  assert.equal(new Set(turns).size, 3, `${turns}`);
});

test('what is called off does not begin', async () => {
  const queue = new TurnQueue();
  const begun: string[] = [];
  const leaveFresh = queue.enter(() => begun.push('fresh'));
  leaveFresh();
  const leave = queue.enter(() => begun.push('waiting'));
  queue.enter(() => begun.push('other'));
  await nextTurn();
  leave();
  await until('the other begins', () => queue.waiting === 0);
  assert.deepEqual(begun, ['other']);
});

test('nothing begins while it is held, and everything after', async () => {
  const queue = new TurnQueue();
  const begun: number[] = [];
  queue.enter(() => begun.push(1));
  queue.hold();
  queue.enter(() => begun.push(2));
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert.deepEqual(begun, []);
  queue.release();
  await until('both begin', () => queue.waiting === 0);
  assert.deepEqual(begun, [1, 2]);
});

test('a hold in the middle of a turn counts at once', async () => {
  const queue = new TurnQueue();
  const begun: number[] = [];
  queue.enter(() => {
    begun.push(1);
    queue.hold();
  });
  queue.enter(() => begun.push(2));
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  assert.deepEqual(begun, [1]);
  queue.release();
  await until('the second begins', () => queue.waiting === 0);
});

test('a hold that is not released ends by itself', async () => {
  const queue = new TurnQueue();
  const startMs = performance.now();
  queue.hold();
  queue.enter(() => undefined);
  await until('it begins', () => queue.waiting === 0);
  assert.ok(performance.now() - startMs >= MAX_HOLD_MS - 5);
});
