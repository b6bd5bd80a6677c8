// SPDX-License-Identifier: Apache-2.0
// A drain in two steps, for counts that outlive the process: a half is copied, what it holds is written down
// elsewhere (state/), and only then is it cleared in the kernel. So whenever the process dies, each packet is
// either in the kernel or in what was written, and the one who takes over can tell which:
//
//   the half that is quiet now is the half that was written down last  ->  it is in there: clear it
//   it is the other one                                                ->  it is not: read it
//
// as a half is flipped to only after it was cleared. A drain that fails hands over nothing, for the half is
// still whole, and the next one reads it again.

import type { Half, KernelMaps } from '../kernel/kernel-maps.js';
import { clearSlots } from './clear-slots.js';
import type { Drain, DrainResult } from './drain.js';
import { type DrainParts, type Found, HalfReader, nothingFound } from './half-reader.js';

export interface KeptDrain extends Drain {
  /** Copies a half; each is handed over by one drain alone that does not tell an error. */
  drain(): Promise<DrainResult>;
  /** The half of the last drain that told no error: to be written down with what it held. */
  readonly copied: Half | undefined;
  /** What was copied has been written down. Rejects with KernelError: then the next drain clears it. */
  clear(): Promise<void>;
}

/**
 * @param written which half was written down last, by whomever had these maps before; undefined where nothing
 *   was: then both halves are read. `new_maps`: nobody had them, so that the half that is quiet has never been written, and the first
 *   drain is of the other one.
 */
export function createKeptDrain(parts: DrainParts, written?: Half | 'new_maps'): KeptDrain {
  const { maps, nowMs } = parts;
  const reader = new HalfReader('copying', parts);
  const quietAtFirst = otherThan(maps.readEpoch());
  /** To be cleared before anything else: it is written down. */
  let uncleared: Half | undefined = written === quietAtFirst ? written : undefined;
  /** Quiet or about to be, and in no written state: to be copied before the next flip. */
  let unread: Half | undefined =
    written === quietAtFirst || written === 'new_maps' ? undefined : quietAtFirst;
  let copied: Half | undefined;
  let isFenced = false;
  let unattributedPackets = 0;
  let isRunning = false;

  async function clearNow(): Promise<void> {
    if (uncleared === undefined) return;
    await fence(); // nobody of a former process may still write it
    await clearHalf(maps, uncleared, parts.yieldToLoop);
    uncleared = undefined;
  }

  async function fence(): Promise<void> {
    if (!isFenced) await maps.fence();
    isFenced = true;
  }

  async function copy(found: Found): Promise<{ half: Half; fenceMs: number; readMs: number }> {
    await clearNow();
    if (unread === undefined) {
      const half = maps.readEpoch();
      maps.writeEpoch(otherThan(half));
      isFenced = false;
      unread = half;
    }
    const half = unread;
    const startedMs = nowMs();
    await fence();
    const fencedMs = nowMs();
    await reader.read(half, found);
    return { half, fenceMs: fencedMs - startedMs, readMs: nowMs() - fencedMs };
  }

  async function drain(): Promise<DrainResult> {
    const found = nothingFound();
    reader.begin();
    try {
      const { half, fenceMs, readMs } = await copy(found);
      unattributedPackets = (await maps.readUnattributed()).packets;
      await reader.lookAtOrder();
      // From here on it is the caller's: it is never read again, and cleared before the next flip.
      unread = undefined;
      copied = half;
      uncleared = half;
      const { rows, roceRows } = reader;
      return { rows, roceRows, ...found, unattributedPackets, fenceMs, readMs };
    } catch (error) {
      reader.begin();
      const { rows, roceRows } = reader;
      return { rows, roceRows, ...nothingFound(), unattributedPackets, fenceMs: 0, readMs: 0, error };
    }
  }

  return {
    get copied() {
      return copied;
    },
    async drain() {
      if (isRunning) throw new Error('a drain is running already');
      isRunning = true;
      try {
        return await drain();
      } finally {
        isRunning = false;
      }
    },
    clear: clearNow,
  };
}

function otherThan(half: Half): Half {
  return half === 0 ? 1 : 0;
}

async function clearHalf(maps: KernelMaps, half: Half, yieldToLoop: () => Promise<void>): Promise<void> {
  for (const array of ['slots4', 'slots6', 'roce_slots4', 'roce_slots6'] as const)
    await clearSlots(maps.slots(array, half), yieldToLoop);
  for (const map of ['flows4', 'flows6', 'roce', 'roce_ports'] as const) {
    await maps.drain(map, half, () => undefined);
  }
  maps.refused(half).fill(0);
  await maps.clearOverflow('overflow', half);
  await maps.clearOverflow('roce_overflow', half);
}
