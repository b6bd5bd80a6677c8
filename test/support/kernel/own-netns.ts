// SPDX-License-Identifier: Apache-2.0
// A network namespace for one test process: no name, nothing to clean up. For tests only.

import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

const CLONE_NEWNET = 0x40000000;

/**
 * Moves the main thread, and every child it starts from now on, to a network namespace of their
 * own, which goes with them. Threads of the pool stay behind: fine for map calls, not for sockets.
 */
export function enterOwnNetns(): void {
  const ffi = requireFfi();
  // int unshare(int flags)
  const libc = ffi.Library(null, { unshare: ['int', ['int']] });
  if (libc.unshare(CLONE_NEWNET) !== 0) throw new Error(`unshare(CLONE_NEWNET): errno ${ffi.errno()}`);
}

/**
 * Moves the main thread, and its children from now on, to a namespace that `ip netns` knows by this
 * name. TCP sockets are made on the main thread: fetch() then reaches the loopback in there, as long
 * as the address is a number (names are looked up by the pool).
 */
export function joinNetns(name: string): void {
  const ffi = requireFfi();
  // int setns(int fd, int nstype)
  const libc = ffi.Library(null, { setns: ['int', ['int', 'int']] });
  const fd = openSync(`/run/netns/${name}`, 'r');
  try {
    if (libc.setns(fd, CLONE_NEWNET) !== 0) throw new Error(`setns(${name}): errno ${ffi.errno()}`);
  } finally {
    closeSync(fd);
  }
}

function requireFfi(): typeof import('ffi-napi') {
  return createRequire(import.meta.url)('ffi-napi') as typeof import('ffi-napi');
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
