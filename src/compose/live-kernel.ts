// SPDX-License-Identifier: Apache-2.0
// The object in the kernel that counts now, and its drain. Another configuration may need another object:
// what both have counted comes to the same accounts, one after the other.

import { isDeepStrictEqual } from 'node:util';
import type { InterfaceIds } from '../attach/interface-ids.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { KernelMaps } from '../kernel/kernel-maps.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import { type LoadOptions, loadKernelObject } from '../kernel/load.js';
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
   * The object that another configuration needs, loaded but counting nothing; undefined where the present one
   * does. The event loop stands still meanwhile. Throws as loadKernelObject() does, and an Error of one sentence
   * where the present one is pinned.
   */
  loadNext(config: Config): KernelObject | undefined {
    const options = loadOptionsOf(config, this.#paths);
    if (isDeepStrictEqual(options, this.#options)) return undefined;
    if (this.#opened.links === undefined) return loadKernelObject(options);
    // For how long a silent stream of PSNs is remembered may differ from what the interval asks for.
    if (isDeepStrictEqual(withoutIdleTime(options), withoutIdleTime(this.#options))) return undefined;
    throw new Error(
      'it changes what the kernel counts by, and with kernel.pin_path that is for a restart, which loses no packet',
    );
  }

  /** From now on this one is drained. The former is closed: what it has counted must be out. */
  replace(object: KernelObject, config: Config): void {
    this.#unattributedBefore += this.#unattributed;
    this.#unattributed = 0;
    this.#opened.close();
    this.#options = loadOptionsOf(config, this.#paths);
    this.#opened = {
      object,
      generationId: '',
      isTakenOver: false,
      predecessors: [],
      close: () => object.close(),
    };
    this.#drain = connectTakeOver(this.#opened, this.#parts);
  }

  /** Closes all; what is pinned stays. */
  close(): void {
    this.#opened.close();
  }
}

function withoutIdleTime(options: LoadOptions): object {
  return { ...options, roce: { ...options.roce, psnIdleMaxRefreshes: 0 } };
}
