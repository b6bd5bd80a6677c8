// SPDX-License-Identifier: Apache-2.0
// stdout as a stream that never blocks. Node writes to a terminal synchronously: a terminal stopped
// with Ctrl-S would stop the whole exporter. Pipes and sockets are asynchronous already.

import { closeSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { reopenWithoutWaiting } from '../output/open-output.js';

/** How long to wait before a stopped terminal is tried again. */
const RETRY_MS = 20;

/**
 * `stdout` itself, or, where it is a terminal, a stream of our own to the same terminal through a
 * file description that does not block (and is not shared with the shell, which would see the flag).
 */
export function openFlowOutput(
  stdout: Writable & { readonly isTTY?: boolean; readonly fd?: number },
): Writable {
  if (stdout.isTTY !== true || stdout.fd === undefined) return stdout;
  const own = reopenWithoutWaiting(stdout.fd);
  // Another user's terminal that is not ours either: as before, at the risk of a stop.
  return own === undefined ? stdout : new NonBlockingOutput(own);
}

class NonBlockingOutput extends Writable {
  readonly #fd: number;
  #retry: NodeJS.Timeout | undefined;

  constructor(fd: number) {
    super({ decodeStrings: true });
    this.#fd = fd;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    let offset = 0;
    const writeRest = (): void => {
      try {
        while (offset < chunk.length) offset += writeSync(this.#fd, chunk, offset);
        done();
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') {
          // Nothing the process should stay alive for.
          this.#retry = setTimeout(writeRest, RETRY_MS).unref();
        } else {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      }
    };
    writeRest();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#retry);
    closeSync(this.#fd);
    done(error);
  }
}
