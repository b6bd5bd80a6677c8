// SPDX-License-Identifier: Apache-2.0
// Files of sysfs in memory, for tests that need thousands of trees. For tests only.

import type { SysfsFiles } from '../../../src/system/sysfs-files.js';

/** @param texts by path; what is not there is absent. undefined: a file that is refused. */
export function memorySysfs(texts: Readonly<Record<string, string | undefined>>): SysfsFiles {
  const paths = Object.keys(texts);
  const isIn = (folder: string) => (path: string) => path.startsWith(`${folder}/`);
  return {
    read(path) {
      const text = texts[path];
      if (text !== undefined) return { text: text.trim() };
      return { errorCode: path in texts ? 'EINVAL' : 'ENOENT' };
    },
    list(folder) {
      const names = paths
        .filter(isIn(folder))
        .map((path) => path.slice(folder.length + 1).split('/')[0] ?? '');
      return [...new Set(names)].sort();
    },
    exists: (path) => path in texts || paths.some(isIn(path)),
    linkName: () => undefined,
  };
}
