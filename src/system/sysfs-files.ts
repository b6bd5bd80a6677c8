// SPDX-License-Identifier: Apache-2.0
// Small text files and folders as sysfs has them. Absence and failed reads are values here, never
// exceptions: in sysfs a driver may refuse any file at any time. Knows no meaning of any file.

import { closeSync, existsSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { basename } from 'node:path';

/** A file's text, trimmed; or the error's name (`ENOENT`, `EINVAL`, `EIO`, ...). */
export type SysfsRead =
  | { readonly text: string; readonly errorCode?: never }
  | { readonly text?: never; readonly errorCode: string };

/** Nothing here throws. Every call may block for as long as the driver likes. */
export interface SysfsFiles {
  read(path: string): SysfsRead;
  /** Names in a folder, in order; none where it cannot be listed. */
  list(path: string): readonly string[];
  exists(path: string): boolean;
  /** Last part of what a symbolic link names; undefined where it is none. */
  linkName(path: string): string | undefined;
}

/**
 * An attribute of sysfs is at most a page (Documentation/filesystems/sysfs.rst): of the smallest pages, here. On
 * machines with larger ones a longer attribute is cut, and we read none that comes near.
 */
const PAGE_BYTES = 4096;

export const SYSFS_FILES: SysfsFiles = {
  read(path) {
    try {
      const fd = openSync(path, 'r');
      try {
        const page = Buffer.alloc(PAGE_BYTES);
        return { text: page.toString('utf8', 0, readSync(fd, page)).trim() };
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      return { errorCode: errorCodeOf(error) };
    }
  },
  list(path) {
    try {
      return readdirSync(path).sort();
    } catch {
      return []; // absent, or gone since it was listed: the same to whoever asks
    }
  },
  exists: existsSync,
  linkName(path) {
    try {
      return basename(readlinkSync(path));
    } catch {
      return undefined; // absent, or no link: the driver is then unknown
    }
  },
};

function errorCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
}
