// SPDX-License-Identifier: Apache-2.0
// A network namespace for one test process: no name, nothing to clean up. For tests only.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

const CLONE_NEWNET = 0x40000000;

/**
 * Moves the main thread, and every child it starts from now on, to a network namespace of their
 * own, which goes with them. Threads of the pool stay behind: fine for map calls, not for sockets.
 */
export function enterOwnNetns(): void {
  const require = createRequire(import.meta.url);
  const ffi = require('ffi-napi') as typeof import('ffi-napi');
  // int unshare(int flags)
  const libc = ffi.Library(null, { unshare: ['int', ['int']] });
  if (libc.unshare(CLONE_NEWNET) !== 0) throw new Error(`unshare(CLONE_NEWNET): errno ${ffi.errno()}`);
}

/** `ip` with these arguments; returns stdout, throws with stderr. */
export function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });
}

/** A veth pair in this namespace, both ends up. */
export function addVethPair(a: string, b: string): void {
  ip('link', 'add', a, 'type', 'veth', 'peer', 'name', b);
  ip('link', 'set', a, 'up');
  ip('link', 'set', b, 'up');
}
