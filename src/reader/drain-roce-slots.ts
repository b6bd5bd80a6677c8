// SPDX-License-Identifier: Apache-2.0
// The RoCE slots of one quiet half: a row of a stream and a row of a flow for each, as the kernel
// would have counted them had it looked at every packet's headers alone. Touches nothing else.

import { type FlowRowBuffer, numberFromU64 } from '../abi/flow-row-buffer.js';
import { FLOW_KEY4, FLOW_KEY6 } from '../abi/layout.js';
import { foldsPort } from '../abi/port-folding.js';
import { ROCE_SLOT4, ROCE_SLOT6 } from '../abi/roce-records.js';
import type { RoceRowBuffer } from '../abi/roce-row-buffer.js';
import { fillFlowTraits, ROCE_V2_PORT } from '../abi/roce-shape.js';
import type { IpVersion, RoceDerivation, SlotMemory } from '../kernel/kernel-maps.js';
import { drainMarkedBlocks, type Taking, visitMarkedBlocks } from './marked-blocks.js';

const WORD_BYTES = 4;
const ADDRESS_WORDS = 8;
const IPV4_MAPPED = 0xffff0000;
/** A RoCE slot takes as long as so many slots of flows: it makes two rows. */
const SLOT_WEIGHT = 4;

export interface RoceSlotDrainParts {
  readonly derivation: RoceDerivation;
  interfaceIdOf(ifindex: number): number;
  yieldToLoop(): Promise<void>;
  /** Unless told, slots are emptied. */
  readonly taking?: Taking;
}

export interface RoceSlotRows {
  readonly flows: FlowRowBuffer;
  readonly streams: RoceRowBuffer;
}

/** Appends every slot in use to `rows`, and zeroes it as drainSlots() does. Returns the slots that were in use. */
export async function drainRoceSlots(
  ipVersion: IpVersion,
  { slots, marks }: SlotMemory,
  rows: RoceSlotRows,
  parts: RoceSlotDrainParts,
): Promise<number> {
  const take = roceSlotTaker(ipVersion, slots, rows, parts);
  const blockBytes = slots.length / marks.length;
  const slotsPerBlock = blockBytes / (ipVersion === 4 ? ROCE_SLOT4 : ROCE_SLOT6).size;
  let used = 0;
  const readBlock = (block: number): void => {
    used += take(block * blockBytes, (block + 1) * blockBytes);
  };
  const visit = parts.taking === 'copying' ? visitMarkedBlocks : drainMarkedBlocks;
  await visit(marks, SLOT_WEIGHT * slotsPerBlock, readBlock, parts.yieldToLoop);
  return used;
}

/** What does the same at once for the slots from one byte of `memory` to another; unless told, it empties them. */
export function roceSlotTaker(
  ipVersion: IpVersion,
  memory: Uint8Array,
  rows: RoceSlotRows,
  parts: Pick<RoceSlotDrainParts, 'derivation' | 'interfaceIdOf' | 'taking'>,
): (fromByte: number, toByte: number) => number {
  const layout = ipVersion === 4 ? ROCE_SLOT4 : ROCE_SLOT6;
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.byteLength / WORD_BYTES);
  const slotWords = layout.size / WORD_BYTES;
  const packetsWord = layout.packets / WORD_BYTES;
  const addRows = rowAdder(ipVersion, words, rows, parts);
  return (fromByte, toByte) => {
    let used = 0;
    rows.flows.reserve((toByte - fromByte) / layout.size);
    for (let at = fromByte / WORD_BYTES; at < toByte / WORD_BYTES; at += slotWords) {
      if (words[at + packetsWord] === 0 && words[at + packetsWord + 1] === 0) continue;
      addRows(at);
      if (parts.taking !== 'copying') words.fill(0, at, at + slotWords);
      used++;
    }
    return used;
  };
}

/** What makes rows of the slot at words[at]. */
function rowAdder(
  ipVersion: IpVersion,
  words: Uint32Array,
  { flows, streams }: RoceSlotRows,
  { derivation, interfaceIdOf }: Pick<RoceSlotDrainParts, 'derivation' | 'interfaceIdOf'>,
): (at: number) => void {
  const layout = ipVersion === 4 ? ROCE_SLOT4 : ROCE_SLOT6;
  const { mask4, mask6, ephemeralPorts } = derivation;
  const maskBytes = Uint8Array.from(ipVersion === 4 ? mask4 : mask6);
  const mask = new Uint32Array(maskBytes.buffer);
  const key = new Uint32Array((ipVersion === 4 ? FLOW_KEY4.size : FLOW_KEY6.size) / WORD_BYTES);
  const traits = (ipVersion === 4 ? FLOW_KEY4.srcPort : FLOW_KEY6.srcPort) / WORD_BYTES;
  const addresses = new Uint32Array(ADDRESS_WORDS);
  const shape = layout.shape / WORD_BYTES;
  const u64At = (at: number, offset: number): number => numberFromU64(words, at + offset / WORD_BYTES);
  return (at) => {
    if (ipVersion === 4) {
      addresses.fill(0);
      addresses[2] = addresses[6] = IPV4_MAPPED;
      addresses[3] = words[at] ?? 0;
      addresses[7] = words[at + 1] ?? 0;
    } else {
      for (let word = 0; word < ADDRESS_WORDS; word++) addresses[word] = words[at + word] ?? 0;
    }
    const interfaceId = interfaceIdOf(words[at + shape] ?? 0);
    const counts = {
      packets: u64At(at, layout.packets),
      bytes: u64At(at, layout.bytes),
      strayedBytes: u64At(at, layout.strayedBytes),
      srcPort: (words[at + layout.srcPort / WORD_BYTES] ?? 0) & 0xffff,
    };
    streams.appendSlot(addresses, words, at + shape, interfaceId, counts);

    const packets = counts.packets - u64At(at, layout.strayedPackets);
    if (packets === 0) return;
    const isFolded = ephemeralPorts !== undefined && foldsPort(ephemeralPorts, counts.srcPort, ROCE_V2_PORT);
    for (let word = 0; word < traits; word++) key[word] = words[at + word] ?? 0;
    fillFlowTraits(key, traits, words, at + shape, isFolded ? 0 : counts.srcPort);
    if (ephemeralPorts !== undefined && foldsPort(ephemeralPorts, ROCE_V2_PORT, counts.srcPort)) {
      key[traits] = (key[traits] ?? 0) & 0xffff;
    }
    for (let word = 0; word < key.length; word++) key[word] = (key[word] ?? 0) & (mask[word] ?? 0);
    const bytes = counts.bytes - counts.strayedBytes;
    if (ipVersion === 4) flows.append4(key, 0, interfaceId, packets, bytes);
    else flows.append6(key, 0, interfaceId, packets, bytes);
  };
}
