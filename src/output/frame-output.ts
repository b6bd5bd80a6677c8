// SPDX-License-Identifier: Apache-2.0
// Text to a terminal that may stop reading (Ctrl-S, a line that hangs): what does not go out waits, and whoever
// draws does not draw more meanwhile. No call waits but flush(), which has a limit.

import { writeSync } from 'node:fs';

export interface FrameOutputParts {
  /** writeSync() on it must not wait: see open-output.ts. */
  readonly fd: number;
  /** All that waited is out. */
  onIdle(): void;
  /** The terminal is gone; told once. */
  onFailure(): void;
}

const RETRY_MS = 20;
const FLUSH_RETRY_MS = 5;

export class FrameOutput {
  readonly #parts: FrameOutputParts;
  #rest = Buffer.alloc(0);
  #retry: NodeJS.Timeout | undefined;
  #isFailed = false;

  constructor(parts: FrameOutputParts) {
    this.#parts = parts;
  }

  /** While it is, one frame at most is to be kept for later. */
  get isBusy(): boolean {
    return this.#rest.length > 0;
  }

  write(text: string): void {
    if (this.#isFailed) return;
    this.#rest = Buffer.concat([this.#rest, Buffer.from(text)]);
    if (this.#retry === undefined) this.#pump();
  }

  /** Waits for the terminal to take what is left, up to the limit; then nothing waits any more. */
  flush(limitMs: number): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const deadlineMs = performance.now() + limitMs;
    const never = new Int32Array(new SharedArrayBuffer(4));
    while (!this.#writeSome() && performance.now() < deadlineMs) Atomics.wait(never, 0, 0, FLUSH_RETRY_MS);
    this.#rest = Buffer.alloc(0);
  }

  #pump(): void {
    if (this.#writeSome()) {
      if (!this.#isFailed) this.#parts.onIdle();
      return;
    }
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#pump();
    }, RETRY_MS);
  }

  /** Whether nothing is left. */
  #writeSome(): boolean {
    while (this.#rest.length > 0 && !this.#isFailed) {
      try {
        const written = writeSync(this.#parts.fd, this.#rest);
        if (written === 0) return false;
        this.#rest = this.#rest.subarray(written);
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return false;
        this.#isFailed = true;
        this.#parts.onFailure();
      }
    }
    return true;
  }
}
