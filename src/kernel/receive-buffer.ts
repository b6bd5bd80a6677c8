// SPDX-License-Identifier: Apache-2.0
// How much the kernel keeps of what a peer has sent and nobody has read: socket(7), SO_RCVBUF.

import { KernelError } from '../errors.js';
import { errnoName } from './errno.js';
import type { Libc } from './ffi.js';

// asm-generic/socket.h; the same on x86-64 and arm64.
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

/**
 * Of a listening socket: each connection that it accepts from now on has the bound, too. The kernel
 * takes twice as much, for its own bookkeeping. Throws KernelError.
 */
export function limitReceiveBuffer(
  libc: Pick<Libc, 'setsockopt' | 'memory'>,
  fd: number,
  bytes: number,
): void {
  const value = Buffer.alloc(4);
  value.writeInt32LE(bytes);
  if (libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, value.length) === 0) return;
  const errno = libc.memory.errno();
  throw new KernelError(
    'setsockopt SO_RCVBUF',
    errno,
    `the receive buffer of a socket cannot be limited (${errnoName(errno)})`,
  );
}
