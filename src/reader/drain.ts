// SPDX-License-Identifier: Apache-2.0
// One drain: flip the epoch, wait until nobody writes the old half, empty it. Knows the order and
// nothing of FFI; knows no table and no metric.
//
//        epoch 0                          epoch 1
//   programs write half 0   flip ->  programs write half 1
//                                    fence: an RCU grace period
//                                    half 0 is quiet: slots, RoCE slots, flow maps, RoCE streams are emptied,
//                                    and what had overflowed is read
//
// A step that fails leaves the half where it is. What was read is handed over; the next drain
// finishes that half before it flips again. So nothing is lost and nothing is counted twice.

import type { FlowRows, OverflowRow } from '../abi/records.js';
import type { RoceOverflowRow, RoceRows } from '../abi/roce-records.js';
import type { Half } from '../kernel/kernel-maps.js';
import { type DrainEntries, type DrainParts, type Found, HalfReader, nothingFound } from './half-reader.js';

export interface DrainResult {
  /** Valid until the next drain. */
  readonly rows: FlowRows;
  readonly overflow: readonly OverflowRow[];
  /** Likewise until the next drain. */
  readonly roceRows: RoceRows;
  readonly roceOverflow: readonly RoceOverflowRow[];
  /** Total since load of what even the overflow map could not take; 0 unless something is wrong. */
  readonly unattributedPackets: number;
  readonly entries: DrainEntries;
  /** As Found has it. */
  readonly unseenFlows: number;
  readonly fenceMs: number;
  readonly readMs: number;
  /** Why this drain is not complete; what is missing comes with the next one. */
  readonly error?: unknown;
  /** With an error: the rows are all that was counted, and only what is told beside them is missing. */
  readonly hasAllRows?: boolean;
}

/** The half that is being emptied, and how far that has come. */
interface Pending {
  readonly half: Half;
  fenced: boolean;
}

interface Times {
  readonly fenceMs: number;
  readonly readMs: number;
}

export interface Drain {
  /** Never rejects. One at a time: a second call while one runs throws. */
  drain(): Promise<DrainResult>;
}

export function createDrain(parts: DrainParts): Drain {
  const { maps, nowMs } = parts;
  const reader = new HalfReader('emptying', parts);
  let pending: Pending | undefined;
  let unattributedPackets = 0;
  let running = false;

  /** Empties the pending half, beginning one if there is none. */
  async function drainHalf(found: Found): Promise<Times> {
    if (pending === undefined) {
      const half = maps.readEpoch();
      maps.writeEpoch(half === 0 ? 1 : 0);
      pending = { half, fenced: false };
    }
    const startedMs = nowMs();
    if (!pending.fenced) {
      await maps.fence();
      pending.fenced = true;
    }
    const fencedMs = nowMs();
    await reader.read(pending.half, found);
    pending = undefined;
    return { fenceMs: fencedMs - startedMs, readMs: nowMs() - fencedMs };
  }

  async function drain(): Promise<DrainResult> {
    const found = nothingFound();
    let times: Times = { fenceMs: 0, readMs: 0 };
    let error: unknown;
    let hasAllRows = false;
    reader.begin();
    try {
      if (pending !== undefined) {
        await drainHalf(found); // what the last drain left
      }
      times = await drainHalf(found);
      hasAllRows = true;
      unattributedPackets = (await maps.readUnattributed()).packets;
      await reader.lookAtOrder();
    } catch (caught) {
      error = caught;
    }
    const { rows, roceRows } = reader;
    const result = { rows, roceRows, ...found, unattributedPackets, ...times };
    return error === undefined ? result : { ...result, error, hasAllRows };
  }

  return {
    async drain() {
      if (running) throw new Error('a drain is running already');
      running = true;
      try {
        return await drain();
      } finally {
        running = false;
      }
    },
  };
}
