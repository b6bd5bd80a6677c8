// SPDX-License-Identifier: Apache-2.0
// A terminal for a child to write to, which nobody reads until asked. For tests only.

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';

// include/uapi/asm-generic/ioctls.h
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;

export interface Terminal {
  /** What a child opens as its stdout. */
  readonly path: string;
  /** What it has written and nobody has read; '' where there is nothing. */
  read(): string;
  close(): void;
}

export function openTerminal(): Terminal {
  const ffi = createRequire(import.meta.url)('ffi-napi') as typeof import('ffi-napi');
  // int ioctl(int fd, unsigned long request, void *argument)
  const libc = ffi.Library(null, { ioctl: ['int', ['int', 'ulong', 'pointer']] });
  const fd = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  const number = Buffer.alloc(4);
  const unlock = Buffer.alloc(4);
  if (libc.ioctl(fd, TIOCSPTLCK, unlock) !== 0 || libc.ioctl(fd, TIOCGPTN, number) !== 0) {
    closeSync(fd);
    throw new Error(`no terminal: errno ${ffi.errno()}`);
  }
  return {
    path: `/dev/pts/${number.readInt32LE()}`,
    read() {
      const buffer = Buffer.alloc(65_536);
      try {
        return buffer.toString('utf8', 0, readSync(fd, buffer));
      } catch (error) {
        // EIO: no child has it open.
        if (['EAGAIN', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
        throw error;
      }
    },
    close: () => closeSync(fd),
  };
}
