// SPDX-License-Identifier: Apache-2.0
// How far into the kernel's maps the counters have come that are kept in the state: it stands in the state beside
// them, so that the next process reads what is missing there, and nothing twice. See reader/kept-drain.ts.

import type { Half } from '../kernel/kernel-maps.js';
import type { StateColumns } from '../state-columns.js';

export interface CountedMaps {
  /** Of a pinned generation. */
  readonly generationId: string;
  /** The half of its maps that was counted last; all: the maps are of another version, and were summed as a whole. */
  readonly half: Half | 'all';
}

const COLUMN = 'kernel.counted_halves';
/** In the order of their numbers in the column. */
const HALVES = [0, 1, 'all'] as const;
/** Generations that are told of; the one whose maps were counted longest ago goes first. There are seldom two. */
const MAX_GENERATIONS = 16;
const MAX_ID_BYTES = 255;

export class CountedMark {
  /** By generation; counted last comes last. Each stays while its maps may be there: a process may die before it cleared a half, and the next one within another's maps. */
  readonly #halves = new Map<string, CountedMaps['half']>();

  /** Once the counters have it. */
  set({ generationId, half }: CountedMaps): void {
    this.#halves.delete(generationId);
    this.#halves.set(generationId, half);
    for (const oldest of this.#halves.keys()) {
      if (this.#halves.size <= MAX_GENERATIONS) break;
      this.#halves.delete(oldest);
    }
  }

  /** Of the state that counters go on from. A state without it, or with what it cannot be, tells of no maps. */
  goOn(columns: StateColumns): void {
    const column = columns[COLUMN];
    if (!(column instanceof Uint8Array)) return;
    for (let at = 0; at + 2 <= column.length; ) {
      const half = HALVES[column[at] ?? HALVES.length];
      const end = at + 2 + (column[at + 1] ?? 0);
      if (half === undefined || end > column.length) return;
      this.set({ generationId: Buffer.from(column.subarray(at + 2, end)).toString('latin1'), half });
      at = end;
    }
  }

  /** For each generation u8 half, u8 length, bytes of its id. */
  columns(): StateColumns {
    if (this.#halves.size === 0) return {};
    const bytes = [...this.#halves].map(([generationId, half]) => {
      const id = Buffer.from(generationId, 'latin1').subarray(0, MAX_ID_BYTES);
      return Buffer.concat([Buffer.from([HALVES.indexOf(half), id.length]), id]);
    });
    return { [COLUMN]: Buffer.concat(bytes) };
  }

  /** Of the maps of this generation, what was counted last. */
  of(generationId: string): CountedMaps['half'] | undefined {
    return this.#halves.get(generationId);
  }
}
