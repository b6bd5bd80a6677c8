// SPDX-License-Identifier: Apache-2.0
// Reads the beginning of whatever a path names: a file, a pipe of the shell (`<(command)`, /dev/stdin), a
// device. Nothing waits without a limit and nothing is read beyond one. Synchronous: it runs before the
// exporter does.

import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Without O_NONBLOCK, opening a FIFO waits until somebody else opens it to write. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Whoever writes to a FIFO has opened it already, or does so now. */
const WRITER_WAIT_MS = 300;
/** A command in `<(command)` may ask a server for what it prints. */
const END_WAIT_MS = 10_000;
const PAUSE_MS = 10;

export interface FileStartOptions {
  /** No more is read; what is returned may be as long, and the file longer. */
  readonly mostBytes: number;
  /** For tests. */
  readonly endWaitMs?: number;
}

/** Throws as node:fs does, or an Error whose message is a clause about the file. */
export function readFileStart(path: string, options: FileStartOptions): Buffer {
  const { mostBytes, endWaitMs = END_WAIT_MS } = options;
  const fd = openSync(path, FLAGS);
  try {
    const isFifo = fstatSync(fd).isFIFO();
    const bytes = Buffer.alloc(mostBytes);
    const startedMs = performance.now();
    let length = 0;
    while (length < mostBytes) {
      const count = readSome(fd, bytes, length);
      const waitedMs = performance.now() - startedMs;
      if (count === undefined) {
        if (waitedMs >= endWaitMs) throw new Error(`nobody ended it within ${endWaitMs / 1000} s`);
        pause();
      } else if (count > 0) {
        length += count;
      } else if (isFifo && length === 0) {
        if (waitedMs >= WRITER_WAIT_MS) throw new Error('it is a FIFO that nobody writes to');
        pause();
      } else {
        break;
      }
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** How many bytes, 0 at the end; undefined where there is nothing yet. */
function readSome(fd: number, bytes: Buffer, offset: number): number | undefined {
  try {
    return readSync(fd, bytes, offset, bytes.length - offset, null);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined;
    throw error;
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
