// SPDX-License-Identifier: Apache-2.0
// The largest flows, and what is in none of them, so that the sums balance to what the interfaces carried.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import { DESTINATION_ADDRESS_WORD, interfaceIdOf, kindOf, SOURCE_ADDRESS_WORD } from '../abi/row-key.js';
import type { BooksView, SeriesView } from '../flows/views.js';
import type { FlowLabelField } from '../metrics/flow-label-fields.js';
import type { Pacer } from '../pacer.js';
import type { ExporterFacts, FactParts } from './facts.js';
import { FLOW_NUMBER, FLOW_NUMBERS } from './flow-rates.js';
import { bitsPerSecond, perSecond, type RawJson, renderList } from './json-list.js';
import { LargestRows } from './largest-rows.js';
import type { LiveCounts } from './live-counts.js';
import type { FlowColumn, FlowQuery } from './query.js';
import { whyNothing } from './verdict.js';
import { windowRates } from './windows.js';

/** Prices for the pacer, nanoseconds. */
const FLOW_NS = 50;
/** Numbers and texts of a flow's row, about. */
const ROW_VALUES = 35;

interface FlowSums {
  flows: number;
  /** null: what was counted in the last refresh is not known. */
  bytes: number | null;
  packets: number | null;
  total_bytes: number;
  total_packets: number;
}

/** Within the guard. */
export async function answerFlows(
  query: FlowQuery,
  live: LiveCounts,
  parts: Pick<FactParts, 'facts' | 'interfaceName' | 'flowFields'> & {
    readonly series: SeriesView;
    readonly books: BooksView;
    readonly pacer: Pacer;
  },
): Promise<Record<string, unknown>> {
  const { series, books, pacer } = parts;
  const matches = createMatch(query, parts.interfaceName);
  const matched = noSums(live);
  const largest = new LargestRows(query.top);
  const [ranks, ties] = [columnOf(series, columnKnown(query.by, live)), tieColumnOf(series, query.by)];
  const { keys, inUse } = series;
  await pacer.run(series.count, FLOW_NS, (from, to) => {
    for (let i = from; i < to; i++) {
      const one = inUse[i] ?? 0;
      if (matches !== undefined && !matches(keys, one * FLOW_ROW_WORDS)) continue;
      addFlow(matched, series, one);
      largest.offer(one, ranks[one] ?? 0, ties[one] ?? 0);
    }
  });
  const top = largest.take();
  const shown = noSums(live);
  for (const one of top) addFlow(shown, series, one);
  const rest = lessThan(matched, shown);
  const isByAddress = query.src !== undefined || query.dst !== undefined;
  const carried = isByAddress ? matched : carriedOf(query, live, books, parts.interfaceName, matched.flows);
  const fields = parts.flowFields();
  return {
    history_since_ms: live.flows.followed.sinceMs ?? null,
    by: query.by,
    labels: fields.map(({ name }) => name),
    flows: await renderFlows(top, live, series, fields, pacer),
    shown,
    rest,
    without_series: isByAddress ? null : withoutFlows(lessThan(carried, matched)),
    all: carried,
    empty: matched.flows > 0 ? null : whyNoFlow(parts.facts(), live, series, carried),
  };
}

function renderFlows(
  top: readonly number[],
  live: LiveCounts,
  series: SeriesView,
  fields: readonly FlowLabelField[],
  pacer: Pacer,
): Promise<RawJson> {
  const { followed } = live.flows;
  const labelsOf = labelReader(fields);
  const row = (one: number): object => {
    const [bytes, packets] = [series.intervalBytes[one] ?? 0, series.intervalPackets[one] ?? 0];
    const { isKnown } = live;
    return {
      id: flowId(series, one),
      labels: labelsOf(series.keys, one * FLOW_ROW_WORDS),
      began_ms: series.startedMs[one] ?? 0,
      bits_per_second: bitsPerSecond(bytes, live.spanMs),
      packets_per_second: perSecond(packets, live.spanMs),
      bytes: isKnown ? bytes : null,
      packets: isKnown ? packets : null,
      total_bytes: series.totalBytes[one] ?? 0,
      total_packets: series.totalPackets[one] ?? 0,
      windows: windowRates((askedMs, sums) => followed.sumWindow(one, askedMs, sums), {
        count: FLOW_NUMBERS,
        ...FLOW_NUMBER,
      }),
    };
  };
  return renderList(top, ROW_VALUES, row, pacer);
}

/** Of a series; another flow that gets its place has begun later. */
export function flowId(series: SeriesView, one: number): string {
  return `f${one}.${series.startedMs[one] ?? 0}`;
}

type Match = (keys: Uint32Array, wordOffset: number) => boolean;

