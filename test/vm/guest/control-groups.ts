// SPDX-License-Identifier: Apache-2.0
// Control groups of the guest, named as Kubernetes and Slurm name theirs. For tests only.

import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atEnd } from '../../support/cleanup.js';
import { exec } from './soft-roce.js';

export interface ControlGroups {
  /** Makes a group below the root; returns its folder. */
  create(name: string): string;
  dispose(): void;
}

/** A hierarchy of version 2, mounted for us. */
export function mountControlGroups(): ControlGroups {
  const root = mkdtempSync(path.join(tmpdir(), 'xtrace-cgroups-'));
  exec('mount', '-t', 'cgroup2', 'none', root);
  const made: string[] = [];
  const dispose = atEnd(() => {
    for (const folder of made.reverse()) rmdirSync(folder);
    exec('umount', root);
    rmdirSync(root);
  });
  return {
    create(name) {
      let folder = root;
      for (const part of name.split('/')) {
        folder = path.join(folder, part);
        mkdirSync(folder);
        made.push(folder);
      }
      return folder;
    },
    dispose,
  };
}
