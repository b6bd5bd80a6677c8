// SPDX-License-Identifier: Apache-2.0
// The order of PSNs as a property: whatever a network does to streams of RoCE packets, the BPF program
// counts the gaps, rewinds, retransmissions and resyncs, and the packets that are late, lost or duplicates,
// that the reference counts, cell by cell. The reference's own laws are in
// test/support/oracle/reference-psn.test.ts and reference-psn-window.test.ts.

import assert from 'node:assert/strict';
import process from 'node:process';
import fc from 'fast-check';
import { FRAMING } from '../../src/abi/kinds.js';
import { QP } from '../support/frames/vector-parts.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { ReferenceStreams } from '../support/oracle/reference-roce-streams.js';
import { leapingEvents, networkEvents, type PsnEvent } from '../support/roce/arbitrary-psn.js';
import { PAYLOAD, STREAM4, V2_IPV4 } from '../support/roce/roce-count-parts.js';
import { type NamedCells, streamName } from '../support/roce/roce-sums.js';

/** Sequences of each sort; more by XTRACE_PSN_SEQUENCES, for a long run. */
const RUNS = Number(process.env['XTRACE_PSN_SEQUENCES'] ?? 500);
const IDLE_MAX_REFRESHES = 3;
const WINDOW_PSNS = 1024;
const ORDER_CELLS = [
  'psnGaps',
  'psnRewinds',
  'psnRetransmitted',
  'psnResyncs',
  'psnLate',
  'psnLost',
  'psnDuplicates',
] as const;

function start(t: { after(fn: () => void): void }): ProgramUnderTest {
  // So many that the few streams of a sequence do not push one another out.
  const roce = { psnIdleMaxRefreshes: IDLE_MAX_REFRESHES, streamCapacity: 4096 };
  const program = new ProgramUnderTest({ roce });
  t.after(() => program.close());
  return program;
}

for (const [sort, events] of Object.entries({
  'a lossy network': networkEvents,
  'leaping packets': leapingEvents,
}) as [string, fc.Arbitrary<PsnEvent[]>][]) {
  kernelTest(`${sort}: the program follows PSNs as the reference does`, (t) => {
    const program = start(t);
    const seen = new Map<string, number>();
    // Remembers streams as the program does: what one sequence left missing is lost in another.
    const reference = new ReferenceStreams({ psnIdleMaxRefreshes: IDLE_MAX_REFRESHES });
    let refresh = 0;
    fc.assert(
      fc.property(events, (sequence) => {
        // Longer than any stream may be silent: all begin anew.
        program.passRefreshes(IDLE_MAX_REFRESHES + 1);
        refresh += IDLE_MAX_REFRESHES + 1;
        program.takeRoce();
        for (const event of sequence) {
          if (event.what === 'pause') {
            program.passRefreshes(event.refreshes);
            refresh += event.refreshes;
          } else {
            program.run(event.frame);
            reference.count(event.frame, FRAMING.ethernet, refresh);
          }
        }
        const expected = reference.take();
        for (const cells of Object.values(expected)) {
          for (const cell of ORDER_CELLS) seen.set(cell, (seen.get(cell) ?? 0) + (cells[cell] ?? 0));
        }
        assert.deepEqual(program.takeRoce(), expected);
      }),
      { numRuns: RUNS },
    );
    // Sequences without disorder would prove little. A network alone makes no stream begin anew.
    const wanted = ORDER_CELLS.filter((cell) => cell !== 'psnResyncs' || sort === 'leaping packets');
    const rare = wanted.filter((cell) => (seen.get(cell) ?? 0) < RUNS / 5);
    assert.deepEqual(rare, [], JSON.stringify([...seen]));
  });
}

