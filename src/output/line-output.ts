// SPDX-License-Identifier: Apache-2.0
// Lines to a reader that may stop reading. A line goes out at once, unless others wait already; then it
// waits, within a bound. Beyond it the oldest lines are dropped and counted, since the newest say what is
// now. No call waits but flush(), which has a limit.

import { writeSync } from 'node:fs';

export interface LineOutputOptions {
  /** Of the lines that wait; besides these at most one that has gone out in part. */
  readonly maxWaitingBytes: number;
}

export interface LineOutputParts {
  /** writeSync() on it must not wait: see open-output.ts. */
  readonly fd: number;
  /** The line in place of so many that are missing, with its line feed. */
  renderGap(droppedLines: number): string;
}

/** The longest pause before a reader that takes nothing is tried again, and the first. */
const MAX_RETRY_MS = 200;
const MIN_RETRY_MS = 10;
const FLUSH_RETRY_MS = 5;

export class LineOutput {
  readonly #options: LineOutputOptions;
  readonly #parts: LineOutputParts;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** What is left of a line that has gone out in part. */
  #rest: Buffer | undefined;
  /** Lines that are missing before the first that waits. */
  #gapLines = 0;
  #droppedLines = 0;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = MIN_RETRY_MS;

  constructor(options: LineOutputOptions, parts: LineOutputParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Lines that will never come out, since the start. */
  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** @param line with its line feed. Several at once count as one. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    // While nobody reads, a line costs no call: the next try comes by itself.
    if (this.#retry === undefined && this.#pump()) return;
    while (this.#waitingBytes > this.#options.maxWaitingBytes) this.#dropOldest();
    this.#scheduleRetry();
  }

  /** Waits until all is out, or for the limit. For the end of the process: nothing else runs meanwhile. */
  flush(limitMs: number): void {
    const deadlineMs = performance.now() + limitMs;
    const never = new Int32Array(new SharedArrayBuffer(4));
    while (!this.#pump() && performance.now() < deadlineMs) Atomics.wait(never, 0, 0, FLUSH_RETRY_MS);
  }

  /** Writes what can be written; whether nothing waits any more. */
  #pump(): boolean {
    for (let chunk = this.#next(); chunk !== undefined; chunk = this.#next()) {
      const written = this.#writeSome(chunk);
      if (written === 'later') return false;
      if (written === 'failed') {
        // The reader has gone, or the disk is full. The next line tries again.
        while (this.#waiting.length > 0) this.#dropOldest();
        clearTimeout(this.#retry);
        this.#retry = undefined;
        return true;
      }
      this.#retryMs = MIN_RETRY_MS;
      if (this.#rest === undefined) this.#take();
      this.#rest = written < chunk.length ? chunk.subarray(written) : undefined;
    }
    return true;
  }

  /** One write a line: a pipe takes up to 4096 bytes whole or not at all, between those of other writers. */
  #next(): Buffer | undefined {
    const [oldest] = this.#waiting;
    if (this.#rest !== undefined || this.#gapLines === 0) return this.#rest ?? oldest;
    // In one with the line that follows: by itself it might fit where no line does, and be written at each try.
    const gap = Buffer.from(this.#parts.renderGap(this.#gapLines));
    return oldest === undefined ? gap : Buffer.concat([gap, oldest]);
  }

  /** Takes out what next() gave, whose first bytes are out. */
  #take(): void {
    this.#gapLines = 0;
    this.#waitingBytes -= this.#waiting.shift()?.length ?? 0;
  }

  #dropOldest(): void {
    this.#waitingBytes -= this.#waiting.shift()?.length ?? 0;
    this.#gapLines++;
    this.#droppedLines++;
  }

  #writeSome(chunk: Buffer): number | 'later' | 'failed' {
    try {
      return writeSync(this.#parts.fd, chunk) || 'later';
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'EAGAIN' ? 'later' : 'failed';
    }
  }

  #scheduleRetry(): void {
    if (this.#retry !== undefined) return;
    // Nothing that the process should stay alive for.
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (!this.#pump()) this.#scheduleRetry();
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }
}
