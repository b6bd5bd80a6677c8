// SPDX-License-Identifier: Apache-2.0
// Scripts of a storm, a burst, and a healthy pause, sample by sample.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NicCounter } from '../../src/nic/meanings.js';
import { createPauseWatch, type PauseView } from '../../src/nic/pause-watch.js';

interface Step {
  readonly spanMs?: number;
  readonly frames?: number;
  /** undefined: the card does not count the time. */
  readonly pausedMs?: number | undefined;
  /** Packets that got through in the direction that is stopped. */
  readonly passed?: number;
}

/** Views after each step, of priority 3; a cut after each. */
function watch(
  steps: readonly Step[],
  direction: 'received' | 'sent' = 'received',
  cutsEach = true,
): PauseView[] {
  const pauses = createPauseWatch();
  const total = { atMs: 1000, frames: 1, seconds: 0, packets: 1 };
  const countsTime = steps.some(({ pausedMs }) => pausedMs !== undefined);
  const note = (): void => {
    const stopped = direction === 'received' ? 'sent' : 'received';
    const counters: NicCounter[] = [
      { meaning: 'pfc_frames', labels: ['3', direction], value: total.frames },
      { meaning: 'priority_packets', labels: ['3', stopped], value: total.packets },
      { meaning: 'priority_packets', labels: ['3', direction], value: total.atMs },
    ];
    if (countsTime)
      counters.push({ meaning: 'pfc_pause_seconds', labels: ['3', direction], value: total.seconds });
    pauses.note({ atMs: total.atMs, durationMs: 1, counters });
  };
  note();
  const views: PauseView[] = [];
  for (const { spanMs = 100, frames = 0, pausedMs = 0, passed = 0 } of steps) {
    total.atMs += spanMs;
    total.frames += frames;
    total.seconds += pausedMs / 1000;
    total.packets += passed;
    note();
    if (cutsEach) views.push(...pauses.cut());
  }
  return cutsEach ? views : [...pauses.cut()];
}

function repeat(times: number, step: Step): Step[] {
  return Array.from({ length: times }, () => step);
}

const STORM = { frames: 50, pausedMs: 100, passed: 0 };

test('a storm: 400 ms of pause, and not one packet; it ends after as long without', () => {
  for (const direction of ['received', 'sent'] as const) {
    const views = watch([...repeat(6, STORM), ...repeat(5, { passed: 1000 })], direction);
    assert.deepEqual(
      views.map(({ isStorm }) => isStorm),
      [false, false, false, true, true, true, true, true, true, false, false],
    );
    assert.equal(views.at(-1)?.storms, 1);
    assert.equal(views.at(-1)?.direction, direction);
  }
});

test('a priority that still sends is in no storm, however long it is paused', () => {
  const views = watch(repeat(20, { frames: 50, pausedMs: 95, passed: 3 }));
  assert.ok(views.every(({ isStorm, storms }) => isStorm === false && storms === 0));
  assert.equal(Math.round(views.at(-1)?.longestPauseMs ?? 0), 1900);
});

test('a burst: shares are told, and no pause longer than what samples can tell', () => {
  const [view] = watch(
    [{ frames: 3, pausedMs: 30, passed: 9 }, ...repeat(9, { passed: 9 })],
    'received',
    false,
  );
  assert.ok(view !== undefined);
  assert.ok(Math.abs((view.pausedShare ?? 0) - 0.03) < 1e-9);
  assert.equal(view.longestPauseMs, 0);
});

test('an idle priority that is paused now and then is in no storm', () => {
  const views = watch(repeat(20, { frames: 1, pausedMs: 5, passed: 0 }));
  assert.ok(views.every(({ isStorm }) => isStorm === false));
});

test('cards that count no time: frames in each sample and no packet; the share is not known', () => {
  const frames = { frames: 2, pausedMs: undefined, passed: 0 };
  const views = watch(repeat(5, frames));
  assert.deepEqual(
    views.map(({ isStorm }) => isStorm),
    [false, false, false, true, true],
  );
  assert.equal(views.at(-1)?.pausedShare, undefined);
  assert.equal(views.at(-1)?.longestPauseMs, 500);
});

test('two samples are no storm, however far apart', () => {
  const views = watch(repeat(2, { spanMs: 5000, frames: 9, pausedMs: 5000, passed: 0 }));
  assert.ok(views.every(({ isStorm }) => isStorm === false));
});

test('where no packets are counted, whether it is a storm is not known', () => {
  const pauses = createPauseWatch();
  for (let atMs = 0; atMs < 1000; atMs += 100) {
    const counters: NicCounter[] = [
      { meaning: 'pfc_pause_seconds', labels: ['0', 'sent'], value: atMs / 1000 },
    ];
    pauses.note({ atMs, durationMs: 1, counters });
  }
  assert.equal(pauses.cut()[0]?.isStorm, undefined);
});

test('a card that was reset: what fell counts for nothing', () => {
  const pauses = createPauseWatch();
  const at = (atMs: number, value: number): void =>
    pauses.note({
      ...{ atMs, durationMs: 1 },
      counters: [{ meaning: 'pfc_pause_seconds', labels: ['0', 'sent'], value }],
    });
  at(0, 1000);
  at(100, 0.05);
  assert.equal(pauses.cut()[0]?.pausedShare, undefined);
  at(200, 0.1);
  assert.ok(Math.abs((pauses.cut()[0]?.pausedShare ?? 0) - 0.5) < 1e-9);
});

test('law: a share is from 0 to 1, a pause no longer than what was watched, and storms only grow', () => {
  const step = fc.record({
    spanMs: fc.integer({ min: 1, max: 3000 }),
    frames: fc.nat(5),
    pausedMs: fc.nat(4000),
    passed: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const watchedMs = steps.reduce((sum, { spanMs }) => sum + spanMs, 0);
      let storms = 0;
      for (const view of watch(steps)) {
        const share = view.pausedShare ?? 0;
        assert.ok(share >= 0 && share <= 1 + 1e-9);
        assert.ok(view.longestPauseMs <= watchedMs + 1e-6);
        assert.ok(view.storms >= storms);
        storms = view.storms;
      }
    }),
  );
});
