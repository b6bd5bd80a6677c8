// SPDX-License-Identifier: Apache-2.0
// A BPF file system of the test's own, for pins. For tests only; needs root.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { atEnd } from '../cleanup.js';

/** Its root; all that is pinned there goes at the end of the test. */
export function mountBpffs(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'xtrace-bpffs-'));
  execFileSync('mount', ['-t', 'bpf', 'bpf', folder]);
  t.after(
    atEnd(() => {
      execFileSync('umount', ['--lazy', folder]);
      rmdirSync(folder);
    }),
  );
  return folder;
}
