// SPDX-License-Identifier: Apache-2.0
// Chunks of renderings that nobody reads any more, for the next rendering: memory that stays where it
// is instead of garbage.

/** 256 KiB: about 1,400 flow lines, 0.3 ms of rendering. Small enough that nobody waits for one. */
export const CHUNK_BYTES = 256 * 1024;

export class ChunkPool {
  readonly chunkBytes: number;
  readonly #free: Buffer[] = [];
  /** Chunks given since one was last taken. */
  #given = 0;

  constructor(chunkBytes: number = CHUNK_BYTES) {
    this.chunkBytes = chunkBytes;
  }

  /** At least neededBytes; what stands in it is anybody's. */
  take(neededBytes = 0): Buffer {
    this.#given = 0;
    if (neededBytes > this.chunkBytes) return Buffer.allocUnsafeSlow(neededBytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.chunkBytes);
  }

  /**
   * Takes all chunks of a rendering back, or parts of them; nobody may read or write them any more. Keeps as
   * many as the renderings had that were given back since a chunk was last taken: the next ones are hardly larger,
   * and one that was large is not kept for good.
   */
  give(chunks: readonly Buffer[]): void {
    const ours = chunks.filter(({ buffer }) => buffer.byteLength === this.chunkBytes);
    this.#given += ours.length;
    this.#free.length = Math.min(this.#free.length, this.#given);
    for (const { buffer } of ours.slice(0, this.#given - this.#free.length))
      this.#free.push(Buffer.from(buffer));
  }

  /** Chunks that wait to be used again. */
  get free(): number {
    return this.#free.length;
  }
}
