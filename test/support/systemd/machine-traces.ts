// SPDX-License-Identifier: Apache-2.0
// What a machine of systemd-nspawn leaves behind, also where it was killed. For tests only.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const REMOVE_ATTEMPTS = 100;
const REMOVE_PAUSE_MS = 50;

/**
 * Its files, and what nspawn leaves behind: cgroups, a folder for mounts, and, where it was killed before it
 * had tied the machine to its own life, that machine.
 */
export function removeTraces(name: string, { files, root }: { files: string; root: string }): void {
  // Of a machine on another system's files; elsewhere there is nothing mounted.
  spawnSync('umount', ['--lazy', root], { stdio: 'ignore' });
  rmSync(files, { recursive: true, force: true, maxRetries: REMOVE_ATTEMPTS, retryDelay: REMOVE_PAUSE_MS });
  if (existsSync('/run/systemd/system')) {
    spawnSync('systemctl', ['kill', '--signal=SIGKILL', `${name}.scope`], { stdio: 'ignore' });
  }
  const roots = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '');
  const ours = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .map((line) => line.replace(/^\d+:[^:]*:/, ''));
  const cgroups = roots.flatMap((root) => ours.map((own) => path.join(root, own, name)));
  for (const folder of [...cgroups, `/run/systemd/nspawn/propagate/${name}`]) {
    // Processes that were killed are gone in a moment; this may run at an exit, which awaits nothing.
    for (let attempt = 0; attempt < REMOVE_ATTEMPTS && existsSync(folder); attempt++) {
      if (attempt > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REMOVE_PAUSE_MS);
      removeFolders(folder);
    }
  }
}

/** Folders alone, deepest first, with the processes that are in one as a cgroup; one that is in use stays. */
function removeFolders(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeFolders(path.join(folder, entry.name));
      if (entry.name === 'cgroup.procs') killAll(path.join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch (error) {
    if (!/^(EBUSY|ENOTEMPTY|ENOENT)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function killAll(cgroupProcs: string): void {
  // 0 would stand for a process that cannot be seen from here.
  for (const pid of readFileSync(cgroupProcs, 'utf8')
    .split('\n')
    .map(Number)
    .filter((one) => one > 0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
