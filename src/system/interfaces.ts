// SPDX-License-Identifier: Apache-2.0
// The network interfaces of our namespace. Names from /proc/self/net/dev, facts by ioctl: never
// from /sys, which under nsenter --net shows another namespace's.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Netdev, NetdevFacts } from '../kernel/netdev.js';

export interface NetworkInterface extends NetdevFacts {
  readonly name: string;
}

/** The interface, or undefined where there is none of this name. Throws KernelError. */
export function readInterface(name: string, parts: { netdev: Netdev }): NetworkInterface | undefined {
  const facts = parts.netdev.read(name);
  return facts === undefined ? undefined : { name, ...facts };
}

/** All interfaces, by index. One that goes away in between is left out. Throws KernelError. */
export function listInterfaces(options: { root: string }, parts: { netdev: Netdev }): NetworkInterface[] {
  const table = readFileSync(join(options.root, 'proc/self/net/dev'), 'utf8');
  return parseInterfaceNames(table)
    .flatMap((name) => readInterface(name, parts) ?? [])
    .sort((a, b) => a.index - b.index);
}

/** Two lines of headings, then `  name: numbers...`; a name may itself contain a colon (old aliases do). */
export function parseInterfaceNames(table: string): string[] {
  return table
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const name = /^\s*(\S+?):\s*\d/.exec(line)?.[1];
      return name === undefined ? [] : [name];
    });
}
