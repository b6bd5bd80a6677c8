// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createUnseenPackets, type UnseenPackets } from '../../src/rdma/unseen-packets.js';

const PORT = 'mlx5_0/1';

function note(unseen: UnseenPackets, count: number, seen: number): void {
  unseen.note(new Map([[PORT, count]]), new Set([PORT]), new Map([['eth0', seen]]));
}

test('what was received before counting began is not in it, and the last round is not yet', () => {
  const unseen = createUnseenPackets();
  note(unseen, 1_000_000, 500);
  assert.equal(unseen.of([PORT], 'eth0', 500), 0);
  note(unseen, 1_000_300, 500);
  assert.equal(unseen.of([PORT], 'eth0', 500), 0);
  note(unseen, 1_000_300, 510);
  assert.equal(unseen.of([PORT], 'eth0', 510), 290);
});

test('where nothing can be seen, nothing is subtracted', () => {
  const unseen = createUnseenPackets();
  for (const count of [10, 25, 25]) note(unseen, count, count);
  assert.equal(unseen.of([PORT], 'ib0', undefined), 15);
});

test('a device that was reset goes on counting', () => {
  const unseen = createUnseenPackets();
  for (const count of [1000, 1500, 20, 70, 70]) note(unseen, count, 0);
  assert.equal(unseen.of([PORT], 'eth0', 0), 500 + 20 + 50);
});

test('a port that does not count, or is not there, has no number; one that is silent keeps its own', () => {
  const unseen = createUnseenPackets();
  assert.equal(unseen.of([PORT], 'eth0', 0), undefined);
  for (const count of [10, 30, 30]) note(unseen, count, 0);
  unseen.note(new Map(), new Set([PORT]), new Map());
  assert.equal(unseen.of([PORT], 'eth0', 0), 20);
  unseen.note(new Map(), new Set(), new Map());
  assert.equal(unseen.of([PORT], 'eth0', 0), undefined);
});

test('a device that comes later begins at its first round', () => {
  const unseen = createUnseenPackets();
  note(unseen, 1, 100);
  const both = new Set([PORT, 'rxe0/1']);
  for (const count of [7000, 7010, 7010]) {
    unseen.note(
      new Map([
        [PORT, 1],
        ['rxe0/1', count],
      ]),
      both,
      new Map([['eth0', 400]]),
    );
  }
  assert.equal(unseen.of(['rxe0/1'], 'eth0', 400), 10);
  assert.equal(unseen.of(['rxe0/1'], 'eth0', 404), 6);
});

/** Packets of each interval: received by the port and seen by XDP, or received past it. */
const intervals = fc.array(fc.record({ visible: fc.nat(1000), hidden: fc.nat(1000), late: fc.nat(50) }), {
  minLength: 2,
});

test('never below 0 nor above what was hidden, and in the end all of it, whenever the port is read', () => {
  fc.assert(
    fc.property(intervals, fc.nat(), (rounds, before) => {
      const unseen = createUnseenPackets();
      let hidden = 0;
      let drained = 0;
      note(unseen, before, 0);
      for (const { visible, hidden: passed, late } of rounds) {
        hidden += passed;
        drained += visible;
        // The port is read after the drain: it has counted packets that the next drain will bring.
        note(unseen, before + hidden + drained + late, drained);
        drained += late;
        const shown = unseen.of([PORT], 'eth0', drained);
        assert.ok(shown !== undefined && shown >= 0 && shown <= hidden);
      }
      const last = before + hidden + drained;
      note(unseen, last, drained);
      note(unseen, last, drained);
      assert.equal(unseen.of([PORT], 'eth0', drained), hidden);
    }),
  );
});

test('where XDP sees all, it says 0 in every round', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ visible: fc.nat(1000), late: fc.nat(50) })), (rounds) => {
      const unseen = createUnseenPackets();
      let drained = 0;
      note(unseen, 0, 0);
      let early = 0;
      for (const { visible, late } of rounds) {
        drained += Math.max(visible, early);
        note(unseen, drained + late, drained);
        early = late;
        assert.equal(unseen.of([PORT], 'eth0', drained), 0);
      }
    }),
  );
});
