// SPDX-License-Identifier: Apache-2.0
// The folder of a spool: whole small files by name. Knows nothing of what is in them, and trusts
// nothing that it finds: no link is followed, no FIFO waited for, no foreign thing overwritten.

import { constants, lstat, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, fileKindOf, openWithoutWaiting, readUpTo } from '../system/regular-file.js';
import { setAside } from './set-aside.js';
import { type FileLook, folderFault } from './spool-rules.js';

/** Something else stands where a file is to be written. */
export class ObstacleError extends Error {
  readonly entryName: string;

  constructor(entryName: string) {
    super(`something else stands at ${entryName}`);
    this.entryName = entryName;
  }
}

/** All reject with errors of node:fs, which carry a code. */
export interface SpoolDirectory {
  readonly path: string;
  /**
   * Makes the folder, with those above it, where there is none; only its owner may look in. Rejects
   * for one of another user, and for one that every user may empty.
   */
  create(): Promise<void>;
  names(): Promise<string[]>;
  /** Opens nothing; undefined where there is nothing. */
  look(name: string): Promise<FileLook | undefined>;
  /**
   * Afterwards there is the whole file, or none under this name, whenever the process dies: it is
   * written beside, its data brought to the disk (fdatasync), then renamed. The folder itself is not
   * synced: a crash of the host may take files of its last few seconds, but leaves none half.
   * Rejects with ObstacleError where it would overwrite something.
   */
  write(name: string, parts: readonly Buffer[]): Promise<void>;
  /** At most so many bytes of a file of ours; none of anything else. */
  read(name: string, limitBytes: number): Promise<{ readonly look: FileLook; readonly bytes: Buffer }>;
  /** A file that is not there is fine. */
  remove(name: string): Promise<void>;
  /** Renames it out of the way, whatever it is; returns the new name. */
  setAside(name: string): Promise<string>;
}

/** What a dying process leaves of a write. */
export const UNFINISHED_SUFFIX = '.tmp';

const NOTHING = Buffer.alloc(0);

export function openSpoolDirectory(path: string): SpoolDirectory {
  const ownUserId = process.geteuid?.() ?? 0;

  function lookOf(stats: Awaited<ReturnType<typeof lstat>>): FileLook {
    const userId = Number(stats.uid);
    return {
      kind: fileKindOf(stats),
      bytes: Number(stats.size),
      isTrusted: userId === ownUserId || userId === 0,
      userId,
    };
  }

  async function look(name: string): Promise<FileLook | undefined> {
    try {
      return lookOf(await lstat(join(path, name)));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async function remove(name: string): Promise<void> {
    try {
      await unlink(join(path, name));
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }

  /** Fails where there is anything under the name, a dangling link included. */
  async function writeNew(name: string, parts: readonly Buffer[]): Promise<void> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    const file = await open(join(path, name), flags, 0o600);
    try {
      for (const part of parts) await file.writeFile(part);
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  return {
    path,
    async create() {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const fault = folderFault(await stat(path), ownUserId);
      if (fault !== undefined) throw new Error(fault);
    },
    names: () => readdir(path),
    look,
    async write(name, parts) {
      const unfinished = name + UNFINISHED_SUFFIX;
      try {
        await writeNew(unfinished, parts);
      } catch (error) {
        if (errorCode(error) === 'EEXIST') throw new ObstacleError(unfinished);
        await remove(unfinished).catch(() => undefined); // the first error is the one to tell
        throw error;
      }
      try {
        if ((await look(name)) !== undefined) throw new ObstacleError(name);
        await rename(join(path, unfinished), join(path, name));
      } catch (error) {
        await remove(unfinished).catch(() => undefined);
        throw error;
      }
    },
    async read(name, limitBytes) {
      const before = await look(name);
      if (before !== undefined && before.kind !== 'a file') return { look: before, bytes: NOTHING };
      const file = await openWithoutWaiting(join(path, name), { followLinks: false });
      try {
        const opened = lookOf(await file.stat());
        const isOurs = opened.kind === 'a file' && opened.isTrusted;
        return { look: opened, bytes: isOurs ? await readUpTo(file, limitBytes) : NOTHING };
      } finally {
        await file.close();
      }
    },
    remove,
    setAside: (name) => setAside(path, name),
  };
}