/** undefined: every flow is asked for. */
function createMatch(query: FlowQuery, interfaceName: (id: number) => string): Match | undefined {
  const { interface: name, kind, src, dst } = query;
  const conditions: Match[] = [];
  if (kind !== undefined) conditions.push((keys, at) => kindOf(keys, at) === kind);
  if (name !== undefined) {
    const isMeant = interfaceCondition(name, interfaceName);
    conditions.push((keys, at) => isMeant(interfaceIdOf(keys, at)));
  }
  if (src !== undefined) conditions.push((keys, at) => src.matchesFlow(keys, at, SOURCE_ADDRESS_WORD));
  if (dst !== undefined) conditions.push((keys, at) => dst.matchesFlow(keys, at, DESTINATION_ADDRESS_WORD));
  if (conditions.length === 0) return undefined;
  return (keys, wordOffset) => conditions.every((holds) => holds(keys, wordOffset));
}

/** Each number's answer is kept: there are as many as interfaces. */
export function interfaceCondition(
  name: string,
  interfaceName: (id: number) => string,
): (id: number) => boolean {
  const answers = new Map<number, boolean>();
  return (id) => {
    const known = answers.get(id);
    if (known !== undefined) return known;
    const answer = interfaceName(id) === name;
    answers.set(id, answer);
    return answer;
  };
}

function columnOf(series: SeriesView, by: FlowColumn): Float64Array {
  switch (by) {
    case 'bytes':
      return series.intervalBytes;
    case 'packets':
      return series.intervalPackets;
    case 'total_bytes':
      return series.totalBytes;
    case 'total_packets':
      return series.totalPackets;
    default:
      return by satisfies never;
  }
}

/** Where it is not known what was counted lately, the largest are those of the largest totals. */
function columnKnown(by: FlowColumn, { isKnown }: LiveCounts): FlowColumn {
  if (isKnown) return by;
  return by === 'packets' || by === 'total_packets' ? 'total_packets' : 'total_bytes';
}

function tieColumnOf(series: SeriesView, by: FlowColumn): Float64Array {
  return by === 'packets' ? series.totalPackets : series.totalBytes;
}

/** What the interfaces carried, of the interface and type that are asked for. */
function carriedOf(
  { interface: name, kind }: FlowQuery,
  live: LiveCounts,
  books: BooksView,
  interfaceName: (id: number) => string,
  flows: number,
): FlowSums {
  const sums = { ...noSums(live), flows };
  const isMeant = name === undefined ? undefined : interfaceCondition(name, interfaceName);
  books.interfaces.forEach((row, place) => {
    if (kind !== undefined && row.kind !== kind) return;
    if (isMeant !== undefined && !isMeant(row.interfaceId)) return;
    sums.bytes = plus(sums.bytes, live.interfaces.bytes[place] ?? 0);
    sums.packets = plus(sums.packets, live.interfaces.packets[place] ?? 0);
    sums.total_bytes += row.bytes;
    sums.total_packets += row.packets;
  });
  return sums;
}

function noSums({ isKnown }: LiveCounts): FlowSums {
  const none = isKnown ? 0 : null;
  return { flows: 0, bytes: none, packets: none, total_bytes: 0, total_packets: 0 };
}

function plus(sum: number | null, count: number): number | null {
  return sum === null ? null : sum + count;
}

function addFlow(sums: FlowSums, series: SeriesView, one: number): void {
  sums.flows++;
  sums.bytes = plus(sums.bytes, series.intervalBytes[one] ?? 0);
  sums.packets = plus(sums.packets, series.intervalPackets[one] ?? 0);
  sums.total_bytes += series.totalBytes[one] ?? 0;
  sums.total_packets += series.totalPackets[one] ?? 0;
}

function lessThan(all: FlowSums, part: FlowSums): FlowSums {
  return {
    flows: all.flows - part.flows,
    bytes: plus(all.bytes, -(part.bytes ?? 0)),
    packets: plus(all.packets, -(part.packets ?? 0)),
    total_bytes: all.total_bytes - part.total_bytes,
    total_packets: all.total_packets - part.total_packets,
  };
}

function withoutFlows({ flows: _, ...sums }: FlowSums): Omit<FlowSums, 'flows'> {
  return sums;
}

function labelReader(fields: readonly FlowLabelField[]): (keys: Uint32Array, wordOffset: number) => object {
  const most = Math.max(1, ...fields.map((field) => ('constant' in field ? 0 : field.maxValueBytes)));
  const out = Buffer.alloc(most);
  return (keys, wordOffset) =>
    Object.fromEntries(
      fields.map((field) => [
        field.name,
        'constant' in field ? field.constant : out.toString('utf8', 0, field.write(keys, wordOffset, out, 0)),
      ]),
    );
}

function whyNoFlow(facts: ExporterFacts, live: LiveCounts, series: SeriesView, carried: FlowSums): string {
  if (series.count > 0) return `none of the ${series.count} flows that hold a series is what was asked for`;
  if (carried.total_packets === 0) return whyNothing(facts, live.spanMs / 1000);
  const { filters } = facts;
  if (filters.length > 0) return `what arrives is left out by ${filters.join(', ')}`;
  return 'what arrives has no flow of its own now: xtrace_other_packets_total says why';
}
