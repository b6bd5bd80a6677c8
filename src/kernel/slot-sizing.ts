// SPDX-License-Identifier: Apache-2.0
// How large the slot arrays are, and where the marks of each lie. Pure.

import { MARK_LINE_BYTES, SLOT_SET4, SLOT_SET6 } from '../abi/layout.js';
import { ROCE_SLOT_WAYS, ROCE_SLOT4, ROCE_SLOT6 } from '../abi/roce-records.js';

/** Both epochs exist at once. */
const HALVES = 2;
const MEBI = 1024 * 1024;
/** A mark is for so many sets at most: what is looked at for one slot in use. */
const BLOCK_SHIFT_MAX = 6;

/** Slot arrays by the names of their maps. */
export const SLOT_ARRAYS = ['slots4', 'slots6', 'roce_slots4', 'roce_slots6'] as const;
export type SlotArray = (typeof SLOT_ARRAYS)[number];

/** Slots and bytes of a set, and slots for each IPv4 flow slot: together 80 bytes for each. */
const SHAPES: Readonly<Record<SlotArray, { ways: number; setBytes: number; share: number }>> = {
  slots4: { ways: SLOT_SET4.ways, setBytes: SLOT_SET4.size, share: 1 },
  slots6: { ways: SLOT_SET6.ways, setBytes: SLOT_SET6.size, share: 1 / 4 },
  roce_slots4: { ways: ROCE_SLOT_WAYS, setBytes: ROCE_SLOT_WAYS * ROCE_SLOT4.size, share: 1 / 4 },
  roce_slots6: { ways: ROCE_SLOT_WAYS, setBytes: ROCE_SLOT_WAYS * ROCE_SLOT6.size, share: 1 / 8 },
};

export interface SlotSizing {
  /** IPv4 slots wanted per CPU and half; rounded down to a power of two. */
  readonly slotsPerCpu: number;
  /** Possible CPUs, not online ones: the slot arrays have a row for each. */
  readonly cpuCount: number;
  /** Bytes that all slot arrays may take together, all CPUs and both halves. */
  readonly maxSlotBytes: number;
  /** Whether RoCE is read; where it is not, its arrays have one set per CPU. */
  readonly hasRoce: boolean;
}

export interface SlotArraySize {
  /** Per CPU and half; a power of two, at least 1. */
  readonly sets: number;
  readonly ways: number;
  readonly setBytes: number;
  /** log2 of the sets that share a mark; they are all of one CPU and half. */
  readonly blockShift: number;
  /** Number of the array's first mark in slot_marks: half 0, CPU 0. */
  readonly firstMark: number;
  /** Marks of each half, all CPUs; half 1 follows half 0. */
  readonly marksPerHalf: number;
}

export interface SlotSizes {
  readonly cpuCount: number;
  readonly arrays: Readonly<Record<SlotArray, SlotArraySize>>;
  /** Elements of slot_marks, MARK_LINE_BYTES each. */
  readonly markLines: number;
}

/**
 * As many IPv4 slots as wanted, halved until all arrays fit, so that a host with 256 CPUs does not pay
 * 256 times. At least one set each, even where that does not fit.
 */
export function chooseSlotSizes({ slotsPerCpu, cpuCount, maxSlotBytes, hasRoce }: SlotSizing): SlotSizes {
  let slots = 2 ** Math.floor(Math.log2(Math.max(1, slotsPerCpu)));
  for (;;) {
    const sizes = layOut(slots, cpuCount, hasRoce);
    if (slots === 1 || slotBytes(sizes) <= maxSlotBytes) return sizes;
    slots /= 2;
  }
}

/** The sizes that programs were loaded with, of what their options say. */
export function slotSizesOf(
  cpuCount: number,
  markLines: number,
  options: (name: SlotArray) => Pick<SlotArraySize, 'sets' | 'blockShift' | 'firstMark'>,
): SlotSizes {
  const size = (name: SlotArray): SlotArraySize => {
    const { sets, blockShift, firstMark } = options(name);
    const { ways, setBytes } = SHAPES[name];
    return { sets, ways, setBytes, blockShift, firstMark, marksPerHalf: cpuCount * (sets >> blockShift) };
  };
  const arrays = {
    slots4: size('slots4'),
    slots6: size('slots6'),
    roce_slots4: size('roce_slots4'),
    roce_slots6: size('roce_slots6'),
  };
  return { cpuCount, arrays, markLines };
}

/** Bytes of all slot arrays: every CPU, both halves. */
export function slotBytes({ arrays, cpuCount }: SlotSizes): number {
  const perCpu = SLOT_ARRAYS.reduce((sum, name) => sum + arrays[name].sets * arrays[name].setBytes, 0);
  return perCpu * cpuCount * HALVES;
}

/** Slots of one half, all CPUs. */
export function slotCount({ arrays, cpuCount }: SlotSizes, name: SlotArray): number {
  return arrays[name].sets * arrays[name].ways * cpuCount;
}

/** What a host gives to slots unless told: a thousandth of its memory, 16 to 512 MiB. */
export function slotBytesOfHost(memoryBytes: number): number {
  return Math.min(512 * MEBI, Math.max(16 * MEBI, Math.floor(memoryBytes / 1000)));
}

function layOut(slots4: number, cpuCount: number, hasRoce: boolean): SlotSizes {
  let firstMark = 0;
  const size = (name: SlotArray): SlotArraySize => {
    const { ways, setBytes, share } = SHAPES[name];
    const isMinimal = !hasRoce && name.startsWith('roce_');
    const sets = isMinimal ? 1 : Math.max(1, (slots4 * share) / ways);
    const blockShift = Math.min(BLOCK_SHIFT_MAX, Math.log2(sets));
    const marksPerHalf = cpuCount * (sets >> blockShift);
    const found = { sets, ways, setBytes, blockShift, firstMark, marksPerHalf };
    firstMark += HALVES * marksPerHalf;
    return found;
  };
  const arrays = {
    slots4: size('slots4'),
    slots6: size('slots6'),
    roce_slots4: size('roce_slots4'),
    roce_slots6: size('roce_slots6'),
  };
  return { cpuCount, arrays, markLines: Math.ceil(firstMark / MARK_LINE_BYTES) };
}