/** Cells that PSNs add to a stream that nobody has seen, but for packets and bytes. */
function orderOf(program: ProgramUnderTest, qp: number, psns: readonly number[]): NamedCells {
  program.takeRoce();
  for (const sequenceNumber of psns) {
    program.run(V2_IPV4.frame({ opcode: 0x07, destinationQp: qp, sequenceNumber }, PAYLOAD));
  }
  const cells = program.takeRoce()[streamName({ ...STREAM4, qp })] ?? {};
  return Object.fromEntries(Object.entries(cells).filter(([name]) => name.startsWith('psn')));
}

kernelTest('the rules of PSNs, by hand', (t) => {
  const program = start(t);
  const max = 131_072;
  /** Packets below the highest, each below the one before it. */
  const again = (count: number): NamedCells => ({ psnRewinds: count, psnRetransmitted: count });
  const cases: readonly (readonly [readonly number[], NamedCells])[] = [
    [[5], {}],
    [[5, 6, 7], {}],
    [[0xfffffe, 0xffffff, 0, 1], {}],
    [[5, 9], { psnGaps: 1, psnGapPackets: 3 }],
    [[0xffffff, 2], { psnGaps: 1, psnGapPackets: 2 }],
    [[5, 6, 6, 7], { psnRewinds: 1, psnRetransmitted: 1, psnDuplicates: 1 }],
    [
      [5, 6, 8, 9, 7, 8, 9, 10],
      { psnGaps: 1, psnGapPackets: 1, psnRewinds: 1, psnRetransmitted: 3, psnLate: 1, psnDuplicates: 2 },
    ],
    [[0xffffff, 2, 1, 0, 0], { psnGaps: 1, psnGapPackets: 2, ...again(3), psnLate: 2, psnDuplicates: 1 }],
    [[0, 0xffffff, 0, 1], { psnRewinds: 1, psnRetransmitted: 2, psnDuplicates: 2 }],
    // Open: as many holes as a window has room for beside the highest.
    [[1000, 1000 + WINDOW_PSNS], { psnGaps: 1, psnGapPackets: WINDOW_PSNS - 1 }],
    [[1000, 1001 + WINDOW_PSNS], { psnGaps: 1, psnGapPackets: WINDOW_PSNS, psnLost: 1 }],
    [
      [1000, 1001 + WINDOW_PSNS, 1002, 1001],
      { psnGaps: 1, psnGapPackets: WINDOW_PSNS, ...again(2), psnLost: 1, psnLate: 1, psnDuplicates: 1 },
    ],
    [[1000, 1001 + max], { psnGaps: 1, psnGapPackets: max, psnLost: max - (WINDOW_PSNS - 1) }],
    [[1000, 1002 + max], { psnResyncs: 1 }],
    [[1000, 1002 + max, 1003 + max, 1005 + max], { psnResyncs: 1, psnGaps: 1, psnGapPackets: 1 }],
    [[1000, 1003, 1002 + 2 * max], { psnGaps: 1, psnGapPackets: 2, psnResyncs: 1, psnLost: 2 }],
    [[max, 1], { psnRewinds: 1, psnRetransmitted: 1, psnDuplicates: 1 }],
    [[max, 0, 1], { psnResyncs: 1 }],
  ];
  for (const [i, [psns, expected]] of cases.entries()) {
    assert.deepEqual(orderOf(program, QP + i, psns), expected, psns.join(' '));
  }
});

kernelTest('a stream that is silent for longer than the limit begins anew', (t) => {
  const program = start(t);
  const frame = (sequenceNumber: number): Buffer =>
    V2_IPV4.frame({ opcode: 0x07, destinationQp: QP, sequenceNumber }, PAYLOAD);
  for (const [refreshes, gaps] of [
    [0, 1],
    [IDLE_MAX_REFRESHES, 1],
    [IDLE_MAX_REFRESHES + 1, undefined],
    [1000, undefined],
  ] as const) {
    program.passRefreshes(IDLE_MAX_REFRESHES + 1);
    program.run(frame(1));
    program.passRefreshes(refreshes);
    program.run(frame(9));
    assert.equal(program.takeRoce()[streamName(STREAM4)]?.['psnGaps'], gaps, `${refreshes} refreshes`);
  }
});
