// SPDX-License-Identifier: Apache-2.0
// PFC of one interface, sample by sample: the longest pause, the share of time paused, and whether it is a storm. Pure
// but for what it remembers. Between two samples nothing is known of the order of things, so shorter pauses than
// their distance are told by their share alone. Some drivers answer from counters that they take once a second: samples
// with nothing new are one with the next, so that what became more is laid over all the time in which it did.

import type { NicCounter } from './meanings.js';
import type { PauseSample } from './questions.js';

/** One priority in one direction, in the span since the last cut. */
export interface PauseView {
  readonly priority: string;
  /** received: the peer stopped us. sent: we stopped the peer. */
  readonly direction: string;
  /** Longest row of samples that were paused nearly all the time; one that goes on counts from its start. */
  readonly longestPauseMs: number;
  /** Undefined where the card does not count the time. */
  readonly pausedShare: number | undefined;
  /** Undefined where no packets are counted that a storm would stop. */
  readonly isStorm: boolean | undefined;
  /** Storms since the interface was first sampled. */
  readonly storms: number;
}

export interface PauseWatch {
  note(sample: PauseSample): void;
  /** What was seen since the last cut. */
  cut(): readonly PauseView[];
}

/** SONiC's PFC watchdog takes a queue for stormed when so much of its poll was pause, and nothing left it. */
const PAUSED_SHARE = 0.8;
/** A storm has to last so long, and to be seen so often: SONiC detects within 200 to 400 ms. So long it ends, too. */
const STORM_MS = 400;
const STORM_SAMPLES = 3;
/** Drivers take their counters each second or more often. What stood still for longer is silent, and not paused. */
const MOST_MERGED_MS = 2000;

interface Watched {
  readonly priority: string;
  readonly direction: string;
  runMs: number;
  longestMs: number;
  pausedMs: number;
  /** Grown, and more than fits in its span: it is of the next. */
  carriedMs: number;
  observedMs: number;
  countsTime: boolean;
  stuckMs: number;
  stuckSamples: number;
  calmMs: number;
  isStorm: boolean | undefined;
  storms: number;
  /** Of the last view. */
  toldLongestMs: number;
  toldShare: number | undefined;
}

/** From a sample with something new to the next one. */
interface Span {
  readonly ms: number;
  readonly samples: number;
  /** How much of what grew may be of the next span: news is seen up to one sample late. */
  readonly lateMs: number;
}

/** What became more between two samples, by meaning, priority and direction. */
type Growth = (meaning: NicCounter['meaning'], ...labels: string[]) => number | undefined;

export function createPauseWatch(): PauseWatch {
  const watched = new Map<string, Watched>();
  let last: { readonly atMs: number; readonly values: ReadonlyMap<string, number> } | undefined;
  /** Samples that said the same as the last; and whether there was one since the last cut. */
  let merged = 0;
  let hasMerged = false;
  let lastSampleMs = 0;
  let hasNews = false;

  function watch(priority: string, direction: string): Watched {
    const key = `${direction} ${priority}`;
    const known = watched.get(key) ?? begin(priority, direction);
    watched.set(key, known);
    return known;
  }

  return {
    note({ atMs, counters }) {
      const values = new Map(counters.map((one) => [keyOf(one.meaning, ...one.labels), one.value]));
      const before = last;
      const spanMs = before === undefined ? 0 : atMs - before.atMs;
      const lateMs = atMs - lastSampleMs;
      lastSampleMs = atMs;
      if (before !== undefined && spanMs < MOST_MERGED_MS && isSame(before.values, values)) {
        merged++;
        hasMerged = true;
        return;
      }
      // What is too much for the first span became more before the first sample.
      const span: Span = { ms: spanMs, samples: merged + 1, lateMs: hasNews ? lateMs : 0 };
      last = { atMs, values };
      merged = 0;
      if (before === undefined || spanMs <= 0) return;
      hasNews = true;
      const growth: Growth = (meaning, ...labels) => {
        const key = keyOf(meaning, ...labels);
        const [then, now] = [before.values.get(key), values.get(key)];
        // Fewer than before: the card was reset.
        return then === undefined || now === undefined || now < then ? undefined : now - then;
      };
      for (const [priority, direction] of pausesIn(counters)) {
        step(watch(priority, direction), growth, span);
      }
    },
    cut() {
      const views = [...watched.values()].map((one) => cutOne(one, hasMerged));
      hasMerged = false;
      return views;
    },
  };
}

