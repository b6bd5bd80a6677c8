// SPDX-License-Identifier: Apache-2.0
// The real maps of a loaded object, with faults that a real kernel does not give on demand, and with
// traffic at the very moments when a drain must not mind it. For tests only.

import type {
  FlowBatchSink,
  Half,
  IpVersion,
  KernelMaps,
  OverflowSink,
  RoceBatchSink,
  RoceOverflowSink,
} from '../../../src/kernel/kernel-maps.js';

/** Where a drain can break; `after` means that the kernel has done its part when it does. */
export const FAULTS = [
  'fence',
  'after fence',
  'drainFlows4',
  'between batches of drainFlows4',
  'after drainFlows4',
  'drainFlows6',
  'between batches of drainFlows6',
  'after drainFlows6',
  'drainRoce',
  'between batches of drainRoce',
  'after drainRoce',
  'readOverflow',
  'after readOverflow',
  'readRoceOverflow',
  'after readRoceOverflow',
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

  get setsPerCpu(): number {
    return this.#maps.setsPerCpu;
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

  slots(ipVersion: IpVersion, half: Half): Uint8Array {
    this.#noteRead(half);
    return this.#maps.slots(ipVersion, half);
  }

  async drainFlows(ipVersion: IpVersion, half: Half, sink: FlowBatchSink): Promise<void> {
    this.#at(`drainFlows${ipVersion}`);
    this.#noteRead(half);
    await this.#maps.drainFlows(ipVersion, half, (keys, counts, count) => {
      sink(keys, counts, count); // gone from the map, so given on before anything breaks
      this.#at(`between batches of drainFlows${ipVersion}`);
    });
    this.#at(`after drainFlows${ipVersion}`);
  }

  get roceCapacity(): number {
    return this.#maps.roceCapacity;
  }

  async drainRoce(half: Half, sink: RoceBatchSink): Promise<void> {
    this.#at('drainRoce');
    this.#noteRead(half);
    await this.#maps.drainRoce(half, (keys, counts, count) => {
      sink(keys, counts, count);
      this.#at('between batches of drainRoce');
    });
    this.#at('after drainRoce');
  }

  async readRoceOverflow(sink: RoceOverflowSink): Promise<void> {
    this.#at('readRoceOverflow');
    await this.#maps.readRoceOverflow(sink);
    this.#at('after readRoceOverflow');
  }

  async readOverflow(sink: OverflowSink): Promise<void> {
    this.#at('readOverflow');
    await this.#maps.readOverflow(sink);
    this.#at('after readOverflow');
  }

  async readUnattributed(): Promise<{ packets: number; bytes: number }> {
    this.#at('readUnattributed');
    return await this.#maps.readUnattributed();
  }

  #noteRead(half: Half): void {
    if (!this.#fenced || half === this.#maps.readEpoch()) this.unfencedReads++;
  }
}
