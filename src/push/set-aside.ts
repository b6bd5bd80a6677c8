// SPDX-License-Identifier: Apache-2.0
// What stands in the folder of a spool under a name of ours and is not ours: renamed within the
// folder, so that it is out of the way, and whoever put it there finds it again.

import { lstat, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../system/regular-file.js';

const PREFIX = 'set-aside-';
/** Names tried; each that is taken is a file that was set aside before. */
const TRIES = 1000;

/** Returns the new name, which nothing had. Works for directories, too. */
export async function setAside(folder: string, name: string): Promise<string> {
  const free = await findFreeName(folder, PREFIX + name);
  await rename(join(folder, name), join(folder, free));
  return free;
}

/** The name, or the first of name-2, name-3, ... that nothing in the folder has. */
export async function findFreeName(folder: string, name: string): Promise<string> {
  for (let number = 1; number <= TRIES; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    if (!(await exists(join(folder, candidate)))) return candidate;
  }
  throw new Error(`${TRIES} names like ${name} are taken in ${folder}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
