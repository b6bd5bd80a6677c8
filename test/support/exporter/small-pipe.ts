// SPDX-License-Identifier: Apache-2.0
// A pipe of one page for a child to write to, which nobody reads until asked. For tests only.

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';

// include/uapi/linux/fcntl.h
const F_SETPIPE_SZ = 1031;
const F_GETFL = 3;
export const SMALL_PIPE_BYTES = 4096;

export interface SmallPipe {
  /** What a child opens for a description of its own, as the shell does for `2>`. */
  readonly path: string;
  /** For a child that is to share the description, as with the shell's `|`. */
  readonly writeFd: number;
  /** Writes to it until it takes no more. */
  fill(): void;
  /** What is in it, '' where it is empty. */
  read(): string;
  /** Leaves it without a reader, and gives it one again. */
  hangUp(): void;
  takeUp(): void;
  close(): void;
}

interface Libc {
  pipe2(ends: Buffer, flags: number): number;
  fcntl(fd: number, operation: number, argument: number): number;
}

function openLibc(): Libc {
  const ffi = createRequire(import.meta.url)('ffi-napi') as typeof import('ffi-napi');
  return ffi.Library(null, {
    // int pipe2(int fds[2], int flags)
    pipe2: ['int', ['pointer', 'int']],
    // int fcntl(int fd, int op, ...)   always with one int here
    fcntl: ['int', ['int', 'int', 'int']],
  }) as unknown as Libc;
}

/** Whether writing to it may wait: O_NONBLOCK is not set on its description. */
export function isBlocking(fd: number): boolean {
  return (openLibc().fcntl(fd, F_GETFL, 0) & constants.O_NONBLOCK) === 0;
}

export function openSmallPipe(): SmallPipe {
  const libc = openLibc();
  const ends = Buffer.alloc(8);
  const O_CLOEXEC = 0o2000000;
  if (libc.pipe2(ends, O_CLOEXEC) !== 0) throw new Error('no pipe');
  const [readFd, writeFd] = [ends.readInt32LE(0), ends.readInt32LE(4)];
  if (libc.fcntl(writeFd, F_SETPIPE_SZ, SMALL_PIPE_BYTES) !== SMALL_PIPE_BYTES) {
    throw new Error('the pipe cannot be made small');
  }
  // Descriptions of our own: that of the child stays as it is.
  const openEnd = (flag: number): number => openSync(`/proc/self/fd/${writeFd}`, flag | constants.O_NONBLOCK);
  const filler = openEnd(constants.O_WRONLY);
  let reader: number | undefined = openEnd(constants.O_RDONLY);
  closeSync(readFd);
  const hangUp = (): void => {
    if (reader !== undefined) closeSync(reader);
    reader = undefined;
  };
  return {
    path: `/proc/${process.pid}/fd/${writeFd}`,
    writeFd,
    fill() {
      untilAgain(() => writeSync(filler, '#'.repeat(1023).concat('\n')));
    },
    read() {
      const parts: Buffer[] = [];
      untilAgain(() => {
        const buffer = Buffer.alloc(SMALL_PIPE_BYTES);
        const length = reader === undefined ? 0 : readSync(reader, buffer);
        parts.push(buffer.subarray(0, length));
        return length;
      });
      return Buffer.concat(parts).toString();
    },
    hangUp,
    takeUp() {
      reader = openEnd(constants.O_RDONLY);
    },
    close() {
      hangUp();
      for (const fd of [writeFd, filler]) closeSync(fd);
    },
  };
}

function untilAgain(step: () => number): void {
  try {
    while (step() > 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
}
