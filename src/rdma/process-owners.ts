// SPDX-License-Identifier: Apache-2.0
// Whose queue pairs are, by process: /proc/PID/stat, comm and cgroup, which everybody may read unless /proc hides
// the processes of others (hidepid, ProtectProc). Reads a process once in a reading, however many it has.

import { join } from 'node:path';
import { SYSFS_FILES, type SysfsFiles } from '../system/sysfs-files.js';
import { type CgroupOwner, parseCgroupOwner } from './cgroup-owner.js';

/** Who has a queue pair. Plain data: it crosses between processes. */
export type QueuePairOwner =
  | ({
      readonly kind: 'process';
      readonly pid: number;
      /** When it began, clock ticks after boot: tells it from a later one with its number. */
      readonly startTicks: number;
      /** At most 15 bytes. */
      readonly comm: string;
    } & CgroupOwner)
  /** A module of the kernel. */
  | { readonly kind: 'kernel'; readonly comm: string }
  /**
   * no_pid: its process has ended, or is in another PID namespace, so the kernel gives no number. unreadable: the
   * process has a number, and /proc does not show it.
   */
  | { readonly kind: 'unknown'; readonly reason: 'no_pid' | 'unreadable' };

export interface ProcessOwners {
  of(pid: number): QueuePairOwner;
}

/** For one reading: what was read is not read again. @param procPath where procfs is mounted: /proc. */
export function createProcessOwners(
  { procPath }: { readonly procPath: string },
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): ProcessOwners {
  const known = new Map<number, QueuePairOwner>();

  function read(pid: number): QueuePairOwner {
    const folder = join(procPath, String(pid));
    const stat = parseProcessStat(files.read(join(folder, 'stat')).text);
    const cgroup = files.read(join(folder, 'cgroup')).text;
    if (stat === undefined || cgroup === undefined) return { kind: 'unknown', reason: 'unreadable' };
    return { kind: 'process', pid, ...stat, ...parseCgroupOwner(cgroup) };
  }

  return {
    of(pid) {
      const owner = known.get(pid) ?? read(pid);
      known.set(pid, owner);
      return owner;
    },
  };
}

/** Field 22 of proc_pid_stat(5) comes 20 fields after the name. */
const FIELDS_TO_START = 19;

/** `1234 (name) S ...`, where the name may hold anything, parentheses and line breaks too. */
export function parseProcessStat(
  text: string | undefined,
): { readonly comm: string; readonly startTicks: number } | undefined {
  const start = text?.indexOf('(') ?? -1;
  const end = text?.lastIndexOf(')') ?? -1;
  if (text === undefined || start < 0 || end < start) return undefined;
  const field = text
    .slice(end + 1)
    .trim()
    .split(' ')[FIELDS_TO_START];
  if (field === undefined || !/^\d{1,16}$/.test(field)) return undefined;
  return { comm: text.slice(start + 1, end), startTicks: Number(field) };
}
