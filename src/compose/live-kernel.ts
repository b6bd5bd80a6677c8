// SPDX-License-Identifier: Apache-2.0
// The object in the kernel that counts now, and its drain. Another configuration may need another object:
// what both have counted comes to the same accounts, one after the other.

import { isDeepStrictEqual } from 'node:util';
import type { InterfaceIds } from '../attach/interface-ids.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { KernelMaps } from '../kernel/kernel-maps.js';
import type { LoadOptions } from '../kernel/prepare-object.js';
import type { Logger } from '../log.js';
import type { DrainResult } from '../reader/drain.js';
import { loadOptionsOf, type ObjectPaths } from './connect-kernel.js';
import type { CountedMark } from './counted-mark.js';
import type { TakeOverDrain } from './drain-predecessors.js';
import type { OpenedKernel } from './open-kernel.js';
import { connectTakeOver } from './take-over.js';

export interface LiveKernelParts {
  readonly ids: InterfaceIds;
  readonly mark: CountedMark;
  /** Whether the interface of this ifindex is to be attached. */
  isMeant(ifindex: number): boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

export class LiveKernel implements TakeOverDrain {
  readonly #paths: ObjectPaths;
  readonly #parts: LiveKernelParts;
  #options: LoadOptions;
  #opened: OpenedKernel;
  #drain: TakeOverDrain;
  /** Of objects before this one. */
  #unattributedBefore = 0;
  #unattributed = 0;

  constructor(opened: OpenedKernel, config: Config, paths: ObjectPaths, parts: LiveKernelParts) {
    this.#paths = paths;
    this.#parts = parts;
    this.#options = loadOptionsOf(config, paths);
    this.#opened = opened;
    this.#drain = connectTakeOver(opened, parts);
  }

  get maps(): KernelMaps {
    return this.#opened.object.maps;
  }

  async drain(): Promise<DrainResult> {
    const result = await this.#drain.drain();
    this.#unattributed = result.unattributedPackets;
    return { ...result, unattributedPackets: this.#unattributedBefore + this.#unattributed };
  }

  isTakingOver(): boolean {
    return this.#drain.isTakingOver();
  }

  noteCounted(): void {
    this.#drain.noteCounted();
  }

  clear(): Promise<void> {
    return this.#drain.clear();
  }

  /**
   * What another configuration needs, loaded but counting nothing; undefined where the present one does. The event
   * loop stands still meanwhile. Throws as loadKernelObject() and openPins() do.
   */
  loadNext(config: Config): OpenedKernel | undefined {
    const options = loadOptionsOf(config, this.#paths);
    return isDeepStrictEqual(options, this.#options) ? undefined : this.#opened.loadNext(options);
  }

  /**
   * From now on this one is drained. The former goes, with its pins, where what it has counted is out; else that comes
   * with the next drains.
   */
  replace(next: OpenedKernel, config: Config, isDrained: boolean): void {
    const former = this.#opened;
    const ofFormer = next.predecessors.find(({ id }) => id === former.generationId) ?? former.predecessor;
    const predecessors = next.predecessors.filter((one) => one !== ofFormer);
    if (ofFormer !== undefined && !isDrained) predecessors.push(ofFormer);
    this.#unattributedBefore += this.#unattributed;
    this.#unattributed = 0;
    this.#options = loadOptionsOf(config, this.#paths);
    this.#opened = { ...next, predecessors };
    this.#drain = connectTakeOver(this.#opened, this.#parts);
    if (isDrained || ofFormer !== former.predecessor) former.closeLoad();
    if (!isDrained) return;
    try {
      ofFormer?.remove();
    } catch (error) {
      this.#parts.log.warn(`the pins of the former programs stay until the next start: ${String(error)}`);
    }
  }

  /** Closes all; what is pinned stays. */
  close(): void {
    this.#opened.close();
  }
}
