// SPDX-License-Identifier: Apache-2.0
// The folder of a spool: whole small files by name. Knows nothing of what is in them.
import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** All reject with errors of node:fs, which carry a code. */
export interface SpoolDirectory {
  readonly path: string;
  /** Makes the folder, with those above it, where there is none; only its owner may look in. */
  create(): Promise<void>;
  names(): Promise<string[]>;
  /**
   * Afterwards there is the whole file, or none under this name, whenever the process dies: it is
   * written beside, its data brought to the disk (fdatasync), then renamed. The folder itself is not
   * synced: a crash of the host may take files of its last few seconds, but leaves none half.
   */
  write(name: string, parts: readonly Buffer[]): Promise<void>;
  read(name: string): Promise<Buffer>;
  /** A file that is not there is fine. */
  remove(name: string): Promise<void>;
}

/** What a dying process leaves of a write. */
export const UNFINISHED_SUFFIX = '.tmp';

export function openSpoolDirectory(path: string): SpoolDirectory {
  async function remove(name: string): Promise<void> {
    try {
      await unlink(join(path, name));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }

  return {
    path,
    async create() {
      await mkdir(path, { recursive: true, mode: 0o700 });
    },
    names: () => readdir(path),
    async write(name, parts) {
      const unfinished = name + UNFINISHED_SUFFIX;
      try {
        const file = await open(join(path, unfinished), 'w', 0o600);
        try {
          for (const part of parts) await file.writeFile(part);
          await file.datasync();
        } finally {
          await file.close();
        }
        await rename(join(path, unfinished), join(path, name));
      } catch (error) {
        await remove(unfinished).catch(() => undefined); // the first error is the one to tell
        throw error;
      }
    },
    read: (name) => readFile(join(path, name)),
    remove,
  };
}
