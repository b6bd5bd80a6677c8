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
  /** Hosts that found no room. */
  readonly hiddenHosts: number;
}

interface Talk {
  readonly src: string;
  readonly dst: string;
  readonly bitsPerSecond: number;
  readonly trouble: readonly string[];
  readonly pairId: string | undefined;
}

export const RATE_STEPS = 7;
/** More decades than this at once say nothing: what is smaller gets the lowest colour. */
const DECADES_MAX = 4;

export function cellKey(src: string, dst: string): string {
  return `${src} ${dst}`;
}

export function matrixOfPairs(pairs: readonly RocePair[], hostsMax: number): Matrix {
  return build(
    pairs.map((pair) => ({
      src: pair.src_ip,
      dst: pair.dst_ip,
      bitsPerSecond: pair.payload_bits_per_second ?? 0,
      trouble: pair.trouble.map(({ sentence }) => sentence),
      pairId: pair.id,
    })),
    hostsMax,
  );
}

/** Flows whose addresses, or networks, are shown. */
export function matrixOfFlows(flows: readonly Flow[], hostsMax: number): Matrix {
  return build(
    flows.flatMap((flow) => {
      const src = flow.labels['src_ip'] || flow.labels['src_network'];
      const dst = flow.labels['dst_ip'] || flow.labels['dst_network'];
      if (!src || !dst) return [];
      return [{ src, dst, bitsPerSecond: flow.bits_per_second, trouble: [], pairId: undefined }];
    }),
    hostsMax,
  );
}

function build(talks: readonly Talk[], hostsMax: number): Matrix {
  const merged = new Map<string, Talk>();
  for (const talk of talks) {
    const key = cellKey(talk.src, talk.dst);
    const known = merged.get(key);
    merged.set(key, known === undefined ? talk : together(known, talk));
  }
  const all = [...merged.values()];
  const sources = largest(all, 'src', hostsMax);
  const destinations = largest(all, 'dst', hostsMax);
  const shown = all.filter(({ src, dst }) => sources.includes(src) && destinations.includes(dst));
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
  const hosts = new Set(all.flatMap(({ src, dst }) => [src, dst]));
  const shownHosts = new Set([...sources, ...destinations]);
  return { sources, destinations, cells, from, to, hiddenHosts: hosts.size - shownHosts.size };
}

/** A pair may come through two interfaces, or as several queue pairs: the larger is opened, unless only one has trouble. */
function together(a: Talk, b: Talk): Talk {
  const isBTelling = b.trouble.length > 0 !== a.trouble.length > 0;
  const first = isBTelling ? (b.trouble.length > 0 ? b : a) : b.bitsPerSecond > a.bitsPerSecond ? b : a;
  return {
    ...first,
    bitsPerSecond: a.bitsPerSecond + b.bitsPerSecond,
    trouble: [...a.trouble, ...b.trouble],
  };
}

/** By what they carry; with trouble first, so that no dot is left out; then by name, so that they stay in place. */
function largest(talks: readonly Talk[], end: 'src' | 'dst', max: number): string[] {
  const sums = new Map<string, { bits: number; trouble: number }>();
  for (const talk of talks) {
    const sum = sums.get(talk[end]) ?? { bits: 0, trouble: 0 };
    sum.bits += talk.bitsPerSecond;
    sum.trouble += talk.trouble.length > 0 ? 1 : 0;
    sums.set(talk[end], sum);
  }
  return [...sums]
    .sort(
      ([nameA, a], [nameB, b]) =>
        Number(b.trouble > 0) - Number(a.trouble > 0) || b.bits - a.bits || (nameA < nameB ? -1 : 1),
    )
    .slice(0, max)
    .map(([name]) => name)
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
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
