// SPDX-License-Identifier: Apache-2.0
// What the slots of a host of many CPUs cost a drain: the real reading, over plain memory of the size that
// such a host maps, by the marks that programs set, and with every mark set, which is a look at every slot.

import { FlowRowBuffer } from '../src/abi/flow-row-buffer.js';
import { FLOW_KEY4, FLOW_SLOT4 } from '../src/abi/layout.js';
import { chooseSlotSizes } from '../src/kernel/slot-sizing.js';
import { drainSlots } from '../src/reader/drain-slots.js';

const CPUS = 256;
const MAX_SLOT_BYTES = 512 * 1024 * 1024;
const ROUNDS = 7;
/** Sets that programs use at least: SETS_LEAST of bpf/thrift.h. */
const SETS_USED_LEAST = 1024;

export interface MarksRow {
  readonly cpus: number;
  readonly cpusInUse: number;
  readonly flows: number;
  /** Of all IPv4 slots, one half: medians. */
  readonly readMs: number;
  readonly everySlotMs: number;
}

/** Takes 128 MiB of memory. */
export async function benchMarks(): Promise<MarksRow[]> {
  const sizes = chooseSlotSizes({
    slotsPerCpu: 131_072,
    cpuCount: CPUS,
    maxSlotBytes: MAX_SLOT_BYTES,
    hasRoce: true,
  });
  const { sets, setBytes, marksPerHalf, blockShift } = sizes.arrays.slots4;
  const slots = new Uint8Array(CPUS * sets * setBytes);
  const marks = new Uint8Array(marksPerHalf);
  const view = new DataView(slots.buffer);
  const rows = new FlowRowBuffer();
  const parts = { interfaceIdOf: () => 1, yieldToLoop: async () => undefined };

  function fill(cpusInUse: number, flowsPerCpu: number): void {
    for (let cpu = 0; cpu < cpusInUse; cpu++) {
      for (let flow = 0; flow < flowsPerCpu; flow++) {
        // A slot in every set, then the next of each: as a hash spreads flows, but without luck.
        const set = cpu * sets + (flow % SETS_USED_LEAST);
        const way = Math.floor(flow / SETS_USED_LEAST);
        const at = set * setBytes + way * FLOW_SLOT4.size;
        view.setUint32(at + FLOW_KEY4.ifindex, 1, true);
        view.setUint32(at + FLOW_SLOT4.packets, 1, true);
        marks[set >> blockShift] = 1;
      }
    }
  }

  async function time(cpusInUse: number, flowsPerCpu: number, isEverySlot: boolean): Promise<number> {
    const tookMs: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      fill(cpusInUse, flowsPerCpu);
      if (isEverySlot) marks.fill(1);
      rows.clear();
      const startMs = performance.now();
      const used = await drainSlots(4, { slots, marks }, rows, parts);
      if (round > 0) tookMs.push(performance.now() - startMs);
      if (used !== cpusInUse * flowsPerCpu) throw new Error(`found ${used} slots in use`);
    }
    return tookMs.toSorted((a, b) => a - b)[tookMs.length >> 1] ?? Number.NaN;
  }

  const found: MarksRow[] = [];
  for (const [cpusInUse, flowsPerCpu] of [
    [0, 0],
    [8, 1],
    [8, 1000],
    [256, 100],
  ] as const) {
    found.push({
      cpus: CPUS,
      cpusInUse,
      flows: cpusInUse * flowsPerCpu,
      readMs: await time(cpusInUse, flowsPerCpu, false),
      everySlotMs: await time(cpusInUse, flowsPerCpu, true),
    });
  }
  return found;
}
