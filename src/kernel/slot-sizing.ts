// SPDX-License-Identifier: Apache-2.0
// How many slot sets each CPU gets. Pure.

import { SLOT_SET_SIZE, SLOT_WAYS } from '../abi/layout.js';

/** Both epochs of both families exist at once. */
const HALVES = 2;
const FAMILIES = 2;

export interface SlotSizing {
  /** Slots wanted per CPU, half and IP version; rounded down to a power of two. */
  readonly slotsPerCpu: number;
  /** Possible CPUs, not online ones: the slot arrays have a row for each. */
  readonly cpuCount: number;
  /** Bytes that the slots of all CPUs, halves and families may take together. */
  readonly maxSlotBytes: number;
}

/** Bytes of all slot memory with so many sets per CPU. */
export function slotBytes(setsPerCpu: number, cpuCount: number): number {
  return setsPerCpu * cpuCount * HALVES * FAMILIES * SLOT_SET_SIZE;
}

/**
 * Sets per CPU, a power of two: the wanted number, halved until the whole table fits, so that a
 * host with 256 CPUs does not pay 256 times. At least one, even where that does not fit.
 */
export function chooseSetsPerCpu({ slotsPerCpu, cpuCount, maxSlotBytes }: SlotSizing): number {
  let sets = 1;
  while (sets * 2 * SLOT_WAYS <= slotsPerCpu) sets *= 2;
  while (sets > 1 && slotBytes(sets, cpuCount) > maxSlotBytes) sets /= 2;
  return sets;
}
