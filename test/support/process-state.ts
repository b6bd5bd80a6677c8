// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a running process: its signals, its memory, and where it listens. For tests only.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';

export type Disposition = 'default' | 'blocked' | 'ignored' | 'caught';

/** What a signal would do to the process now. Throws where it has ended. */
export function dispositionOf(pid: number, signal: NodeJS.Signals): Disposition {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bit = 1n << BigInt(os.constants.signals[signal] - 1);
  const has = (name: string): boolean =>
    (BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`) & bit) !== 0n;
  if (has('SigIgn')) return 'ignored';
  if (has('SigCgt')) return 'caught';
  return has('SigBlk') ? 'blocked' : 'default';
}

/** Resident memory: now (VmRSS), or the most there ever was (VmHWM). Throws where it has ended. */
export function readMemoryMiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return Number(kibibytes) / 1024;
}

/** The words of its command line. */
export function commandOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

const TCP_LISTEN = '0A';

/** TCP ports on which the process listens, in its network namespace. */
export function listeningPorts(pid: number): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined; // closed meanwhile
      }
    }),
  );
  return ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === TCP_LISTEN && sockets.has(inode))
      .map(([, address = '']) => Number.parseInt(address.split(':')[1] ?? '', 16)),
  );
}
