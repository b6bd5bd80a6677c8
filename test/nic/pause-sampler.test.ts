// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createPauseSampler, type PauseSampler } from '../../src/nic/pause-sampler.js';

/** A clock of the test's, and NICs that take as long as it says. */
function bench(
  tookMs: (name: string) => number,
  costMs = tookMs,
): {
  readonly sampler: PauseSampler;
  readonly asked: string[];
  run(untilMs: number): Promise<void>;
} {
  let now = 0;
  let timers: { task(): void; atMs: number }[] = [];
  const asked: string[] = [];
  const sampler = createPauseSampler({
    async sample(name) {
      asked.push(`${now} ${name}`);
      now += tookMs(name);
      return {
        atMs: now,
        durationMs: costMs(name),
        counters: [{ meaning: 'pfc_frames', labels: ['3', 'sent'], value: now }],
      };
    },
    clock: {
      nowMs: () => now,
      schedule(task, delayMs) {
        const timer = { task, atMs: now + delayMs };
        timers.push(timer);
        return () => {
          timers = timers.filter((other) => other !== timer);
        };
      },
    },
  });
  return {
    sampler,
    asked,
    async run(untilMs) {
      for (;;) {
        const [next] = timers.sort((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > untilMs) break;
        timers = timers.filter((other) => other !== next);
        now = Math.max(now, next.atMs);
        next.task();
        for (let i = 0; i < 20; i++) await nextTurn();
      }
      now = Math.max(now, untilMs);
    },
  };
}

test('every 100 ms where it is cheap', async () => {
  const { sampler, asked, run } = bench(() => 1);
  sampler.watch(['a']);
  await run(1000);
  assert.deepEqual(asked.slice(0, 4), ['0 a', '100 a', '200 a', '300 a']);
  assert.equal(sampler.intervalMs, 100);
  sampler.close();
});

test('a NIC that is slow to answer is asked less often: one part in fifty of the time', async () => {
  const { sampler, asked, run } = bench(() => 10);
  sampler.watch(['a', 'b']);
  await run(5000);
  assert.deepEqual(asked.slice(0, 4), ['0 a', '10 b', '1000 a', '1010 b']);
  assert.equal(sampler.intervalMs, 1000);
  sampler.close();
});

test('waiting for other questions is no cost', async () => {
  const { sampler, asked, run } = bench(
    () => 60,
    () => 0.5,
  );
  sampler.watch(['a', 'b']);
  await run(1000);
  assert.equal(sampler.intervalMs, 100);
  assert.deepEqual(asked.slice(0, 4), ['0 a', '60 b', '120 a', '180 b']);
  sampler.close();
});

test('one that takes a second does not stop the others for more than five seconds', async () => {
  const { sampler, run } = bench(() => 1000);
  sampler.watch(['a']);
  await run(100);
  assert.equal(sampler.intervalMs, 5000);
  sampler.close();
});

test('nothing to watch costs nothing; what is left out is forgotten; after the end nothing is asked', async () => {
  const { sampler, asked, run } = bench(() => 1);
  await run(1000);
  assert.deepEqual([asked, sampler.intervalMs], [[], undefined]);
  sampler.watch(['a', 'b']);
  await run(1250);
  sampler.watch(['b']);
  assert.deepEqual([...sampler.cut().keys()], ['b']);
  sampler.close();
  const before = asked.length;
  await run(3000);
  assert.equal(asked.length, before);
});
