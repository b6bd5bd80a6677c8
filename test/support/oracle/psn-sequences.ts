// SPDX-License-Identifier: Apache-2.0
// Sequences of packets for tests of the order of PSNs, and what a tracker says of them, with names.

import { type NamedCells, namedCells } from '../roce/roce-sums.js';
import { PsnTracker, type SequencedPacket } from './reference-psn.js';

export const RING = 2 ** 24;
/** Of trackers made here, unless told. */
export const IDLE_MAX = 3;
export const READ_REQUEST = 0x0c;
/** RDMA WRITE middle. */
export const MIDDLE = 0x07;

/** A packet of which tests say what matters. PSNs may go beyond the ring, and below 0. */
export type Given = Partial<SequencedPacket<string>> & { readonly psn: number };

export function trackerOf(windowPsns = 1024): PsnTracker<string> {
  return new PsnTracker({ idleMaxRefreshes: IDLE_MAX, windowPsns });
}

/** Adds up what packets add, in their order. */
export function sum(packets: readonly Given[], tracker = trackerOf()): NamedCells {
  const cells = new Map<number, number>();
  for (const packet of packets) {
    const added = tracker.track({
      stream: 'a',
      key: 'a',
      opcode: MIDDLE,
      refresh: 0,
      ...packet,
      psn: ((packet.psn % RING) + RING) % RING,
    });
    for (const [cell, amount] of added) {
      cells.set(cell, (cells.get(cell) ?? 0) + amount);
    }
  }
  return namedCells(cells);
}

/** Gaps, rewinds, retransmissions and resyncs: told by the last packet and the highest PSN alone. */
export function sumSteps(packets: readonly Given[]): NamedCells {
  return without(sum(packets), ['psnLate', 'psnLost', 'psnDuplicates']);
}

/** Late, lost and duplicate packets: told by what is missing below the highest PSN. */
export function sumWindow(packets: readonly Given[], tracker = trackerOf()): NamedCells {
  const steps = ['psnGaps', 'psnGapPackets', 'psnRewinds', 'psnRetransmitted', 'psnResyncs'];
  return without(sum(packets, tracker), steps);
}

/** So many packets in order. */
export function run(from: number, count: number): Given[] {
  return Array.from({ length: count }, (_, i) => ({ psn: from + i }));
}

function without(cells: NamedCells, names: readonly string[]): NamedCells {
  return Object.fromEntries(Object.entries(cells).filter(([name]) => !names.includes(name)));
}
