// SPDX-License-Identifier: Apache-2.0
// Empties the slots of one quiet half into rows, through mapped memory. Touches nothing else.

import type { FlowRowBuffer } from '../abi/flow-row-buffer.js';
import { FLOW_KEY4, FLOW_KEY6, FLOW_SLOT4, FLOW_SLOT6 } from '../abi/layout.js';
import type { IpVersion } from '../kernel/kernel-maps.js';

const WORD_BYTES = 4;
const SLOT_WORDS = FLOW_SLOT4.size / WORD_BYTES;
/** Slots looked at before the event loop gets its turn: about 1 ms when all are in use. */
const SLOTS_PER_TURN = 16384;

export interface SlotDrainParts {
  interfaceIdOf(ifindex: number): number;
  yieldToLoop(): Promise<void>;
}

/**
 * Appends every slot in use to `rows` and zeroes its count. The key stays: a slot without packets
 * counts as empty, and a flow that goes on finds its place again. Returns the slots that were in use.
 */
export async function drainSlots(
  ipVersion: IpVersion,
  memory: Uint8Array,
  rows: FlowRowBuffer,
  parts: SlotDrainParts,
): Promise<number> {
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.byteLength / WORD_BYTES);
  const slotCount = words.length / SLOT_WORDS;
  const countWord = (ipVersion === 4 ? FLOW_SLOT4.count : FLOW_SLOT6.count) / WORD_BYTES;
  const ifindexWord = (ipVersion === 4 ? FLOW_KEY4.ifindex : FLOW_KEY6.ifindex) / WORD_BYTES;
  let used = 0;
  for (let first = 0; first < slotCount; first += SLOTS_PER_TURN) {
    const end = Math.min(slotCount, first + SLOTS_PER_TURN);
    rows.reserve(end - first);
    for (let slot = first; slot < end; slot++) {
      const key = slot * SLOT_WORDS;
      const count = key + countWord;
      if (words[count] === 0 && words[count + 1] === 0) continue;
      const interfaceId = parts.interfaceIdOf(words[key + ifindexWord] ?? 0);
      if (ipVersion === 4) {
        rows.append4(words, key, interfaceId, words, count);
      } else {
        rows.append6(words, key, interfaceId, words, count);
      }
      words.fill(0, count, count + 4);
      used++;
    }
    if (end < slotCount) {
      await parts.yieldToLoop();
    }
  }
  return used;
}
