// SPDX-License-Identifier: Apache-2.0
// Scripts of a storm, a burst, and a healthy pause, sample by sample.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NicCounter } from '../../src/nic/meanings.js';
import { createPauseWatch, type PauseView } from '../../src/nic/pause-watch.js';
import type { PauseSample } from '../../src/nic/questions.js';

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

/** A card whose driver takes its counters every stepMs alone, sampled every 100 ms. */
function cached({
  stepMs,
  phaseMs,
  fromMs = 0,
  share,
  packetsPerSecond = 0,
}: {
  readonly stepMs: number;
  readonly phaseMs: number;
  /** Before, nothing is paused. */
  readonly fromMs?: number;
  readonly share: number;
  readonly packetsPerSecond?: number;
}): (atMs: number) => PauseSample {
  return (atMs) => {
    const takenMs = Math.floor((atMs - phaseMs) / stepMs) * stepMs + phaseMs;
    const pausedMs = Math.max(0, takenMs - fromMs) * share;
    const counters: NicCounter[] = [
      { meaning: 'pfc_frames', labels: ['3', 'received'], value: 1 + Math.floor(pausedMs / 3) },
      { meaning: 'pfc_pause_seconds', labels: ['3', 'received'], value: pausedMs / 1000 },
      { meaning: 'priority_packets', labels: ['3', 'sent'], value: Math.floor(packetsPerSecond * takenMs) },
    ];
    return { atMs, durationMs: 1, counters };
  };
}

/** The view of each second of 100 ms samples. */
function everySecond(sampleAt: (atMs: number) => PauseSample, seconds: number): (PauseView | undefined)[] {
  const pauses = createPauseWatch();
  const views: (PauseView | undefined)[] = [];
  for (let atMs = 10_000; atMs < 10_000 + seconds * 1000; atMs += 100) {
    pauses.note(sampleAt(atMs));
    if (atMs % 1000 === 900) views.push(pauses.cut()[0]);
  }
  return views;
}

test('law: counters that the driver takes once a second say the same share, pause and storm', () => {
  const card = fc.record({
    stepMs: fc.oneof(fc.constantFrom(250, 1000), fc.integer({ min: 250, max: 1000 })),
    phaseMs: fc.nat(999),
    share: fc.constantFrom(0.02, 0.2, 0.5, 0.7, 1),
    packetsPerSecond: fc.constantFrom(0, 5000),
  });
  fc.assert(
    fc.property(card, (spec) => {
      const views = everySecond(cached(spec), 24).slice(3);
      assert.equal(views.length, 21);
      const shares = views.map((view) => view?.pausedShare ?? assert.fail('no share'));
      const mean = shares.reduce((sum, one) => sum + one, 0) / shares.length;
      assert.ok(Math.abs(mean - spec.share) <= 0.06, `${mean} in place of ${spec.share}`);
      // A step between 250 and 400 ms may be seen up to a third late, once, before it is known when the driver steps.
      if (spec.share === 1 && spec.stepMs > 250 && spec.stepMs < 400) return;
      const longestMs = views.at(-1)?.longestPauseMs ?? 0;
      if (spec.share === 1) assert.ok(longestMs >= 19_000, `${longestMs} of 24 s`);
      if (spec.share <= 0.5) assert.equal(longestMs, 0);
      const isStuck = spec.share === 1 && spec.packetsPerSecond === 0;
      assert.equal(views.at(-1)?.isStorm, isStuck);
      assert.equal(views.at(-1)?.storms, Number(isStuck));
    }),
  );
});

test('a port that is silent and not paused is told as such, and ends its storm', () => {
  const storm = cached({ stepMs: 100, phaseMs: 0, share: 1 });
  const views = everySecond((atMs) => ({ ...storm(Math.min(atMs, 15_000)), atMs }), 14);
  assert.equal(views[4]?.isStorm, true);
  assert.deepEqual(
    views.slice(8).map((view) => [view?.pausedShare, view?.longestPauseMs, view?.isStorm]),
    Array.from({ length: 6 }, () => [0, 0, false]),
  );
});

test('where nothing is sampled, nothing is told', () => {
  const sampleAt = cached({ stepMs: 1000, phaseMs: 0, share: 1 });
  const pauses = createPauseWatch();
  for (let atMs = 0; atMs < 5000; atMs += 100) pauses.note(sampleAt(atMs));
  assert.equal(pauses.cut()[0]?.pausedShare, 1);
  assert.equal(pauses.cut()[0]?.pausedShare, undefined);
});

test('frames that come now and then to a silent port that counts no time are no storm', () => {
  const views = everySecond(
    (atMs) => ({
      ...{ atMs, durationMs: 1 },
      counters: [
        { meaning: 'pfc_frames', labels: ['3', 'sent'], value: Math.floor(atMs / 1000) },
        { meaning: 'port_packets', labels: ['received'], value: 7 },
      ],
    }),
    10,
  );
  assert.ok(views.every((view) => view?.storms === 0 || view === undefined));
  assert.equal(views.at(-1)?.longestPauseMs, 0);
});
