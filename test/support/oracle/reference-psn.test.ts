// SPDX-License-Identifier: Apache-2.0
// Laws of the order of PSNs, on the reference alone: what must hold of any tracker that counts gaps,
// rewinds and retransmissions. Of its window: reference-psn-window.test.ts. No kernel needed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROCE_CELL } from '../../../src/abi/roce-records.js';
import type { NamedCells } from '../roce/roce-sums.js';
import {
  type Given,
  IDLE_MAX,
  MIDDLE,
  READ_REQUEST,
  RING,
  run,
  sum,
  sumSteps,
  trackerOf,
} from './psn-sequences.js';

const PSN_JUMP_MAX = 131_072;
const psn = fc.integer({ min: 0, max: RING - 1 });

test('a stream in order adds nothing, wherever it begins', () => {
  fc.assert(
    fc.property(psn, fc.nat({ max: 300 }), (from, count) => {
      assert.deepEqual(sum(run(from, count)), {});
    }),
  );
});

test('packets lost between others, without reordering, are the gap packets', () => {
  fc.assert(
    fc.property(psn, fc.array(fc.boolean(), { minLength: 1, maxLength: 200 }), (from, arrived) => {
      const all = run(from, arrived.length + 2);
      const seen = all.filter((_, i) => i === 0 || i > arrived.length || arrived[i - 1] === true);
      const lost = all.length - seen.length;
      const gaps = seen.filter((packet, i) => i > 0 && packet.psn !== (seen[i - 1]?.psn ?? 0) + 1).length;
      const expected = lost === 0 ? {} : { psnGaps: gaps, psnGapPackets: lost };
      assert.deepEqual(sum(seen), expected);
    }),
  );
});

const steps = fc.array(
  fc.record({
    by: fc.integer({ min: -40, max: 40 }),
    opcode: fc.constantFrom(MIDDLE, READ_REQUEST, 0x0d, 0x0e),
  }),
  { maxLength: 60 },
);

function walk(from: number, moves: readonly { by: number; opcode: number }[]): Given[] {
  let at = from;
  return moves.map(({ by, opcode }) => {
    at += by;
    return { psn: at, opcode };
  });
}

test('the wrap of PSNs at 2^24 cannot be seen', () => {
  fc.assert(
    fc.property(psn, psn, steps, (one, other, moves) => {
      assert.deepEqual(sum(walk(one, moves)), sum(walk(other, moves)));
    }),
  );
});

test('streams do not know of each other', () => {
  fc.assert(
    fc.property(steps, steps, fc.array(fc.boolean()), (one, other, turns) => {
      const a = walk(0xfffff0, one).map((packet) => ({ ...packet, stream: 'a' }));
      const b = walk(0x10, other).map((packet) => ({ ...packet, stream: 'b' }));
      const mixed: Given[] = [];
      const queues = [[...a], [...b]];
      for (const turn of [...turns, ...a.map(() => true), ...b.map(() => false)]) {
        mixed.push(...(queues[turn ? 0 : 1]?.splice(0, 1) ?? []));
      }
      assert.deepEqual(sum(mixed, trackerOf()), add(sum(a), sum(b)));
    }),
  );
});

function add(one: NamedCells, other: NamedCells): NamedCells {
  const names = Object.keys(ROCE_CELL).filter((name) => name in one || name in other);
  return Object.fromEntries(names.map((name) => [name, (one[name] ?? 0) + (other[name] ?? 0)]));
}

test('go-back-N: one gap, one rewind, and all from the lost packet to the highest retransmitted', () => {
  fc.assert(
    fc.property(
      psn,
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 50 }),
      (from, before, after) => {
        // The packet behind `before` others is lost; `after` more are on their way before the NAK is heard.
        const first = [...run(from, before), ...run(from + before + 1, after)];
        const again = run(from + before, after + 20);
        assert.deepEqual(sumSteps([...first, ...again]), {
          psnGaps: 1,
          psnGapPackets: 1,
          psnRewinds: 1,
          psnRetransmitted: after + 1,
        });
      },
    ),
  );
});

