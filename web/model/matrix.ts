// SPDX-License-Identifier: Apache-2.0
// Who talks to whom: hosts by hosts, the largest first, with what a cell's colour and dot stand for. Pure.

import type { Flow, RocePair } from './answers.js';

export interface MatrixCell {
  readonly src: string;
  readonly dst: string;
  readonly bitsPerSecond: number;
  /** 1 to RATE_STEPS by rate on a logarithmic scale; 0: nothing lately. */
  readonly step: number;
  /** Sentences; empty: all is well. */
  readonly trouble: readonly string[];
  /** Of the pair, where it is one of RoCE. */
  readonly pairId: string | undefined;
}

export interface Matrix {
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  /** By `cellKey`. */
  readonly cells: ReadonlyMap<string, MatrixCell>;
  /** Rates of the lowest and the highest step, bits per second; both 0 where nothing flows. */
  readonly from: number;
  readonly to: number;
  /** Pairs in the cells, and pairs that there are. */
  readonly shownPairs: number;
  readonly allPairs: number;
  /** Of what all carry, 0 to 1: what the cells do. 1 where nothing flows. */
  readonly shownShare: number;
}

/** Hosts that find room, at least one of each. */
export interface MatrixRoom {
  readonly rows: number;
  readonly columns: number;
}

/** What there is beside the pairs that are known one by one. */
export interface UnknownPairs {
  readonly pairs: number;
  readonly bitsPerSecond: number;
}

interface Talk {
  readonly src: string;
  readonly dst: string;
  readonly bitsPerSecond: number;
  readonly trouble: readonly string[];
  readonly pairId: string | undefined;
  /** Pairs that are together in this. */
  readonly pairs: number;
}

export const RATE_STEPS = 7;
/** More decades than this at once say nothing: what is smaller gets the lowest colour. */
const DECADES_MAX = 4;
/** A cell that stands there gives way to one that carries so many times as much. */
const STAYS_FACTOR = 1.5;
const NONE_UNKNOWN: UnknownPairs = { pairs: 0, bitsPerSecond: 0 };

export function cellKey(src: string, dst: string): string {
  return `${src} ${dst}`;
}

/** before: what stands there, which stays where it may. */
export function matrixOfPairs(
  pairs: readonly RocePair[],
  room: MatrixRoom,
  before?: Matrix,
  unknown: UnknownPairs = NONE_UNKNOWN,
): Matrix {
  const talks = pairs.map((pair) => ({
    src: pair.src_ip,
    dst: pair.dst_ip,
    bitsPerSecond: pair.payload_bits_per_second ?? 0,
    trouble: pair.trouble.map(({ sentence }) => sentence),
    pairId: pair.id,
    pairs: 1,
  }));
  return build(talks, room, before, unknown);
}

/** Flows whose addresses, or networks, are shown; a pair is two hosts, whatever flows between them. */
export function matrixOfFlows(flows: readonly Flow[], room: MatrixRoom, before?: Matrix): Matrix {
  const talks = flows.flatMap((flow) => {
    const src = flow.labels['src_ip'] || flow.labels['src_network'];
    const dst = flow.labels['dst_ip'] || flow.labels['dst_network'];
    if (!src || !dst) return [];
    return [{ src, dst, bitsPerSecond: flow.bits_per_second, trouble: [], pairId: undefined, pairs: 1 }];
  });
  const matrix = build(talks, room, before, NONE_UNKNOWN);
  const hosts = new Set(talks.map(({ src, dst }) => cellKey(src, dst)));
  return { ...matrix, shownPairs: matrix.cells.size, allPairs: hosts.size };
}

function build(
  talks: readonly Talk[],
  room: MatrixRoom,
  before: Matrix | undefined,
  unknown: UnknownPairs,
): Matrix {
  const merged = new Map<string, Talk>();
  for (const talk of talks) {
    const key = cellKey(talk.src, talk.dst);
    const known = merged.get(key);
    merged.set(key, known === undefined ? talk : together(known, talk));
  }
  const all = [...merged.values()];
  const { sources, destinations } = hostsWithRoom(all, room, before);
  const shown = all.filter(({ src, dst }) => sources.has(src) && destinations.has(dst));
  const rates = shown.map(({ bitsPerSecond }) => bitsPerSecond).filter((rate) => rate > 0);
  const to = rates.reduce((most, rate) => Math.max(most, rate), 0);
  const least = rates.reduce((few, rate) => Math.min(few, rate), to);
  const from = Math.max(least, to / 10 ** DECADES_MAX);
  const cells = new Map(
    shown.map((talk) => [
      cellKey(talk.src, talk.dst),
      { ...talk, step: rateStep(talk.bitsPerSecond, from, to) },
    ]),
  );
  const allBits = bitsOf(all) + unknown.bitsPerSecond;
  return {
    ...{ sources: byName(sources), destinations: byName(destinations), cells, from, to },
    shownPairs: pairsIn(shown),
    allPairs: pairsIn(all) + unknown.pairs,
    shownShare: allBits > 0 ? bitsOf(shown) / allBits : 1,
  };
}

