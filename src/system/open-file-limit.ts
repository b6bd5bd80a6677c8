// SPDX-License-Identifier: Apache-2.0
// How many files this process may open: RLIMIT_NOFILE, the soft one, which Node raises to the hard one
// when it starts.

import { join } from 'node:path';
import type { Limit } from './host-limits.js';
import { SYSFS_FILES, type SysfsFiles } from './sysfs-files.js';

export function readOpenFileLimit(
  { root }: { readonly root: string },
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): Limit {
  const word = /^Max open files\s+(\S+)/m.exec(files.read(join(root, 'proc/self/limits')).text ?? '')?.[1];
  if (word === 'unlimited') return word;
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : undefined;
}