function begin(priority: string, direction: string): Watched {
  return {
    ...{ priority, direction },
    ...{ runMs: 0, longestMs: 0, pausedMs: 0, carriedMs: 0, observedMs: 0, countsTime: false },
    ...{ stuckMs: 0, stuckSamples: 0, calmMs: 0, isStorm: undefined, storms: 0 },
    ...{ toldLongestMs: 0, toldShare: undefined },
  };
}

function step(one: Watched, growth: Growth, { ms: spanMs, samples, lateMs }: Span): void {
  const { priority, direction } = one;
  const seconds = growth('pfc_pause_seconds', priority, direction);
  const frames = growth('pfc_frames', priority, direction) ?? 0;
  // What a received pause stops is what we send, and the other way round.
  const stopped = direction === 'received' ? 'sent' : 'received';
  const passed = growth('priority_packets', priority, stopped) ?? growth('port_packets', stopped);
  // To the microsecond, which is what cards count in.
  const grownMs = seconds === undefined ? undefined : Math.round(seconds * 1e6) / 1000 + one.carriedMs;
  const pausedMs = grownMs === undefined ? undefined : Math.min(grownMs, spanMs);
  one.carriedMs = grownMs === undefined ? 0 : Math.min(Math.max(0, grownMs - spanMs), lateMs);
  one.observedMs += spanMs;
  one.pausedMs += pausedMs ?? 0;
  one.countsTime ||= pausedMs !== undefined;
  // A frame for each sample: one frame alone stops nobody for as long as samples were merged.
  const isPaused =
    pausedMs === undefined ? frames >= samples && passed === 0 : pausedMs >= PAUSED_SHARE * spanMs;
  one.runMs = isPaused ? one.runMs + (pausedMs ?? spanMs) : 0;
  one.longestMs = Math.max(one.longestMs, one.runMs);
  if (passed !== undefined) judgeStorm(one, isPaused && passed === 0, spanMs);
}

/** No packet left while the pause grew, for the whole window. */
function judgeStorm(one: Watched, isStuck: boolean, spanMs: number): void {
  one.isStorm ??= false;
  one.stuckMs = isStuck ? one.stuckMs + spanMs : 0;
  one.stuckSamples = isStuck ? one.stuckSamples + 1 : 0;
  one.calmMs = isStuck ? 0 : one.calmMs + spanMs;
  if (!one.isStorm && one.stuckMs >= STORM_MS && one.stuckSamples >= STORM_SAMPLES) {
    one.isStorm = true;
    one.storms++;
  } else if (one.isStorm && one.calmMs >= STORM_MS) one.isStorm = false;
}

/** hasMerged: there were samples with nothing new. Where there were no others, what was told before still holds. */
function cutOne(one: Watched, hasMerged: boolean): PauseView {
  const { priority, direction, isStorm, storms } = one;
  if (one.observedMs > 0 || !hasMerged) {
    one.toldLongestMs = one.longestMs;
    one.toldShare = one.countsTime && one.observedMs > 0 ? one.pausedMs / one.observedMs : undefined;
  }
  one.longestMs = 0;
  one.pausedMs = 0;
  one.observedMs = 0;
  return {
    ...{ priority, direction, isStorm, storms },
    longestPauseMs: one.toldLongestMs,
    pausedShare: one.toldShare,
  };
}

function isSame(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): boolean {
  return before.size === now.size && [...now].every(([key, value]) => before.get(key) === value);
}

/** Each once. */
function pausesIn(counters: readonly NicCounter[]): readonly (readonly [string, string])[] {
  const pauses = counters.filter(
    ({ meaning }) => meaning === 'pfc_frames' || meaning === 'pfc_pause_seconds',
  );
  const keys = new Map(
    pauses.map(({ labels: [priority = '', direction = ''] }) => [
      `${direction} ${priority}`,
      [priority, direction] as const,
    ]),
  );
  return [...keys.values()];
}

function keyOf(meaning: NicCounter['meaning'], ...labels: string[]): string {
  return [meaning, ...labels].join('\0');
}
