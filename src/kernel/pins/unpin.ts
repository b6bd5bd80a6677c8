// SPDX-License-Identifier: Apache-2.0
// Takes back all that is pinned under a path: detaches, and lets go of maps and programs. Says what was there.

import { existsSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { openLibbpf, openLibc } from '../ffi.js';
import { checkPinFolder, findGenerations, LINKS, lockPinFolder, removeGeneration } from './pin-folder.js';
import { type Libraries, PinnedGeneration } from './pinned-generation.js';
import { openLinks } from './pinned-links.js';

export interface Unpinned {
  /** Of the interfaces that were attached. */
  readonly ifindexes: readonly number[];
  readonly generations: number;
  /** Maps and programs. */
  readonly pins: number;
  /** What was counted and read by nobody. */
  readonly lost: { readonly packets: number; readonly bytes: number };
  /** Sentences: of what the counts could not be read. */
  readonly unreadable: readonly string[];
}

/**
 * Resolves with undefined where nothing is pinned. Rejects with ExporterError PINS where the path is in no bpffs
 * or a running exporter has it.
 */
export async function unpinAll(path: string): Promise<Unpinned | undefined> {
  if (!checkPinFolder(path)) return undefined;
  const libraries: Libraries = { libbpf: openLibbpf(), libc: openLibc() };
  const lock = await lockPinFolder(libraries.libc, path);
  try {
    const links = openLinks(libraries, path);
    for (const { link } of links) link.detach();
    const found = findGenerations(path);
    const lost = { packets: 0, bytes: 0 };
    const unreadable: string[] = [];
    let pins = 0;
    for (const { folder, isWhole } of found) {
      if (isWhole) {
        const trouble = await addCounts(libraries, folder, lost);
        if (trouble !== undefined) unreadable.push(trouble);
      }
      pins += removeGeneration(folder);
    }
    removeEmpty(join(path, LINKS));
    removeEmpty(path);
    if (links.length === 0 && found.length === 0) return undefined;
    return {
      ifindexes: links.map(({ link }) => link.ifindex),
      generations: found.length,
      pins,
      lost,
      unreadable,
    };
  } finally {
    lock.release();
  }
}

/** Why they could not be read, in a sentence. */
async function addCounts(
  libraries: Libraries,
  folder: string,
  lost: { packets: number; bytes: number },
): Promise<string | undefined> {
  let generation: PinnedGeneration | undefined;
  try {
    generation = new PinnedGeneration(libraries, folder);
    for (const { packets, bytes } of await generation.foreignCounts()) {
      lost.packets += packets;
      lost.bytes += bytes;
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    generation?.close();
  }
}

/** Where it is the root of a mount, or holds what is not ours, it stays. */
function removeEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  try {
    rmdirSync(folder);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOTEMPTY' && code !== 'EBUSY') throw error;
  }
}
