// SPDX-License-Identifier: Apache-2.0
// The window of PSNs, on the reference alone: sequences by hand, and what must hold of any tracker that
// tells late packets, lost ones and duplicates apart. No kernel needed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROCE_CELL } from '../../../src/abi/roce-records.js';
import { disordered } from '../roce/packet-disorder.js';
import {
  type Given,
  IDLE_MAX,
  MIDDLE,
  READ_REQUEST,
  RING,
  run,
  sum,
  sumWindow,
  trackerOf,
} from './psn-sequences.js';
import type { PsnTracker } from './reference-psn.js';

/** UC WRITE middle. */
const UC_MIDDLE = 0x27;
const READ_RESPONSE_FIRST = 0x0d;
const WINDOWS = [64, 1024];
/** How far, in packets, a network of many ways puts one out of its place. */
const REACH = 32;

function of(psns: readonly number[]): Given[] {
  return psns.map((psn) => ({ psn }));
}

/** PSNs that a sweep gives up, by key; keys without any are left out. */
function swept(tracker: PsnTracker<string>, refresh: number): [string, number][] {
  return tracker
    .sweep(refresh)
    .map(({ key, cells }): [string, number] => [key, cells.get(ROCE_CELL.psnLost) ?? 0])
    .filter(([, lost]) => lost > 0);
}

test('what is skipped and comes is late; a second time it is a duplicate', () => {
  for (const start of [0, 100, RING - 2, RING - 1]) {
    const at = (offsets: readonly number[]) => sumWindow(of(offsets.map((offset) => start + offset)));
    assert.deepEqual(at([0, 1, 2]), {});
    assert.deepEqual(at([0, 2]), {});
    assert.deepEqual(at([0, 2, 1]), { psnLate: 1 });
    assert.deepEqual(at([0, 4, 2, 1, 3, 5]), { psnLate: 3 });
    assert.deepEqual(at([0, 2, 1, 1]), { psnLate: 1, psnDuplicates: 1 });
    assert.deepEqual(at([0, 1, 1, 0]), { psnDuplicates: 2 });
    // Before the stream was known: nobody can tell whether it had come.
    assert.deepEqual(at([0, -1]), { psnDuplicates: 1 });
  }
});

test('a hole is lost once it is the window below the highest', () => {
  for (const window of WINDOWS) {
    for (const start of [0, RING - 3, RING - window]) {
      const seen = (psns: readonly Given[]) => sumWindow(psns, trackerOf(window));
      // The hole at start + 1.
      const upTo = (last: number) => [{ psn: start }, ...run(start + 2, last - 1)];
      assert.deepEqual(seen(upTo(window)), {});
      assert.deepEqual(seen([...upTo(window), { psn: start + 1 }]), { psnLate: 1 });
      assert.deepEqual(seen(upTo(window + 1)), { psnLost: 1 });
      assert.deepEqual(seen([...upTo(window + 1), { psn: start + 1 }]), { psnLost: 1, psnDuplicates: 1 });
      assert.deepEqual(seen(upTo(5 * window)), { psnLost: 1 });
    }
  }
});

test('of a long jump, what falls out at once is lost at once', () => {
  for (const window of WINDOWS) {
    for (const skipped of [window - 1, window, window + 1, 10 * window, 100_000]) {
      const jump = of([7, 8 + skipped]);
      const lost = skipped - (window - 1);
      assert.deepEqual(sumWindow(jump, trackerOf(window)), lost === 0 ? {} : { psnLost: lost });
      const later = [...jump, ...run(9 + skipped, window)];
      assert.deepEqual(sumWindow(later, trackerOf(window)), { psnLost: skipped });
    }
  }
});

test('gaps among packets that come again make no holes', () => {
  // 12 never comes; 13 is skipped the second time alone.
  assert.deepEqual(sumWindow(of([10, 11, 13, 14, 15, 11, 14, 15, 16])), { psnDuplicates: 3 });
  assert.deepEqual(sumWindow(of([10, 11, 13, 14, 15, 11, 14, 15, 16, 13, 12])), {
    psnDuplicates: 4,
    psnLate: 1,
  });
});

test('PSNs that READs use are no holes', () => {
  const request = (psn: number): Given => ({ psn, opcode: READ_REQUEST });
  const first = (psn: number): Given => ({ psn, opcode: READ_RESPONSE_FIRST });
  // After a request, and before an answer.
  assert.deepEqual(sumWindow([request(10), { psn: 74 }, ...run(75, 2000)]), {});
  assert.deepEqual(sumWindow([first(10), first(74), ...run(75, 2000)]), {});
  assert.deepEqual(sumWindow([request(10), { psn: 74 }, { psn: 20 }]), { psnDuplicates: 1 });
});

