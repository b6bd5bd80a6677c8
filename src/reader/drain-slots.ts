// SPDX-License-Identifier: Apache-2.0
// The flow slots of one quiet half become rows, through mapped memory. Touches nothing else.

import type { FlowRowBuffer } from '../abi/flow-row-buffer.js';
import { FLOW_KEY4, FLOW_KEY6, FLOW_SLOT4, FLOW_SLOT6 } from '../abi/layout.js';
import type { IpVersion, SlotMemory } from '../kernel/kernel-maps.js';
import { drainMarkedBlocks, type Taking, visitMarkedBlocks } from './marked-blocks.js';

const WORD_BYTES = 4;

export interface SlotDrainParts {
  interfaceIdOf(ifindex: number): number;
  yieldToLoop(): Promise<void>;
  /** Unless told, slots are emptied. */
  readonly taking?: Taking;
}

/**
 * Appends every slot in use to `rows` and, where slots are emptied, zeroes it, with its key: a flow's first
 * packet of an epoch must find no slot, as only those who take one set a mark. Returns the slots that were
 * in use.
 */
export async function drainSlots(
  ipVersion: IpVersion,
  { slots, marks }: SlotMemory,
  rows: FlowRowBuffer,
  parts: SlotDrainParts,
): Promise<number> {
  const words = new Uint32Array(slots.buffer, slots.byteOffset, slots.byteLength / WORD_BYTES);
  const layout = ipVersion === 4 ? FLOW_SLOT4 : FLOW_SLOT6;
  const slotWords = layout.size / WORD_BYTES;
  const blockWords = words.length / marks.length;
  const packetsWord = layout.packets / WORD_BYTES;
  const bytesWord = layout.bytes / WORD_BYTES;
  const ifindexWord = (ipVersion === 4 ? FLOW_KEY4.ifindex : FLOW_KEY6.ifindex) / WORD_BYTES;
  const slotsPerBlock = blockWords / slotWords;
  let used = 0;
  const readBlock = (block: number): void => {
    const start = block * blockWords;
    const end = start + blockWords;
    rows.reserve(slotsPerBlock);
    for (let slot = start; slot < end; slot += slotWords) {
      const packets = words[slot + packetsWord] ?? 0;
      if (packets === 0) continue;
      const bytes = words[slot + bytesWord] ?? 0;
      const interfaceId = parts.interfaceIdOf(words[slot + ifindexWord] ?? 0);
      if (ipVersion === 4) rows.append4(words, slot, interfaceId, packets, bytes);
      else rows.append6(words, slot, interfaceId, packets, bytes);
      used++;
    }
  };
  if (parts.taking === 'copying') {
    await visitMarkedBlocks(marks, slotsPerBlock, readBlock, parts.yieldToLoop);
    return used;
  }
  const drainBlock = (block: number): void => {
    readBlock(block);
    words.fill(0, block * blockWords, (block + 1) * blockWords);
  };
  await drainMarkedBlocks(marks, slotsPerBlock, drainBlock, parts.yieldToLoop);
  return used;
}
