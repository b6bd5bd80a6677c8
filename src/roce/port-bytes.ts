// SPDX-License-Identifier: Apache-2.0
// How bytes spread over UDP source ports in one interval. Exact as long as every stream keeps to one port; where a
// stream is sprayed over many, the kernel tells the ports of its packets apart by their low 8 bits alone, and
// so does this, for all streams of the path.

import { PORT_BUCKETS } from '../abi/roce-records.js';

export class PortBytes {
  readonly #bytesOf = new Map<number, number>();
  #buckets: Float64Array | undefined;
  #isSprayed = false;

  clear(): void {
    this.#bytesOf.clear();
    if (this.#isSprayed) this.#buckets?.fill(0);
    this.#isSprayed = false;
  }

  add(port: number, bytes: number): void {
    this.#bytesOf.set(port, (this.#bytesOf.get(port) ?? 0) + bytes);
  }

  addSpread(bytes: Float64Array): void {
    this.#buckets ??= new Float64Array(PORT_BUCKETS);
    this.#isSprayed = true;
    for (let bucket = 0; bucket < PORT_BUCKETS; bucket++) {
      this.#buckets[bucket] = (this.#buckets[bucket] ?? 0) + (bytes[bucket] ?? 0);
    }
  }

  get count(): number {
    if (!this.#isSprayed) return this.#bytesOf.size;
    return this.#sums().filter((bytes) => bytes > 0).length;
  }

  /** 0 to 1; 0 when idle. */
  get busiestShare(): number {
    let most = 0;
    let all = 0;
    for (const bytes of this.#sums()) {
      all += bytes;
      most = Math.max(most, bytes);
    }
    return all === 0 ? 0 : most / all;
  }

  #sums(): Float64Array {
    if (!this.#isSprayed || this.#buckets === undefined) return Float64Array.from(this.#bytesOf.values());
    const sums = Float64Array.from(this.#buckets);
    for (const [port, bytes] of this.#bytesOf) {
      const bucket = port & (PORT_BUCKETS - 1);
      sums[bucket] = (sums[bucket] ?? 0) + bytes;
    }
    return sums;
  }
}