test('a READ request that comes late takes the holes behind it', () => {
  const request = { psn: 10, opcode: READ_REQUEST };
  // It has 64 PSNs, and the packet behind it overtook it.
  assert.deepEqual(sumWindow([{ psn: 9 }, { psn: 74 }, request, ...run(75, 2000)]), { psnLate: 1 });
  // Up to the next that came, 20: beyond, 21 and 22 are missing all the same.
  const parted = [{ psn: 9 }, { psn: 20 }, { psn: 23 }, request, ...run(24, 2000)];
  assert.deepEqual(sumWindow(parted), { psnLate: 1, psnLost: 2 });
  // Holes before it stay.
  const before = [{ psn: 7 }, { psn: 74 }, request, ...run(75, 2000)];
  assert.deepEqual(sumWindow(before), { psnLate: 1, psnLost: 2 });
  // Over the end of the ring.
  const end = [{ psn: RING - 3 }, { psn: RING + 20 }, { psn: RING - 2, opcode: READ_REQUEST }];
  assert.deepEqual(sumWindow([...end, ...run(RING + 21, 2000)]), { psnLate: 1 });
  // As a duplicate it takes nothing.
  const again = [{ psn: 10 }, { psn: 12 }, request, ...run(13, 2000)];
  assert.deepEqual(sumWindow(again), { psnDuplicates: 1, psnLost: 1 });
});

test('a resync and a new beginning give up what is missing, under the packet that brings them', () => {
  assert.deepEqual(sum(of([0, 4, 1_000_000])), {
    psnGaps: 1,
    psnGapPackets: 3,
    psnResyncs: 1,
    psnLost: 3,
  });
  // From then on nothing of it is known.
  assert.deepEqual(sumWindow(of([1_000_000, 1_000_004, 5, 1_000_001])), { psnLost: 3 });
  const silent = (refreshes: number): Given[] => [...of([1, 5]), { psn: 9, refresh: refreshes }];
  assert.deepEqual(sumWindow(silent(IDLE_MAX)), {});
  assert.deepEqual(sumWindow(silent(IDLE_MAX + 1)), { psnLost: 3 });
  assert.deepEqual(sumWindow([...silent(IDLE_MAX + 1), { psn: 2, refresh: IDLE_MAX + 1 }]), {
    psnLost: 3,
    psnDuplicates: 1,
  });
});

test('a sweep gives up what streams that were silent miss, under the key that they began with', () => {
  const tracker = trackerOf();
  assert.deepEqual(swept(tracker, 100), []);
  const packets = [
    { psn: 1, key: 'first' },
    { psn: 5, key: 'second' },
    { psn: 1, stream: 'b', refresh: 1 },
    { psn: 9, stream: 'b', refresh: 1, key: 'third' },
  ];
  assert.deepEqual(sumWindow(packets, tracker), {});
  assert.deepEqual(swept(tracker, 1), []);
  assert.deepEqual(swept(tracker, 2), [['first', 3]]);
  assert.deepEqual(swept(tracker, 2), []);
  assert.deepEqual(swept(tracker, 3), [['a', 7]]);
  // The stream goes on as it was: its highest is known, and what is skipped from now on is missing.
  assert.deepEqual(sum(of([6, 2]), tracker), { psnRewinds: 1, psnRetransmitted: 1, psnDuplicates: 1 });
  assert.deepEqual(sum([{ psn: 9, refresh: 2 }], tracker), { psnGaps: 1, psnGapPackets: 2 });
  assert.deepEqual(swept(tracker, 3), []);
  assert.deepEqual(swept(tracker, 4), [['first', 2]]);
});

test('a stream that began anew is swept under its new key', () => {
  const tracker = trackerOf();
  const again = [
    { psn: 3_000_000, key: 'resync' },
    { psn: 3_000_002, key: 'other' },
  ];
  sum([...of([1]), ...again], tracker);
  assert.deepEqual(swept(tracker, 2), [['resync', 1]]);
});

/** What happens to one packet on its way. */
const journey = fc.record({
  isDropped: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  /** Which of the packets that may come now does. */
  choice: fc.nat({ max: 2 * REACH }),
  /** Comes again, so many packets later. */
  echo: fc.option(fc.nat({ max: 300 }), { freq: 10 }),
});
const journeys = fc.array(journey, { minLength: 1, maxLength: 400, size: 'max' });
type Journey = typeof journey extends fc.Arbitrary<infer One> ? One : never;

