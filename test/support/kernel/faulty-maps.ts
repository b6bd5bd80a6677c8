// SPDX-License-Identifier: Apache-2.0
// The real maps of a loaded object, with faults that a real kernel does not give on demand, and with
// traffic at the very moments when a drain must not mind it. For tests only.

import type {
  BatchSink,
  DrainedMap,
  Half,
  KernelMaps,
  OverflowMap,
  OverflowSink,
  PsnMemory,
  RoceDerivation,
  SlotMemory,
} from '../../../src/kernel/kernel-maps.js';
import type { SlotArray, SlotSizes } from '../../../src/kernel/slot-sizing.js';

/** Where a drain can break; `after` means that the kernel has done its part when it does. */
export const FAULTS = [
  'fence',
  'after fence',
  'drain flows4',
  'between batches of flows4',
  'after flows4',
  'drain flows6',
  'between batches of flows6',
  'after flows6',
  'drain roce',
  'between batches of roce',
  'after roce',
  'drain roce_ports',
  'between batches of roce_ports',
  'after roce_ports',
  'read overflow',
  'after overflow',
  'read roce_overflow',
  'after roce_overflow',
  'readUnattributed',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Called at each of these moments; throws to break the drain there. */
export type AtMoment = (moment: Fault) => void;

export class FaultyMaps implements KernelMaps {
  /** Times that a half was read which programs may still have been writing. */
  unfencedReads = 0;
  #fenced = true;
  readonly #maps: KernelMaps;
  readonly #at: AtMoment;

  constructor(maps: KernelMaps, at: AtMoment) {
    this.#maps = maps;
    this.#at = at;
  }

  get cpuCount(): number {
    return this.#maps.cpuCount;
  }

  get slotSizes(): SlotSizes {
    return this.#maps.slotSizes;
  }

  get flowCapacity(): number {
    return this.#maps.flowCapacity;
  }

  readEpoch(): Half {
    return this.#maps.readEpoch();
  }

  writeEpoch(half: Half): void {
    this.#fenced = false;
    this.#maps.writeEpoch(half);
  }

  async fence(): Promise<void> {
    this.#at('fence');
    await this.#maps.fence();
    this.#at('after fence');
    this.#fenced = true;
  }

  slots(array: SlotArray, half: Half): SlotMemory {
    this.#noteRead(half);
    return this.#maps.slots(array, half);
  }

  get roceDerivation(): RoceDerivation {
    return this.#maps.roceDerivation;
  }

  get psn(): PsnMemory {
    return this.#maps.psn;
  }

  refused(half: Half): Uint8Array {
    this.#noteRead(half);
    return this.#maps.refused(half);
  }

  async drain(map: DrainedMap, half: Half, sink: BatchSink): Promise<void> {
    this.#at(`drain ${map}`);
    this.#noteRead(half);
    await this.#maps.drain(map, half, (keys, counts, count) => {
      sink(keys, counts, count); // gone from the map, so given on before anything breaks
      this.#at(`between batches of ${map}`);
    });
    this.#at(`after ${map}`);
  }

  async copy(map: DrainedMap, half: Half, sink: BatchSink): Promise<void> {
    this.#noteRead(half);
    await this.#maps.copy(map, half, sink);
  }

  get hashSeed(): number {
    return this.#maps.hashSeed;
  }

  get roceCapacity(): number {
    return this.#maps.roceCapacity;
  }

  async readOverflow(map: OverflowMap, sink: OverflowSink): Promise<void> {
    this.#at(`read ${map}`);
    await this.#maps.readOverflow(map, sink);
    this.#at(`after ${map}`);
  }

  async clearOverflow(map: OverflowMap, half: Half): Promise<void> {
    await this.#maps.clearOverflow(map, half);
  }

  async readUnattributed(): Promise<{ packets: number; bytes: number }> {
    this.#at('readUnattributed');
    return await this.#maps.readUnattributed();
  }

  #noteRead(half: Half): void {
    if (!this.#fenced || half === this.#maps.readEpoch()) this.unfencedReads++;
  }
}
