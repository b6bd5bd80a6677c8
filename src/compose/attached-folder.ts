// SPDX-License-Identifier: Apache-2.0
// The folder of an exporter that `top --attach` starts. Its name tells whose it is, so that a later start removes
// what a killed process could not.

import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseProcessStat } from '../system/process-stat.js';

const PREFIX = 'xtrace-catch-top-';
/** Namespace of processes, process, clock ticks of its start since boot; then what mkdtemp() adds. */
const NAME = /^xtrace-catch-top-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)-\w{6}$/;
const DIGITS = 36;
const PRIVATE_MODE = 0o700;
const MODE_BITS = 0o777;

/** A new one within `parent`, of this user and process alone. */
export function makeAttachedFolder(parent: string): string {
  removeAbandonedFolders(parent);
  const parts = [pidNamespace(), process.pid, startTicks('self') ?? 0];
  return mkdtempSync(join(parent, `${PREFIX}${parts.map((part) => part.toString(DIGITS)).join('-')}-`));
}

export function removeAttachedFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Those of this kind, this user and this namespace of processes whose process has gone. Never throws. */
function removeAbandonedFolders(parent: string): void {
  for (const name of namesIn(parent)) {
    const [, namespace = '', pid = '', ticks = ''] = NAME.exec(name) ?? [];
    // Processes of another container cannot be seen, whatever their number.
    if (parseInt(namespace, DIGITS) !== pidNamespace()) continue;
    if (startTicks(parseInt(pid, DIGITS)) === parseInt(ticks, DIGITS)) continue;
    const folder = join(parent, name);
    if (!isPrivate(folder)) continue;
    try {
      removeAttachedFolder(folder);
    } catch {
      // It is in nobody's way.
    }
  }
}

function namesIn(parent: string): string[] {
  try {
    return readdirSync(parent);
  } catch {
    return [];
  }
}

/** A folder of this user, as this program makes them; no link to one. */
function isPrivate(folder: string): boolean {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  return (
    stats?.isDirectory() === true &&
    stats.uid === process.getuid?.() &&
    (stats.mode & MODE_BITS) === PRIVATE_MODE
  );
}

function pidNamespace(): number {
  return Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0);
}

/** undefined: there is no such process. */
function startTicks(pid: number | 'self'): number | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.startTicks;
  } catch {
    return undefined;
  }
}
