// SPDX-License-Identifier: Apache-2.0
// Batches that wait in memory, oldest first, and the bytes that are promised to those still being
// compressed. Bounded; when full, the oldest goes.

import type { Batch } from './batch.js';

export class MemoryQueue {
  readonly maxBytes: number;
  readonly #batches: Batch[] = [];
  #bytes = 0;
  #samples = 0;
  #reservedBytes = 0;
  #reservedSamples = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes + this.#reservedBytes;
  }

  get samples(): number {
    return this.#samples + this.#reservedSamples;
  }

  get length(): number {
    return this.#batches.length;
  }

  /**
   * Makes room for a payload, and returns the batches that had to go, oldest first; undefined where
   * there is no room for it. Batches of which `stays` is true do not go.
   */
  reserve(bytes: number, samples: number, stays: (batch: Batch) => boolean): readonly Batch[] | undefined {
    const victims: Batch[] = [];
    let missingBytes = this.bytes + bytes - this.maxBytes;
    for (const batch of this.#batches) {
      if (missingBytes <= 0) break;
      if (stays(batch)) continue;
      victims.push(batch);
      missingBytes -= batch.body.length;
    }
    if (missingBytes > 0) return undefined;
    for (const batch of victims) this.remove(batch.sequence);
    this.#reservedBytes += bytes;
    this.#reservedSamples += samples;
    return victims;
  }

  /** Gives back what was reserved for a payload. */
  release(bytes: number, samples: number): void {
    this.#reservedBytes -= bytes;
    this.#reservedSamples -= samples;
  }

  /** Its sequence number is above all others'. */
  push(batch: Batch): void {
    this.#batches.push(batch);
    this.#bytes += batch.body.length;
    this.#samples += batch.samples;
  }

  get(sequence: number): Batch | undefined {
    return this.#batches.find((batch) => batch.sequence === sequence);
  }

  /** The oldest, or the oldest after this sequence number. */
  oldest(after = -1): Batch | undefined {
    return this.#batches.find((batch) => batch.sequence > after);
  }

  remove(sequence: number): boolean {
    const index = this.#batches.findIndex((batch) => batch.sequence === sequence);
    const batch = this.#batches[index];
    if (batch === undefined) return false;
    this.#batches.splice(index, 1);
    this.#bytes -= batch.body.length;
    this.#samples -= batch.samples;
    return true;
  }
}
