// SPDX-License-Identifier: Apache-2.0
// Control groups of the guest, named as Kubernetes and Slurm name theirs. For tests only.

import { existsSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atEnd } from '../../support/cleanup.js';
import { waitFor } from '../../support/conditions.js';
import { exec } from './soft-roce.js';

export interface ControlGroups {
  /** Makes a group below the root; returns its folder. */
  create(name: string): string;
  /** When nobody is in them. */
  dispose(): Promise<void>;
}

/** A hierarchy of version 2, mounted for us. */
export function mountControlGroups(): ControlGroups {
  const root = mkdtempSync(path.join(tmpdir(), 'xtrace-cgroups-'));
  exec('mount', '-t', 'cgroup2', 'none', root);
  const made: string[] = [];
  // Of a process that ends otherwise, the machine ends, too.
  const unmount = atEnd(() => {
    exec('umount', root);
    rmdirSync(root);
  });
  return {
    create(name) {
      let folder = root;
      for (const part of name.split('/')) {
        folder = path.join(folder, part);
        if (existsSync(folder)) continue;
        mkdirSync(folder);
        made.push(folder);
      }
      return folder;
    },
    async dispose() {
      for (const folder of made.reverse()) await waitFor(`${folder} to be empty`, () => isRemoved(folder));
      unmount();
    },
  };
}

/** The kernel takes a while to see a process off (EBUSY). */
function isRemoved(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return !existsSync(folder);
  }
}
