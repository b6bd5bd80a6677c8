// SPDX-License-Identifier: Apache-2.0
// How far into the kernel's maps the counters have come that are kept in the state: it stands in the state beside
// them, so that the next process reads what is missing there, and nothing twice. See reader/kept-drain.ts.

import type { Half } from '../kernel/kernel-maps.js';
import type { StateColumns } from '../state-columns.js';

export interface CountedMaps {
  /** Of the pinned generation whose maps were counted last. */
  readonly generationId: string;
  /** The half that was counted last; all: the maps are of another version, and were summed as a whole. */
  readonly half: Half | 'all';
}

const COLUMN = 'kernel.counted';
/** In the order of their numbers in the column. */
const HALVES = [0, 1, 'all'] as const;

export class CountedMark {
  #counted: CountedMaps | undefined;

  get counted(): CountedMaps | undefined {
    return this.#counted;
  }

  /** Once the counters have it. */
  set(counted: CountedMaps): void {
    this.#counted = counted;
  }

  /** Of the state that counters go on from. A state without it, or with another, tells of no maps. */
  goOn(columns: StateColumns): void {
    const column = columns[COLUMN];
    if (!(column instanceof Uint8Array) || column.length < 1) return;
    const half = HALVES[column[0] ?? HALVES.length];
    if (half === undefined) return;
    this.#counted = { generationId: Buffer.from(column.subarray(1)).toString('latin1'), half };
  }

  columns(): StateColumns {
    if (this.#counted === undefined) return {};
    const { generationId, half } = this.#counted;
    return { [COLUMN]: Buffer.from([HALVES.indexOf(half), ...Buffer.from(generationId, 'latin1')]) };
  }

  /** Of the maps of this generation, what was counted last. */
  of(generationId: string): CountedMaps['half'] | undefined {
    return this.#counted?.generationId === generationId ? this.#counted.half : undefined;
  }
}
