// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { readOpenFileLimit } from '../../src/system/open-file-limit.js';
import type { SysfsFiles } from '../../src/system/sysfs-files.js';

/** Files as they stand in a process with this limit. */
function limitsFile(text: string | undefined): SysfsFiles {
  return {
    read: (path) => (path === '/proc/self/limits' && text !== undefined ? { text } : { errorCode: 'ENOENT' }),
    list: () => [],
    exists: () => false,
    linkName: () => undefined,
  };
}

const HEAD = 'Limit                     Soft Limit           Hard Limit           Units     \n';

test('the soft limit counts', () => {
  for (const [line, expected] of [
    ['Max open files            1024                 524288               files     ', 1024],
    ['Max open files            unlimited            unlimited            files     ', 'unlimited'],
    ['Max open files            many                 524288               files     ', undefined],
    ['Max processes             7                    7                    processes ', undefined],
  ] as const) {
    assert.equal(readOpenFileLimit({ root: '/' }, { files: limitsFile(HEAD + line) }), expected, line);
  }
  assert.equal(readOpenFileLimit({ root: '/' }, { files: limitsFile(undefined) }), undefined);
});

test('it is that of this process', () => {
  const shell = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  assert.equal(String(readOpenFileLimit({ root: '/' })), shell);
});
