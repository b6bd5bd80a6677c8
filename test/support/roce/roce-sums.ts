// SPDX-License-Identifier: Apache-2.0
// Counts of RoCE streams in one form, whoever counted: by stream, cells by name, zeros left out. Two of
// them can be compared with deepEqual, and read.

import { ROCE_CELL, ROCE_CELLS, ROCE_MALFORMED, ROCE_TRANSPORT } from '../../../src/abi/roce-records.js';
import type { RoceCells, RoceKey, RoceReading } from '../oracle/reference-roce.js';

/** Cells by name: `packets`, `ecn+3`, ... */
export type NamedCells = Readonly<Record<string, number>>;

const TRANSPORT_NAMES = namesByNumber(ROCE_TRANSPORT);
const MALFORMED_NAMES = namesByNumber(ROCE_MALFORMED);
const CELL_NAMES = cellNames();

/**
 * Cells are added. Every place where packets of a stream are counted has a first port of its own, so a stream of
 * several ports has none here.
 */
export class RoceSums {
  readonly #sums = new Map<string, Map<number, number>>();
  readonly #sprayed = new Set<string>();

  add(key: RoceKey, ...parts: readonly RoceCells[]): void {
    const name = streamName(key);
    const sums = this.#sums.get(name) ?? new Map<number, number>();
    this.#sums.set(name, sums);
    for (const cells of parts) this.#addCells(name, sums, cells);
  }

  #addCells(name: string, sums: Map<number, number>, cells: RoceCells): void {
    const [known, port] = [sums.get(ROCE_CELL.port) ?? 0, cells.get(ROCE_CELL.port) ?? 0];
    if (known !== 0 && port !== 0 && known !== port) this.#sprayed.add(name);
    if ((cells.get(ROCE_CELL.strayedBytes) ?? 0) > 0) this.#sprayed.add(name);
    for (const [cell, amount] of cells) sums.set(cell, (sums.get(cell) ?? 0) + amount);
    sums.set(ROCE_CELL.port, known === 0 ? port : known);
    if (!this.#sprayed.has(name)) return;
    sums.delete(ROCE_CELL.port);
    sums.delete(ROCE_CELL.strayedBytes);
  }

  /** Names of streams and of their cells, to be compared. */
  snapshot(): Readonly<Record<string, NamedCells>> {
    return Object.fromEntries([...this.#sums].sort().map(([name, cells]) => [name, namedCells(cells)]));
  }
}

/** What one frame adds, in the same form. */
export function readingSnapshot(reading: RoceReading | undefined): Readonly<Record<string, NamedCells>> {
  const sums = new RoceSums();
  if (reading !== undefined) {
    sums.add(reading.key, reading.cells);
  }
  return sums.snapshot();
}

/** The whole key, to be compared and to be read. */
export function streamName(key: RoceKey): string {
  const { srcIp, dstIp, qp, pkey, version, transport, dscp, detail } = key;
  const transportName = TRANSPORT_NAMES.get(transport) ?? `transport ${transport}`;
  const isMalformed = transport === ROCE_TRANSPORT.malformed;
  const what = isMalformed
    ? (MALFORMED_NAMES.get(detail) ?? `detail ${detail}`)
    : (['request', 'response'][detail] ?? `detail ${detail}`);
  const where = `${srcIp} -> ${dstIp} qp ${qp.toString(16)}`;
  return `v${version} ${transportName} ${what} ${where} pkey ${pkey.toString(16)} dscp ${dscp}`;
}

/** Cells that are not 0, in the order of their indexes. */
export function namedCells(cells: RoceCells): NamedCells {
  const present = [...cells].filter(([, amount]) => amount !== 0).sort(([a], [b]) => a - b);
  return Object.fromEntries(present.map(([cell, amount]) => [CELL_NAMES[cell] ?? `cell ${cell}`, amount]));
}

function namesByNumber(names: Readonly<Record<string, number>>): ReadonlyMap<number, string> {
  return new Map(Object.entries(names).map(([name, number]) => [number, name]));
}

/** A group of cells is named after its first: `ecn`, `ecn+1`, ... */
function cellNames(): string[] {
  const starts = namesByNumber(ROCE_CELL);
  const names: string[] = [];
  let [group, first] = ['', 0];
  for (let cell = 0; cell < ROCE_CELLS; cell++) {
    const own = starts.get(cell);
    if (own !== undefined) {
      [group, first] = [own, cell];
    }
    names.push(own ?? `${group}+${cell - first}`);
  }
  return names;
}
