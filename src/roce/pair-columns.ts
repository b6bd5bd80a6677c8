// SPDX-License-Identifier: Apache-2.0
// Pairs as columns of a state, and back: a row for each pair, and rows that name their pair for whatever a pair has
// any number of.

import { ROCE_CELLS } from '../abi/roce-records.js';
import { ColumnReader, type NumberedNames, type StateColumns } from '../state-columns.js';
import { ADDRESS_WORDS } from './address-masks.js';
import { noPsnCounts, type RocePair } from './roce-pair.js';

/** Of a pair in `roce.pairs`: interface, both addresses, queue pair. */
export const PAIR_WORDS = 2 + 2 * ADDRESS_WORDS;

/** A pair's own numbers in `roce.counts`, in this order. */
const COUNTS = [
  'malformedPackets',
  'malformedBytes',
  'cnpPackets',
  'cmMessages',
  'fecnPackets',
  'becnPackets',
] as const;
const TIMES = 2;
const COUNT_WIDTH = TIMES + COUNTS.length;
const PSN_COUNTS = Object.keys(noPsnCounts()) as (keyof ReturnType<typeof noPsnCounts>)[];

/** Rows of one kind that name their pair: words begin with its place. */
class PairRows {
  readonly words: number[] = [];
  readonly doubles: number[] = [];
}

/** Fills columns for the pairs, one by one. */
export class PairColumns {
  readonly #pairs: Uint32Array;
  readonly #cells: Float64Array;
  readonly #counts: Float64Array;
  readonly #traffic = new PairRows();
  readonly #psn = new PairRows();
  readonly #malformed = new PairRows();
  readonly #partitions = new PairRows();

  constructor(pairCount: number) {
    this.#pairs = new Uint32Array(PAIR_WORDS * pairCount);
    this.#cells = new Float64Array(ROCE_CELLS * pairCount);
    this.#counts = new Float64Array(COUNT_WIDTH * pairCount);
  }

  add(pair: RocePair, place: number, nowMs: number, interfaces: NumberedNames): void {
    const { path } = pair;
    const words = place * PAIR_WORDS;
    this.#pairs[words] = interfaces.indexOf(path.interfaceId);
    this.#pairs.set(path.addresses, words + 1);
    this.#pairs[words + PAIR_WORDS - 1] = pair.queuePair;
    this.#cells.set(pair.cells, place * ROCE_CELLS);
    const own = [pair.startedMs, Math.max(0, nowMs - pair.lastSeenMs), ...COUNTS.map((name) => pair[name])];
    this.#counts.set(own, place * COUNT_WIDTH);
    for (const { version, transport, dscp, packets, bytes, payloadBytes } of pair.traffic) {
      this.#traffic.words.push(place, version, transport, dscp);
      this.#traffic.doubles.push(packets, bytes, payloadBytes);
    }
    for (const [transport, counts] of pair.psn) {
      this.#psn.words.push(place, transport);
      this.#psn.doubles.push(...PSN_COUNTS.map((name) => counts[name]));
    }
    for (const [rows, counts] of [
      [this.#malformed, pair.malformed],
      [this.#partitions, pair.partitions],
    ] as const) {
      for (const [key, packets] of counts) {
        rows.words.push(place, key); // OTHER_PARTITIONS is -1: all bits set
        rows.doubles.push(packets);
      }
    }
  }

  finish(): StateColumns {
    const rows = {
      traffic: this.#traffic,
      psn: this.#psn,
      malformed: this.#malformed,
      partitions: this.#partitions,
    };
    const columns = Object.entries(rows).flatMap(([name, { words, doubles }]) => [
      [`roce.${name}`, Uint32Array.from(words)] as const,
      [`roce.${name}Counts`, Float64Array.from(doubles)] as const,
    ]);
    return {
      'roce.pairs': this.#pairs,
      'roce.cells': this.#cells,
      'roce.counts': this.#counts,
      ...Object.fromEntries(columns),
    };
  }
}

/** Pairs of a state, checked. */
export interface PairsState {
  readonly count: number;
  /** PAIR_WORDS a pair; interfaces are places among the state's names. */
  readonly pairs: Uint32Array;
  readonly problem: string | undefined;
  startedMsOf(place: number): number;
  idleMsOf(place: number): number;
  /** The pair's counts; it has counted nothing. Once for each place, in order. */
  fill(pair: RocePair, place: number): void;
}

export function readPairs(columns: StateColumns, interfaceCount: number): PairsState {
  const reader = new ColumnReader(columns, 'roce.');
  const pairs = reader.words('pairs', PAIR_WORDS);
  const count = pairs.length / PAIR_WORDS;
  reader.indexes(pairs, PAIR_WORDS, 0, interfaceCount, 'pairs');
  const cells = reader.doubles('cells', ROCE_CELLS, count);
  const counts = reader.doubles('counts', COUNT_WIDTH, count);
  const traffic = readRows(reader, 'traffic', 4, 3, count);
  const psn = readRows(reader, 'psn', 2, PSN_COUNTS.length, count);
  const malformed = readRows(reader, 'malformed', 2, 1, count);
  const partitions = readRows(reader, 'partitions', 2, 1, count);

  return {
    count,
    pairs,
    problem: reader.problem,
    startedMsOf: (place) => counts[place * COUNT_WIDTH] ?? 0,
    idleMsOf: (place) => counts[place * COUNT_WIDTH + 1] ?? 0,
    fill(pair, place) {
      pair.cells.set(cells.subarray(place * ROCE_CELLS, (place + 1) * ROCE_CELLS));
      COUNTS.forEach((name, i) => {
        pair[name] = counts[place * COUNT_WIDTH + TIMES + i] ?? 0;
      });
      traffic.each(
        place,
        ([version = 0, transport = 0, dscp = 0], [packets = 0, bytes = 0, payloadBytes = 0]) => {
          pair.traffic.push({ version, transport, dscp, packets, bytes, payloadBytes });
        },
      );
      psn.each(place, ([transport = 0], values) => {
        const own = noPsnCounts();
        PSN_COUNTS.forEach((name, i) => {
          own[name] = values[i] ?? 0;
        });
        pair.psn.set(transport, own);
      });
      malformed.each(place, ([reason = 0], [packets = 0]) => pair.malformed.set(reason, packets));
      partitions.each(place, ([pkey = 0], [packets = 0]) => pair.partitions.set(pkey | 0, packets));
    },
  };
}

/** Rows stand in the order of their pairs, so that one walk serves all. */
interface ReadRows {
  each(place: number, use: (words: Uint32Array, doubles: Float64Array) => void): void;
}

function readRows(
  reader: ColumnReader,
  name: string,
  wordWidth: number,
  doubleWidth: number,
  pairCount: number,
): ReadRows {
  const words = reader.words(name, wordWidth);
  const rows = words.length / wordWidth;
  const doubles = reader.doubles(`${name}Counts`, doubleWidth, rows);
  reader.indexes(words, wordWidth, 0, pairCount, name);
  let row = 0;
  return {
    each(place, use) {
      for (; row < rows && words[row * wordWidth] === place; row++) {
        use(
          words.subarray(row * wordWidth + 1, (row + 1) * wordWidth),
          doubles.subarray(row * doubleWidth, (row + 1) * doubleWidth),
        );
      }
    },
  };
}
