// SPDX-License-Identifier: Apache-2.0
// Takes the test process into a network namespace and back, so that it can speak HTTP with a server
// that listens on loopback in there. For tests only.

import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';

const CLONE_NEWNET = 0x40000000;

/**
 * Moves the main thread, whose sockets and children are the process's, to a namespace of `ip netns`.
 * Returns the way back. Threads of the pool stay where they are: do not resolve host names in there.
 */
export function joinNetns(name: string): () => void {
  const former = openSync('/proc/self/ns/net', 'r');
  const target = openSync(`/run/netns/${name}`, 'r');
  setNetns(target);
  closeSync(target);
  return () => {
    setNetns(former);
    closeSync(former);
  };
}

function setNetns(fd: number): void {
  const require = createRequire(import.meta.url);
  const ffi = require('ffi-napi') as typeof import('ffi-napi');
  // int setns(int fd, int nstype)
  const libc = ffi.Library(null, { setns: ['int', ['int', 'int']] });
  if (libc.setns(fd, CLONE_NEWNET) !== 0) throw new Error(`setns(CLONE_NEWNET): errno ${ffi.errno()}`);
}
