// SPDX-License-Identifier: Apache-2.0
// The folder of pins: that it lies in a bpffs, that it is ours alone while we run, and what stands in it.
//
//   PATH/generation-N/maps/NAME      every map of an object, a variable section without its dot
//                    /programs/NAME  every program of it that is loaded
//                    /meta           pinned last: without it, a generation is half of one and of no use
//   PATH/links/IFINDEX-LINK          by the interface's number and the link's
//
// Links run the programs of one generation or another, whichever they were moved to last.

import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT_CODE, ExporterError } from '../../errors.js';
import type { Libc } from '../ffi.js';

/** BPF_FS_MAGIC of include/uapi/linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;
/** LOCK_EX and LOCK_NB of flock(2). */
const LOCK_EXCLUSIVE_NOW = 2 | 4;
/** A predecessor that was killed lets go of its lock when it is gone, which takes a moment. */
const LOCK_WAIT_MS = 2000;
const LOCK_RETRY_MS = 50;

export const GENERATION_FOLDER = /^generation-(\d{1,9})$/;
export const LINKS = 'links';
export const META = 'meta';

function pinsError(message: string, exitCode: number = EXIT_CODE.failure): ExporterError {
  return new ExporterError('PINS', message, { exitCode });
}

/** Whether the folder is there. Throws ExporterError PINS where it is not, and could not be, in a bpffs. */
export function checkPinFolder(path: string): boolean {
  let existing = path;
  while (!existsSync(existing)) existing = dirname(existing);
  if (statfsSync(existing).type !== BPF_FS_MAGIC) {
    throw pinsError(
      `kernel.pin_path ${path} is in no BPF file system: take a folder under /sys/fs/bpf, or mount one there (mount -t bpf bpf ${existing})`,
      EXIT_CODE.usage,
    );
  }
  return existing === path;
}

/** Makes the folder where there is none. Throws ExporterError PINS. */
export function makePinFolder(path: string): void {
  if (checkPinFolder(path)) return;
  try {
    mkdirSync(path, { mode: 0o700, recursive: true });
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw pinsError(`kernel.pin_path ${path} cannot be made (${why}); names in a bpffs have no dots`);
  }
}

export interface PinLock {
  release(): void;
}

/**
 * By flock() of the folder itself: the kernel lets go of it however its owner dies, and it is the same lock in
 * every network and process namespace. Rejects with ExporterError PINS when another process has it.
 */
export async function lockPinFolder(libc: Pick<Libc, 'flock'>, path: string): Promise<PinLock> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw pinsError(`kernel.pin_path ${path} is no folder that can be opened (${why})`);
  }
  for (let waitedMs = 0; libc.flock(fd, LOCK_EXCLUSIVE_NOW) !== 0; waitedMs += LOCK_RETRY_MS) {
    if (waitedMs >= LOCK_WAIT_MS) {
      closeSync(fd);
      throw pinsError(
        `kernel.pin_path ${path} is in use by another xtrace-catch: stop that one, or give each its own path`,
      );
    }
    await sleep(LOCK_RETRY_MS);
  }
  let isReleased = false;
  return {
    release() {
      if (isReleased) return;
      isReleased = true;
      closeSync(fd);
    },
  };
}

/** Names in a folder; none where it is not there. */
export function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

export interface FoundGeneration {
  readonly number: number;
  readonly folder: string;
  /** Without its meta it was never of use, or is no longer. */
  readonly isWhole: boolean;
}

/** The newest first. */
export function findGenerations(path: string): readonly FoundGeneration[] {
  return namesIn(path)
    .flatMap((name) => {
      const number = GENERATION_FOLDER.exec(name)?.[1];
      const folder = join(path, name);
      const isWhole = existsSync(join(folder, META));
      return number === undefined ? [] : [{ number: Number(number), folder, isWhole }];
    })
    .sort((a, b) => b.number - a.number);
}

/** From its meta on, so that what a crash leaves is half of one. Returns how many pins there were. */
export function removeGeneration(folder: string): number {
  const files = ['programs', 'maps'].flatMap((kind) =>
    namesIn(join(folder, kind)).map((name) => join(folder, kind, name)),
  );
  const meta = join(folder, META);
  if (existsSync(meta)) unlinkSync(meta);
  for (const file of files) unlinkSync(file);
  for (const kind of ['programs', 'maps']) {
    if (existsSync(join(folder, kind))) rmdirSync(join(folder, kind));
  }
  rmdirSync(folder);
  return files.length;
}

/** The file that a map is pinned to: a bpffs takes no dots. */
export function mapFile(folder: string, mapName: string): string {
  return join(folder, 'maps', mapName.replace(/^\./, '').replaceAll('.', '_'));
}

export function programFile(folder: string, program: string): string {
  return join(folder, 'programs', program);
}
