// SPDX-License-Identifier: Apache-2.0
// Which counters a push shows for the first time, as a snapshot in which they stand at 0. For formats that
// remember no series otherwise.

import { countsFromStart, type Family, type Sample } from '../metrics/definition.js';
import type { FlowFamilies } from '../metrics/flow-families.js';
import type { Pacer } from '../pacer.js';
import { seriesName } from './remote-write/family-label-cache.js';

/** Prices of a step, nanoseconds. */
const NAME_NS = 1000;
const ROW_NS = 10;

export class BegunSeries {
  readonly #pacer: Pacer;
  /** Names of the former push's samples. */
  #names = new Set<string>();
  /** By row of the flow table: 1 where the series of the row was shown. */
  #shown = new Uint8Array(0);

  constructor(pacer: Pacer) {
    this.#pacer = pacer;
  }

  /** Of these, the samples that the former call did not get. */
  async families(families: readonly Family[]): Promise<Family[]> {
    const names = new Set<string>();
    const begun: Family[] = [];
    for (const family of families) {
      if (!countsFromStart(family)) continue;
      const samples: Sample[] = [];
      await this.#pacer.run(family.samples.length, NAME_NS, (from, to) => {
        for (const sample of family.samples.slice(from, to)) {
          const name = seriesName(family.name + sample.suffix, sample.labels);
          if (!this.#names.has(name)) samples.push({ ...sample, value: 0 });
          names.add(name);
        }
      });
      if (samples.length > 0) begun.push({ ...family, samples });
    }
    this.#names = names;
    return begun;
  }

  /** Of these, the flows that were in no former call, or have ended since. */
  async flows({ rows, families }: FlowFamilies): Promise<FlowFamilies> {
    const begun = new Uint32Array(rows.count);
    let count = 0;
    this.#reserve(rows.startedMs.length);
    await this.#pacer.run(rows.count, ROW_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const row = rows.inUse[i] ?? 0;
        if (this.#shown[row] === 1) continue;
        this.#shown[row] = 1;
        begun[count++] = row;
      }
    });
    const zeros = new Float64Array(count === 0 ? 0 : rows.startedMs.length);
    const { keys, startedMs, labelBytes, labelOffset, labelLength } = rows;
    return {
      rows: { count, inUse: begun, keys, startedMs, labelBytes, labelOffset, labelLength },
      families: families.filter(countsFromStart).map((family) => ({ ...family, values: zeros })),
    };
  }

  endFlow(row: number): void {
    if (row < this.#shown.length) this.#shown[row] = 0;
  }

  #reserve(length: number): void {
    if (length <= this.#shown.length) return;
    const grown = new Uint8Array(length);
    grown.set(this.#shown);
    this.#shown = grown;
  }
}
