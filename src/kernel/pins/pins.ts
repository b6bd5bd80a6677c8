// SPDX-License-Identifier: Apache-2.0
// The kernel's half of a restart without a gap. What a predecessor has pinned and this configuration would load
// as well is taken into use as it is. Else a new generation is loaded and pinned whole beside the old one, links
// are moved to its programs one by one, and the old one is handed out, to be drained and removed. A crash between
// any two steps leaves generations that are whole, or halves that no link runs.

import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { OPTIONS } from '../../abi/layout.js';
import { openLibbpf, openLibc } from '../ffi.js';
import type { KernelObject } from '../kernel-object.js';
import { loadKernelObject, openLoadParts } from '../load.js';
import { readObjectFile } from '../object.js';
import { type LoadOptions, type LoadParts, openPrepared } from '../prepare-object.js';
import type { ForeignCount } from './foreign-counts.js';
import { findGenerations, lockPinFolder, makePinFolder, removeGeneration } from './pin-folder.js';
import { type Libraries, PinnedGeneration, pinGeneration } from './pinned-generation.js';
import { createPinnedLinks, type PinnedLinks } from './pinned-links.js';

/** A generation in whose place another one has come. */
export interface Predecessor {
  /** Its folder, and what tells it from every other generation. */
  readonly folder: string;
  readonly id: string;
  /** False where its maps are of another ABI version: then there are foreignCounts() alone. */
  readonly isReadable: boolean;
  /** Its maps, to be drained: both halves. Once; closed by remove() or close(). Throws KernelError. */
  open(): KernelObject;
  /** Waits until no program of its runs, then sums what is in its maps. Rejects with KernelError. */
  foreignCounts(): Promise<readonly ForeignCount[]>;
  /** Once no link runs its programs and all is counted: removes its pins. Throws an error of the file system. */
  remove(): void;
  /** Leaves it for the next start. Safe to call twice, and after remove(). */
  close(): void;
}

export interface PinnedLoad {
  readonly object: KernelObject;
  /** Of its generation. */
  readonly id: string;
  /** Whether it was there already. */
  readonly isTakenOver: boolean;
  readonly predecessors: readonly Predecessor[];
  /** Before any link runs its programs: removes what this load has pinned; the object is to be closed as well. */
  discard(): void;
}

export interface Pins {
  readonly links: PinnedLinks;
  /**
   * As loadKernelObject(), or what is pinned; then, too, with a hash seed of its own. Whatever else is pinned is a
   * predecessor, also what an earlier call has given. Throws as that one does.
   */
  load(options: LoadOptions): PinnedLoad;
  /** Lets go of the folder; what is pinned stays. */
  close(): void;
}

/**
 * Takes the folder, which is made where there is none, and tidies up what a crash has left there half. Rejects with
 * ExporterError PINS where it lies in no bpffs or another process has it, with KernelError where a pin cannot be read.
 *
 * @param warn is told, in a sentence, what does not stay pinned.
 */
export async function openPins(path: string, warn: (sentence: string) => void): Promise<Pins> {
  const libraries: Libraries = { libbpf: openLibbpf(), libc: openLibc() };
  makePinFolder(path);
  const lock = await lockPinFolder(libraries.libc, path);
  try {
    for (const { folder, isWhole } of findGenerations(path)) if (!isWhole) removeGeneration(folder);
    const links = createPinnedLinks(libraries, path, warn);
    return {
      links,
      load: (options) => load(path, options, libraries),
      close() {
        links.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function load(path: string, options: LoadOptions, libraries: Libraries): PinnedLoad {
  const parts = openLoadParts(options);
  const found = findGenerations(path);
  const opened: PinnedGeneration[] = [];
  try {
    for (const { folder } of found) opened.push(new PinnedGeneration(libraries, folder));
    for (const generation of opened) {
      const objectPath = pathOfSame(generation, options, parts);
      if (objectPath === undefined) continue;
      const object = generation.toKernelObject(objectPath, options.drainBatchEntries);
      const others = opened.filter((one) => one !== generation);
      const { id } = generation.meta;
      const discard = (): void => undefined; // it was here before
      return { object, id, isTakenOver: true, predecessors: others.map(predecessorOf), discard };
    }
    const folder = join(path, `generation-${(found[0]?.number ?? 0) + 1}`);
    const id = randomBytes(8).toString('hex');
    // Whole: whoever takes it over may not have the object file that it is of.
    const object = loadKernelObject({ ...options, isWhole: true }, parts, (loaded) => {
      const digest = digestOf(loaded.objectPath);
      pinGeneration(libraries, folder, loaded, { id, digest, cpuCount: parts.slotSizes.cpuCount });
    });
    const discard = (): void => {
      removeGeneration(folder);
    };
    return { object, id, isTakenOver: false, predecessors: opened.map(predecessorOf), discard };
  } catch (error) {
    for (const generation of opened) generation.close();
    throw error;
  }
}

/** The object file that these options would load just so; undefined where they would load something else. */
function pathOfSame(
  generation: PinnedGeneration,
  options: LoadOptions,
  parts: LoadParts,
): string | undefined {
  if (!generation.isReadable) return undefined;
  const { digest, flavours } = generation.meta;
  const wanted = options.flavours ?? ['frags', 'plain'];
  if (!flavours.every((flavour) => wanted.includes(flavour))) return undefined;
  const paths = [options.objectPath, options.portableObjectPath ?? options.objectPath];
  const objectPath = paths.find((path) => digestOf(path) === digest);
  if (objectPath === undefined) return undefined;
  const hashSeed = options.hashSeed ?? generation.variable('options').readUInt32LE(OPTIONS.hashSeed);
  const prepared = openPrepared({ objectPath, flavours }, { ...options, hashSeed }, parts);
  try {
    const isSame =
      prepared.sectionBytes('.rodata').equals(generation.rodata) &&
      prepared.mapNames.every((name) => prepared.maxEntries(name) === generation.maxEntries(name));
    return isSame ? objectPath : undefined;
  } finally {
    prepared.close();
  }
}

function digestOf(objectPath: string): string {
  return createHash('sha256').update(readObjectFile(objectPath)).digest('hex');
}

function predecessorOf(generation: PinnedGeneration): Predecessor {
  const { folder, isReadable } = generation;
  let object: KernelObject | undefined;
  const close = (): void => {
    if (object === undefined) generation.close();
    else object.close();
  };
  return {
    folder,
    id: generation.meta.id,
    isReadable,
    open() {
      object ??= generation.toKernelObject(folder);
      return object;
    },
    foreignCounts: () => generation.foreignCounts(),
    remove() {
      removeGeneration(folder);
      close();
    },
    close,
  };
}
