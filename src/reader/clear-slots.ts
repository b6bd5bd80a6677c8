// SPDX-License-Identifier: Apache-2.0
// Zeroes the slots of one quiet half, of whatever kind, through mapped memory, and their marks.

import type { SlotMemory } from '../kernel/kernel-maps.js';
import { drainMarkedBlocks } from './marked-blocks.js';

/** Bytes that count as a slot where the event loop gets its turn: zeroing is cheaper than reading. */
const BYTES_PER_SLOT = 256;

export async function clearSlots(
  { slots, marks }: SlotMemory,
  yieldToLoop: () => Promise<void>,
): Promise<void> {
  const blockBytes = slots.length / marks.length;
  const clearBlock = (block: number): void => {
    slots.fill(0, block * blockBytes, (block + 1) * blockBytes);
  };
  await drainMarkedBlocks(marks, blockBytes / BYTES_PER_SLOT, clearBlock, yieldToLoop);
}