function bitsOf(talks: readonly Talk[]): number {
  return talks.reduce((sum, { bitsPerSecond }) => sum + bitsPerSecond, 0);
}

function pairsIn(talks: readonly Talk[]): number {
  return talks.reduce((sum, { pairs }) => sum + pairs, 0);
}

/**
 * Cells find room one after the other, with trouble first, then by what they carry: so every row and column has a
 * cell, and the largest one is there.
 */
function hostsWithRoom(
  talks: readonly Talk[],
  { rows, columns }: MatrixRoom,
  before: Matrix | undefined,
): { readonly sources: ReadonlySet<string>; readonly destinations: ReadonlySet<string> } {
  const ranked = talks
    .map((talk) => {
      const key = cellKey(talk.src, talk.dst);
      const weight = talk.bitsPerSecond * (before?.cells.has(key) ? STAYS_FACTOR : 1);
      return { talk, key, weight };
    })
    .sort(
      (a, b) =>
        Number(b.talk.trouble.length > 0) - Number(a.talk.trouble.length > 0) ||
        b.weight - a.weight ||
        (a.key < b.key ? -1 : 1),
    );
  const sources = new Set<string>();
  const destinations = new Set<string>();
  for (const { talk } of ranked) {
    const { src, dst } = talk;
    if (!sources.has(src) && sources.size >= rows) continue;
    if (!destinations.has(dst) && destinations.size >= columns) continue;
    sources.add(src);
    destinations.add(dst);
  }
  return { sources, destinations };
}

/** 10.0.0.9 before 10.0.0.10: hosts stay in place, whatever they carry. */
function byName(hosts: ReadonlySet<string>): string[] {
  const names = new Intl.Collator('en', { numeric: true });
  return [...hosts].sort((a, b) => names.compare(a, b));
}

/** A pair may come through two interfaces, or as several queue pairs: the larger is opened, unless only one has trouble. */
function together(a: Talk, b: Talk): Talk {
  const isBTelling = b.trouble.length > 0 !== a.trouble.length > 0;
  const first = isBTelling ? (b.trouble.length > 0 ? b : a) : b.bitsPerSecond > a.bitsPerSecond ? b : a;
  return {
    ...first,
    bitsPerSecond: a.bitsPerSecond + b.bitsPerSecond,
    trouble: [...a.trouble, ...b.trouble],
    pairs: a.pairs + b.pairs,
  };
}

export function rateStep(rate: number, from: number, to: number): number {
  if (rate <= 0) return 0;
  if (rate >= to) return RATE_STEPS;
  if (rate <= from) return 1;
  return 1 + Math.floor((Math.log(rate / from) / Math.log(to / from)) * (RATE_STEPS - 1));
}

/** Where an arrow key leads from a cell; the same where there is nothing further. */
export function moveInGrid(
  at: { readonly row: number; readonly column: number },
  key: string,
  size: { readonly rows: number; readonly columns: number },
): { row: number; column: number } | undefined {
  const row = (to: number): number => Math.max(0, Math.min(size.rows - 1, to));
  const column = (to: number): number => Math.max(0, Math.min(size.columns - 1, to));
  switch (key) {
    case 'ArrowUp':
      return { row: row(at.row - 1), column: at.column };
    case 'ArrowDown':
      return { row: row(at.row + 1), column: at.column };
    case 'ArrowLeft':
      return { row: at.row, column: column(at.column - 1) };
    case 'ArrowRight':
      return { row: at.row, column: column(at.column + 1) };
    case 'Home':
      return { row: at.row, column: 0 };
    case 'End':
      return { row: at.row, column: column(size.columns - 1) };
    default:
      return undefined;
  }
}