test('a packet twice is a rewind and a retransmission', () => {
  fc.assert(
    fc.property(psn, (at) => {
      assert.deepEqual(sumSteps([...run(at, 5), { psn: at + 4 }, { psn: at + 5 }]), {
        psnRewinds: 1,
        psnRetransmitted: 1,
      });
    }),
  );
});

test('packets that come late are a gap of their number, a rewind, and retransmitted', () => {
  fc.assert(
    fc.property(
      psn,
      fc.array(fc.record({ late: fc.integer({ min: 1, max: 5 }), before: fc.integer({ min: 1, max: 20 }) })),
      (from, groups) => {
        // Each time `late` packets come behind the `before` ones that follow them.
        let at = from;
        const packets: Given[] = [{ psn: at++ }];
        let late = 0;
        for (const group of groups) {
          packets.push(...run(at + group.late, group.before), ...run(at, group.late));
          at += group.late + group.before;
          late += group.late;
        }
        packets.push({ psn: at });
        const expected = {
          psnGaps: groups.length,
          psnGapPackets: late,
          psnRewinds: groups.length,
          psnRetransmitted: late,
        };
        assert.deepEqual(sumSteps(packets), groups.length === 0 ? {} : expected);
      },
    ),
  );
});

test('what is lost a second time, while packets come again, is missing a second time', () => {
  // 12 is lost; so it is again, and 13 with it, when the sender goes back to 11.
  const packets = [10, 11, 13, 14, 15, 11, 14, 15, 16].map((at) => ({ psn: at }));
  assert.deepEqual(sumSteps(packets), {
    psnGaps: 2,
    psnGapPackets: 3,
    psnRewinds: 1,
    psnRetransmitted: 3,
  });
});

test('a jump beyond what a queue pair can have on its way is another life of it', () => {
  const next = 1000;
  const jump = (to: number): NamedCells => sumSteps([{ psn: next - 1 }, { psn: to }]);
  assert.deepEqual(jump(next + PSN_JUMP_MAX), { psnGaps: 1, psnGapPackets: PSN_JUMP_MAX });
  assert.deepEqual(jump(next + PSN_JUMP_MAX + 1), { psnResyncs: 1 });
  assert.deepEqual(jump(next - PSN_JUMP_MAX), { psnRewinds: 1, psnRetransmitted: 1 });
  assert.deepEqual(jump(next - PSN_JUMP_MAX - 1), { psnResyncs: 1 });
  assert.deepEqual(jump(next + RING / 2 - 1), { psnResyncs: 1 });
  assert.deepEqual(jump(next + RING / 2), { psnResyncs: 1 });
  // From then on it is in order.
  assert.deepEqual(sumSteps([{ psn: 0 }, { psn: 5_000_000 }, { psn: 5_000_001 }]), { psnResyncs: 1 });
});

test('a READ request takes as many PSNs as its answer has packets', () => {
  const request = { psn: 10, opcode: READ_REQUEST };
  assert.deepEqual(sumSteps([request, { psn: 74 }]), {});
  assert.deepEqual(sumSteps([request, { psn: 74 }, { psn: 80 }]), { psnGaps: 1, psnGapPackets: 5 });
  assert.deepEqual(sumSteps([request, request]), { psnRewinds: 1, psnRetransmitted: 1 });
});

test('answers to READs begin where they like, and go on in order', () => {
  const answer = (opcode: number, at: number): Given => ({ psn: at, opcode });
  assert.deepEqual(sumSteps([answer(0x10, 5), answer(0x10, 9), answer(0x0d, 20), answer(0x0e, 21)]), {});
  assert.deepEqual(sumSteps([answer(0x0d, 20), answer(0x0e, 22), answer(0x0f, 24)]), {
    psnGaps: 2,
    psnGapPackets: 2,
  });
});

test('a stream that was silent for longer than the limit begins anew', () => {
  const silent = (refreshes: number): NamedCells =>
    sumSteps([
      { psn: 1, refresh: 7 },
      { psn: 50, refresh: 7 + refreshes },
    ]);
  assert.deepEqual(silent(0), { psnGaps: 1, psnGapPackets: 48 });
  assert.deepEqual(silent(IDLE_MAX), { psnGaps: 1, psnGapPackets: 48 });
  assert.deepEqual(silent(IDLE_MAX + 1), {});
});
