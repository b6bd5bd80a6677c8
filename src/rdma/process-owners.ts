// SPDX-License-Identifier: Apache-2.0
// Whose queue pairs are, by process: /proc/PID/stat, comm and cgroup, which everybody may read unless /proc hides
// the processes of others (hidepid, ProtectProc). Reads a process once in a reading, however many it has.

import { join } from 'node:path';
import { parseProcessStat } from '../system/process-stat.js';
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
   * no_pid: its process has ended, or is in another PID namespace, so the kernel gives no number, or one that another
   * process has by now. unreadable: the process has a number, and /proc does not show it, or not what time it is.
   */
  | { readonly kind: 'unknown'; readonly reason: 'no_pid' | 'unreadable' };

export interface ProcessOwners {
  of(pid: number): QueuePairOwner;
}

/**
 * For one reading, to be made before the kernel is asked: what was read is not read again, and a process that began since
 * this call is none that the kernel has named. @param procPath where procfs is mounted: /proc.
 */
export function createProcessOwners(
  { procPath }: { readonly procPath: string },
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): ProcessOwners {
  const known = new Map<number, QueuePairOwner>();
  const beganTicks = parseUptimeTicks(files.read(join(procPath, 'uptime')).text);

  function read(pid: number): QueuePairOwner {
    const folder = join(procPath, String(pid));
    const readStat = () => parseProcessStat(files.read(join(folder, 'stat')).text);
    const stat = readStat();
    const cgroup = files.read(join(folder, 'cgroup')).text;
    if (stat === undefined || cgroup === undefined || beganTicks === undefined) {
      return { kind: 'unknown', reason: 'unreadable' };
    }
    // Numbers are used again. Of a process of the same tick nobody can tell whether it was there before.
    const isTheSame = stat.startTicks === readStat()?.startTicks && stat.startTicks < beganTicks;
    if (!isTheSame) return { kind: 'unknown', reason: 'no_pid' };
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

/**
 * Of /proc/uptime, clock ticks after boot, which go on while the machine is suspended, as those of a process's start do.
 * USER_HZ is 100 on every architecture that Node runs on, so a hundredth of a second is one.
 */
function parseUptimeTicks(text: string | undefined): number | undefined {
  const [, seconds, hundredths] = /^(\d{1,12})\.(\d\d) /.exec(text ?? '') ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 100 + Number(hundredths);
}
