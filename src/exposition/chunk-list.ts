// SPDX-License-Identifier: Apache-2.0
// A growing list of byte chunks: what is written stays where it is, nothing is copied to grow.

import { ChunkPool } from './chunk-pool.js';

export class ChunkList {
  readonly #pool: ChunkPool;
  readonly #full: Buffer[] = [];
  #fullBytes = 0;
  /** The chunk being written, and how much of it is. Whoever writes moves end. */
  current: Buffer;
  end = 0;

  /** pool: where chunks come from; of whoever gives none back, one of its own. */
  constructor(pool: ChunkPool = new ChunkPool()) {
    this.#pool = pool;
    this.current = pool.take();
  }

  /** Puts the current chunk away and starts one that has room for at least neededBytes. */
  startChunk(neededBytes: number): void {
    this.#putAway();
    this.current = this.#pool.take(neededBytes);
    this.end = 0;
  }

  /** Returns its bytes. */
  writeText(text: string): number {
    const bytes = Buffer.byteLength(text);
    if (this.end + bytes > this.current.length) this.startChunk(bytes);
    this.end += this.current.write(text, this.end);
    return bytes;
  }

  /** Everything written. The list must not be written any more. */
  finish(): { chunks: Buffer[]; bytes: number } {
    this.#putAway();
    return { chunks: this.#full, bytes: this.#fullBytes };
  }

  #putAway(): void {
    if (this.end === 0) return;
    this.#full.push(this.current.subarray(0, this.end));
    this.#fullBytes += this.end;
  }
}
