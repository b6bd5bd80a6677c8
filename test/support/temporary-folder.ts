// SPDX-License-Identifier: Apache-2.0
// Folders that tests write to. For tests only.

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { atEnd } from './cleanup.js';

/**
 * A new folder, which goes when the test process ends. Not when the test does: its hooks run in the order of their
 * registration, so that what still writes there would make the removal fail; and a hook that throws keeps the hooks
 * after it, which stop children, from running.
 */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), prefix));
  atEnd(() => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    } catch {
      // A folder that stays is no reason to leave the rest undone.
    }
  });
  return folder;
}
