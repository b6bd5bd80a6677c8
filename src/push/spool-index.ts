// SPDX-License-Identifier: Apache-2.0
// What the spool knows of its files without opening them: in the order of their numbers, with sums.

import type { SpoolEntry } from './spool-record.js';

export interface SpoolTotals {
  readonly batches: number;
  readonly samples: number;
  /** Disk space. */
  readonly bytes: number;
}

/** What disks give space by; a batch of a few samples takes no less. */
const BLOCK_BYTES = 4096;

/** Disk space of a file. */
export function blockBytes({ bytes }: SpoolEntry): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

export class SpoolIndex {
  /** By sequence. */
  readonly #entries: SpoolEntry[];
  #samples = 0;
  #bytes = 0;

  /** entries: by sequence, each of which comes once. */
  constructor(entries: readonly SpoolEntry[]) {
    this.#entries = [...entries];
    for (const entry of this.#entries) this.#account(entry, 1);
  }

  get totals(): SpoolTotals {
    return { batches: this.#entries.length, samples: this.#samples, bytes: this.#bytes };
  }

  /** 0 where there is none. */
  get lastSequence(): number {
    return this.#entries.at(-1)?.sequence ?? 0;
  }

  has(sequence: number): boolean {
    return this.#entries[this.#indexFrom(sequence)]?.sequence === sequence;
  }

  /** The oldest, or the oldest after this sequence number. */
  oldest(after = -1): SpoolEntry | undefined {
    return this.#entries[after < 0 ? 0 : this.#indexFrom(after + 1)];
  }

  oldestBut(isSpared: (sequence: number) => boolean): SpoolEntry | undefined {
    return this.#entries.find(({ sequence }) => !isSpared(sequence));
  }

  add(entry: SpoolEntry): void {
    this.#entries.splice(this.#indexFrom(entry.sequence), 0, entry);
    this.#account(entry, 1);
  }

  remove(sequence: number): SpoolEntry | undefined {
    const index = this.#indexFrom(sequence);
    const entry = this.#entries[index];
    if (entry?.sequence !== sequence) return undefined;
    this.#entries.splice(index, 1);
    this.#account(entry, -1);
    return entry;
  }

  #account(entry: SpoolEntry, sign: 1 | -1): void {
    this.#samples += sign * entry.samples;
    this.#bytes += sign * blockBytes(entry);
  }

  /** Index of the first entry with this sequence number or a greater one. */
  #indexFrom(sequence: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.sequence ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
