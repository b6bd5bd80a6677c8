// SPDX-License-Identifier: Apache-2.0
// How many flows of a drain are in none of its rows, as the kernel's map was full: what is counted of them
// stands under the overflow, which has no keys. Two sketches by the same hash, of the rows alone and of
// rows and refused flows together, differ by them; a refused flow that has a row, too, is in both. Where a
// drain failed half-way, its rows are not those of the next one: refused flows among them count once more.

import { KERNEL_KEY_WORDS_MAX, kernelKeyOf, sketchHash } from '../abi/flow-sketch.js';
import type { FlowRows } from '../abi/records.js';
import { HyperLogLog } from '../hyper-log-log.js';
import { Pacer } from '../pacer.js';

/** Measured with 140,000 rows: 60 ns for IPv4, 90 for IPv6. */
const ROW_NS = 90;
/** A hash has no more bits than the first word of what the sketch takes. */
const NO_FURTHER_BITS = 0xffff_ffff;

export interface UnseenFlowsParts {
  readonly hashSeed: number;
  ifindexOf(interfaceId: number): number;
  yieldToLoop(): Promise<void>;
}

export class UnseenFlows {
  readonly #parts: UnseenFlowsParts;
  readonly #pacer: Pacer;
  readonly #rows = new HyperLogLog();
  readonly #all = new HyperLogLog();
  readonly #key = new Uint32Array(KERNEL_KEY_WORDS_MAX);

  constructor(parts: UnseenFlowsParts) {
    this.#parts = parts;
    this.#pacer = new Pacer(() => parts.yieldToLoop());
  }

  /** A whole number, 0 where no flow was refused. ranks: of a struct flow_sketch. */
  async count(rows: FlowRows, ranks: Uint8Array): Promise<number> {
    if (!ranks.some((rank) => rank > 0)) return 0;
    this.#rows.clear();
    await this.#pacer.run(rows.length, ROW_NS, (from, to) => {
      const { hashSeed, ifindexOf } = this.#parts;
      for (let row = from; row < to; row++) {
        const words = kernelKeyOf(rows, row, ifindexOf, this.#key);
        this.#rows.add(sketchHash(this.#key, words, hashSeed), NO_FURTHER_BITS);
      }
    });
    this.#all.clear();
    this.#all.merge(this.#rows);
    this.#all.mergeRanks(ranks);
    return Math.max(0, Math.round(this.#all.estimate() - this.#rows.estimate()));
  }
}
