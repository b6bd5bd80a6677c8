// SPDX-License-Identifier: Apache-2.0
// The object as configured, and what a predecessor has left pinned, if pins are asked for.

import type { Config } from '../config/config.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import type { PinnedLinks } from '../kernel/pins/pinned-links.js';
import { openPins, type Predecessor } from '../kernel/pins/pins.js';
import { loadObject, loadOptionsOf, type ObjectPaths } from './connect-kernel.js';

export interface OpenedKernel {
  readonly object: KernelObject;
  /** Set where links and maps outlive the process. */
  readonly links?: PinnedLinks;
  /** Of the pinned generation; '' where nothing outlives the process. */
  readonly generationId: string;
  /** Whether a predecessor has loaded the object, so that its maps may hold counts already. */
  readonly isTakenOver: boolean;
  /** Loads of before that nothing but what is left to be counted is wanted of. */
  readonly predecessors: readonly Predecessor[];
  /** Closes all; what is pinned stays. */
  close(): void;
}

/** Rejects with ExporterError as openPins() and loadKernelObject() do. */
export async function openKernel(
  config: Config,
  paths: ObjectPaths,
  log: { info(fields: object, message: string): void; warn(message: string): void },
): Promise<OpenedKernel> {
  const { pinPath } = config.kernel;
  if (pinPath === '') {
    const object = loadObject(config, paths);
    return {
      object,
      generationId: '',
      isTakenOver: false,
      predecessors: [],
      close: () => object.close(),
    };
  }
  const pins = await openPins(pinPath, (sentence) => log.warn(sentence));
  try {
    const { object, id, isTakenOver, predecessors } = pins.load(loadOptionsOf(config, paths));
    log.info(
      { path: pinPath, replaced: predecessors.length },
      isTakenOver ? 'took over the pinned maps and programs' : 'loaded and pinned maps and programs',
    );
    return {
      object,
      links: pins.links,
      generationId: id,
      isTakenOver,
      predecessors,
      close() {
        for (const predecessor of predecessors) predecessor.close();
        object.close();
        pins.close();
      },
    };
  } catch (error) {
    pins.close();
    throw error;
  }
}
