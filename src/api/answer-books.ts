// SPDX-License-Identifier: Apache-2.0
// The equation of the books with its numbers: what interfaces carried is in flows, pending, or in no flow.

import { trafficType } from '../abi/kinds.js';
import { FLOW_ROW_WORDS } from '../abi/records.js';
import { interfaceIdOf, kindOf } from '../abi/row-key.js';
import type { BookRow, BooksView, SeriesView } from '../flows/views.js';
import type { Pacer } from '../pacer.js';
import { type RawJson, renderList } from './json-list.js';

const FLOW_NS = 60;
/** Interfaces have 24 bits, kinds 8. */
const KINDS = 256;

interface Amount {
  bytes: number;
  packets: number;
}

interface Line {
  readonly interfaceId: number;
  readonly kind: number;
  readonly seen: Amount;
  readonly shown: Amount;
  readonly pending: Amount;
  readonly other: (Amount & { readonly reason: string })[];
}

/** Within the guard. */
export async function answerBooks({
  series,
  books,
  interfaceName,
  pacer,
}: {
  readonly series: SeriesView;
  readonly books: BooksView;
  interfaceName(id: number): string;
  readonly pacer: Pacer;
}): Promise<Record<string, unknown>> {
  const lines = new Map<number, Line>();
  const lineOf = (interfaceId: number, kind: number): Line => {
    const key = interfaceId * KINDS + kind;
    let line = lines.get(key);
    if (line === undefined) {
      line = { interfaceId, kind, seen: none(), shown: none(), pending: none(), other: [] };
      lines.set(key, line);
    }
    return line;
  };
  const ofRow = ({ interfaceId, kind }: BookRow): Line => lineOf(interfaceId, kind);
  for (const row of books.interfaces) add(ofRow(row).seen, row.bytes, row.packets);
  for (const row of books.pending) add(ofRow(row).pending, row.bytes, row.packets);
  for (const row of books.others) {
    const { reason, bytes, packets } = row;
    ofRow(row).other.push({ reason, bytes, packets });
  }
  const { keys, inUse, shownBytes, shownPackets } = series;
  await pacer.run(series.count, FLOW_NS, (from, to) => {
    for (let i = from; i < to; i++) {
      const one = inUse[i] ?? 0;
      const at = one * FLOW_ROW_WORDS;
      const { shown } = lineOf(interfaceIdOf(keys, at), kindOf(keys, at));
      add(shown, shownBytes[one] ?? 0, shownPackets[one] ?? 0);
    }
  });
  const used = [...lines.values()].filter(isUsed);
  const sum = sumOf(used);
  return {
    balances: balances(sum),
    sum,
    rows: await renderLines(used, interfaceName, pacer),
  };
}

function renderLines(
  lines: readonly Line[],
  interfaceName: (id: number) => string,
  pacer: Pacer,
): Promise<RawJson> {
  const row = ({ interfaceId, kind, ...amounts }: Line): object => ({
    interface: interfaceName(interfaceId),
    traffic_type: trafficType(kind).label,
    ...amounts,
  });
  return renderList(lines, 20, row, pacer);
}

function sumOf(lines: readonly Line[]): Record<'seen' | 'shown' | 'pending' | 'other', Amount> {
  const sums = { seen: none(), shown: none(), pending: none(), other: none() };
  for (const line of lines) {
    for (const part of ['seen', 'shown', 'pending'] as const) {
      add(sums[part], line[part].bytes, line[part].packets);
    }
    for (const { bytes, packets } of line.other) add(sums.other, bytes, packets);
  }
  return sums;
}

function balances({ seen, shown, pending, other }: ReturnType<typeof sumOf>): boolean {
  return (['bytes', 'packets'] as const).every(
    (unit) => seen[unit] === shown[unit] + pending[unit] + other[unit],
  );
}

function isUsed({ seen, shown, pending, other }: Line): boolean {
  return [seen, shown, pending, ...other].some(({ bytes, packets }) => bytes !== 0 || packets !== 0);
}

function none(): Amount {
  return { bytes: 0, packets: 0 };
}

function add(amount: Amount, bytes: number, packets: number): void {
  amount.bytes += bytes;
  amount.packets += packets;
}
