// SPDX-License-Identifier: Apache-2.0
// The object as configured, and what a predecessor has left pinned, if pins are asked for.

import { randomBytes } from 'node:crypto';
import type { Config } from '../config/config.js';
import type { KernelObject } from '../kernel/kernel-object.js';
import { loadKernelObject } from '../kernel/load.js';
import type { PinnedLinks } from '../kernel/pins/pinned-links.js';
import { openPins, type Pins, type Predecessor } from '../kernel/pins/pins.js';
import type { LoadOptions } from '../kernel/prepare-object.js';
import { loadOptionsOf, type ObjectPaths } from './connect-kernel.js';

export interface OpenedKernel {
  readonly object: KernelObject;
  /** Set where links and maps outlive the process. */
  readonly links?: PinnedLinks;
  /** What tells this load from every other one. */
  readonly generationId: string;
  /** Whether a predecessor has loaded the object, so that its maps may hold counts already. */
  readonly isTakenOver: boolean;
  /** Loads of before that nothing but what is left to be counted is wanted of. */
  readonly predecessors: readonly Predecessor[];
  /** Another load, pinned beside this one where this one is; of its predecessors this one is the newest. Throws likewise. */
  loadNext(options: LoadOptions): OpenedKernel;
  /** Before any link runs its programs: undoes this load. */
  discard(): void;
  /** As it is to the next load, where its counts are not out yet; undefined: that one has it among its predecessors. */
  readonly predecessor?: Predecessor;
  /** Closes what belongs to this load alone; what is pinned stays. */
  closeLoad(): void;
  /** Closes all; what is pinned stays. */
  close(): void;
}

interface PinLog {
  info(fields: object, message: string): void;
  warn(message: string): void;
}

/** With the sweep, where it is used. Rejects with ExporterError as openPins() and loadKernelObject() do. */
export async function openKernel(config: Config, paths: ObjectPaths, log: PinLog): Promise<OpenedKernel> {
  const opened = await openWithoutSweep(config, paths, log);
  try {
    await loadSweepFor(config, opened);
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}

/**
 * The sweep is needed when a stream with a hole falls silent, which may be in days: where the kernel refuses it, that is
 * to be known now. Off the event loop; rejects with KernelError.
 */
export async function loadSweepFor(
  { roce }: Pick<Config, 'roce'>,
  { object }: { readonly object: Pick<KernelObject, 'loadSweep'> },
): Promise<void> {
  if (roce.enabled) await object.loadSweep();
}

async function openWithoutSweep(config: Config, paths: ObjectPaths, log: PinLog): Promise<OpenedKernel> {
  const { pinPath } = config.kernel;
  const options = loadOptionsOf(config, paths);
  if (pinPath === '') return loadUnpinned(options);
  const pins = await openPins(pinPath, (sentence) => log.warn(sentence));
  try {
    const opened = loadPinned(pins, options);
    log.info(
      { path: pinPath, replaced: opened.predecessors.length },
      opened.isTakenOver ? 'took over the pinned maps and programs' : 'loaded and pinned maps and programs',
    );
    return opened;
  } catch (error) {
    pins.close();
    throw error;
  }
}

function loadUnpinned(options: LoadOptions): OpenedKernel {
  const object = loadKernelObject(options);
  const close = (): void => object.close();
  const id = randomBytes(8).toString('hex');
  return {
    object,
    generationId: id,
    predecessor: {
      ...{ folder: 'the former object', id, isReadable: true },
      open: () => object,
      foreignCounts: async () => [],
      ...{ remove: close, close },
    },
    isTakenOver: false,
    predecessors: [],
    loadNext: loadUnpinned,
    discard: close,
    closeLoad: close,
    close,
  };
}

function loadPinned(pins: Pins, options: LoadOptions): OpenedKernel {
  const { object, id, isTakenOver, predecessors, discard } = pins.load(options);
  const closeLoad = (): void => {
    for (const predecessor of predecessors) predecessor.close();
    object.close();
  };
  return {
    object,
    links: pins.links,
    generationId: id,
    isTakenOver,
    predecessors,
    loadNext: (next) => loadPinned(pins, next),
    discard() {
      discard();
      closeLoad();
    },
    closeLoad,
    close() {
      closeLoad();
      pins.close();
    },
  };
}
