// SPDX-License-Identifier: Apache-2.0
// One BPF_F_MMAPABLE array map as memory of ours. Says nothing about what lies in it.

import { KernelError } from '../errors.js';
import { errnoName } from './errno.js';
import type { Libc } from './ffi.js';

const PROT_READ_WRITE = 0x1 | 0x2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE_ANONYMOUS_FIXED = 0x02 | 0x20 | 0x10;

/** Memory shared with the kernel, until close(). */
export interface MapMemory {
  readonly bytes: Uint8Array;
  close(): void;
}

/** Maps `lengthBytes` of a map, writable. Throws KernelError. */
export function mapMemory(libc: Libc, mapFd: number, mapName: string, lengthBytes: number): MapMemory {
  const { memory } = libc;
  const address = Number(libc.mmap(memory.NULL, lengthBytes, PROT_READ_WRITE, MAP_SHARED, mapFd, 0));
  if (address === -1) {
    const errno = memory.errno();
    const message = `map "${mapName}" cannot be mapped to memory (${lengthBytes} bytes): ${errnoName(errno)}`;
    throw new KernelError('mmap', errno, message);
  }
  const bytes = memory.viewAt(address, lengthBytes);
  let isClosed = false;
  return {
    bytes,
    close() {
      if (isClosed) return;
      isClosed = true;
      // Lets go of the kernel's memory but keeps the addresses, backed by nothing: a view that
      // someone still holds then reads zeros, where after munmap it would kill the process.
      libc.mmap(bytes, lengthBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_FIXED, -1, 0);
    },
  };
}