/** PSNs as they arrive: 0, which nothing overtakes, and those behind it. */
function arrivals(sent: readonly Journey[]): number[] {
  const numbered = sent.map(({ isDropped }, i) => ({ isDropped, psn: i + 1 }));
  const choices = sent.map(({ choice }) => choice);
  const order = disordered(numbered, REACH, choices);
  const arrived = [0, ...order.filter(({ isDropped }) => !isDropped).map(({ psn }) => psn)];
  const echoes = new Map<number, number[]>();
  arrived.forEach((psn, turn) => {
    const echo = sent[psn - 1]?.echo ?? undefined;
    if (echo === undefined) return;
    const last = Math.min(turn + echo, arrived.length - 1);
    echoes.set(last, [...(echoes.get(last) ?? []), psn]);
  });
  return arrived.flatMap((psn, turn) => [psn, ...(echoes.get(turn) ?? [])]);
}

for (const window of WINDOWS) {
  test(`a window of ${window}: nothing is lost that comes, and nothing comes twice unseen`, () => {
    let disorder = 0;
    fc.assert(
      fc.property(fc.nat({ max: RING - 1 }), journeys, (from, sent) => {
        const psns = arrivals(sent);
        // The model remembers every PSN that came.
        const seen = new Set(psns);
        const highest = Math.max(...psns);
        const inOrder = psns.filter((psn, i) => psns.slice(0, i).every((other) => other < psn)).length;
        const dropped = Array.from({ length: highest }, (_, psn) => psn).filter((psn) => !seen.has(psn));
        const open = dropped.filter((psn) => highest - psn < window).length;
        const tracker = trackerOf(window);
        const packets = psns.map((psn) => ({ psn: from + psn, opcode: UC_MIDDLE }));
        const found = sum(packets, tracker);
        assert.equal((found['psnLate'] ?? 0) + inOrder, seen.size, 'late');
        assert.equal(found['psnDuplicates'] ?? 0, psns.length - seen.size, 'duplicates');
        assert.equal((found['psnLost'] ?? 0) + open, dropped.length, 'lost');
        // The rest is given up when the stream falls silent.
        const rest = tracker.sweep(2).flatMap(({ cells }) => cells.get(ROCE_CELL.psnLost) ?? 0);
        assert.deepEqual(rest, [open]);
        disorder += found['psnLate'] ?? 0;
      }),
      { numRuns: 200 },
    );
    assert.ok(disorder > 1000, `only ${disorder} packets were late`);
  });
}

test('one packet in a hundred is lost; packets are out of place by up to 32; both', () => {
  const packets = 20_000;
  const psns = Array.from({ length: packets }, (_, psn) => psn);
  const isLost = (psn: number) => psn % 100 === 50;
  const sprayed = [...psns].sort((a, b) => placeOf(a) - placeOf(b) || a - b);
  const late = (order: readonly number[]): number => {
    let highest = -1;
    return order.filter((psn) => {
      const isLate = psn < highest;
      highest = Math.max(highest, psn);
      return isLate;
    }).length;
  };
  for (const window of WINDOWS) {
    const judged = (order: readonly number[]) =>
      // What is missing in the end is out of the window.
      sumWindow(of([...order, ...run(packets, window).map(({ psn }) => psn)]), trackerOf(window));
    assert.deepEqual(judged(psns.filter((psn) => !isLost(psn))), { psnLost: 200 });
    assert.deepEqual(judged(sprayed), { psnLate: late(sprayed) });
    const both = sprayed.filter((psn) => !isLost(psn));
    assert.deepEqual(judged(both), { psnLate: late(both), psnLost: 200 });
    assert.ok(late(both) > packets / 10, 'hardly any packet was late');
  }
});

/** Where a packet comes in: the first in its place, the others up to 32 packets later. */
function placeOf(psn: number): number {
  // 7,919 is a prime: neighbours are moved differently.
  return psn === 0 ? -1 : psn + ((psn * 7919) % REACH);
}

test('one stream that two dozen keys share is one window', () => {
  const packets: Given[] = run(0, 24).map(({ psn }) => ({ psn: psn ^ 1, key: String(psn), opcode: MIDDLE }));
  assert.deepEqual(sumWindow(packets), { psnLate: 11, psnDuplicates: 1 });
});
