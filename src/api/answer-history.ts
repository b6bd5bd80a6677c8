// SPDX-License-Identifier: Apache-2.0
// Rates over the last ten minutes, as columns for a plot: of interfaces by type, of a flow, or of a pair.

import { trafficType } from '../abi/kinds.js';
import type { BooksView, SeriesView } from '../flows/views.js';
import type { Pacer } from '../pacer.js';
import type { RocePairsView } from '../roce/views.js';
import { flowId } from './answer-flows.js';
import { pairId } from './answer-pairs.js';
import { FLOW_NUMBER } from './flow-rates.js';
import type { FollowedRows } from './followed-rows.js';
import { HISTORY_ROWS_MAX } from './interface-rates.js';
import { bitsPerSecond, perSecond, renderList } from './json-list.js';
import type { LiveCounts } from './live-counts.js';
import { PAIR_NUMBER } from './pair-rates.js';
import type { HistoryQuery } from './query.js';
import { HISTORY_SPAN_MS, type HistoryPoint, type RateHistory } from './rate-history.js';

const COLUMNS_OF_FLOW = { bits_per_second: FLOW_NUMBER.bytes, packets_per_second: FLOW_NUMBER.packets };
const COLUMNS_OF_PAIR = {
  bits_per_second: PAIR_NUMBER.bytes,
  payload_bits_per_second: PAIR_NUMBER.payloadBytes,
  packets_per_second: PAIR_NUMBER.packets,
  ce_packets_per_second: PAIR_NUMBER.cePackets,
  cnp_per_second: PAIR_NUMBER.cnpPackets,
  naks_per_second: PAIR_NUMBER.naks,
  rnr_naks_per_second: PAIR_NUMBER.rnrNaks,
  psn_gaps_per_second: PAIR_NUMBER.psnGaps,
  retransmitted_per_second: PAIR_NUMBER.retransmitted,
};

export interface HistoryParts {
  readonly series: SeriesView;
  readonly books: BooksView;
  readonly roce: RocePairsView | undefined;
  interfaceName(id: number): string;
  readonly pacer: Pacer;
}

/** Within the guard. */
export function answerHistory(
  { flow, pair }: HistoryQuery,
  live: LiveCounts,
  parts: HistoryParts,
): Promise<Record<string, unknown>> | Record<string, unknown> {
  if (flow !== undefined) return flowHistory(flow, live, parts.series);
  if (pair !== undefined) return pairHistory(pair, live, parts);
  return interfaceHistory(live, parts);
}

async function interfaceHistory(live: LiveCounts, parts: HistoryParts): Promise<Record<string, unknown>> {
  const { history, places, hasOthers } = live.interfaces;
  const rows = [...places.keys(), ...(hasOthers ? [HISTORY_ROWS_MAX] : [])];
  const { points } = history;
  const element = (row: number): object => {
    const book = parts.books.interfaces[places[row] ?? -1];
    return {
      interface: book === undefined ? 'any' : parts.interfaceName(book.interfaceId),
      traffic_type: book === undefined ? 'any' : trafficType(book.kind).label,
      ...ratesOf(points, COLUMNS_OF_FLOW, (column) =>
        points.map(({ values }) => values[row * history.columns + column] ?? 0),
      ),
    };
  };
  const series = await renderList(rows, 2 * points.length, element, parts.pacer);
  return { ...times(history), series, empty: rows.length > 0 ? null : 'nothing has arrived yet' };
}

function flowHistory(id: string, live: LiveCounts, view: SeriesView): Record<string, unknown> {
  const { followed } = live.flows;
  const one = followed.rows.find((series) => flowId(view, series) === id);
  const series = one === undefined ? undefined : followedRates(followed, one, COLUMNS_OF_FLOW);
  if (one === undefined || series === undefined) return notFollowed(followed.history, 'flow');
  return { ...times(followed.history), series: [{ flow: flowId(view, one), ...series }], empty: null };
}

function pairHistory(id: string, live: LiveCounts, parts: HistoryParts): Record<string, unknown> {
  const { followed } = live.pairs;
  const { roce, interfaceName } = parts;
  const hasQueuePairs = roce?.perQueuePair === true;
  const pair = followed.rows.find((one) => pairId(one, interfaceName, hasQueuePairs) === id);
  const series = pair === undefined ? undefined : followedRates(followed, pair, COLUMNS_OF_PAIR);
  if (series === undefined) return notFollowed(followed.history, 'pair');
  return { ...times(followed.history), series: [{ pair: id, ...series }], empty: null };
}

function notFollowed(history: RateHistory, what: 'flow' | 'pair'): Record<string, unknown> {
  const empty =
    `this ${what} is not followed: it is none of the 100 largest, or is over, or nobody has looked long ` +
    'enough; ask again after the next refresh';
  return { ...times(history), series: [], empty };
}

function followedRates<Key>(
  followed: FollowedRows<Key>,
  key: Key,
  columns: Readonly<Record<string, number>>,
): Record<string, (number | null)[]> | undefined {
  if (followed.columnOf(key, 0) === undefined) return undefined;
  return ratesOf(followed.history.points, columns, (column) => followed.columnOf(key, column) ?? []);
}

/** By name: bits where the name says so, else a count per second. */
function ratesOf(
  points: readonly HistoryPoint[],
  columns: Readonly<Record<string, number>>,
  countsOf: (column: number) => readonly (number | undefined)[],
): Record<string, (number | null)[]> {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const rate = name.endsWith('bits_per_second') ? bitsPerSecond : perSecond;
      const counts = countsOf(column);
      const rates = points.map(({ spanMs }, i) => {
        const count = counts[i];
        return count === undefined ? null : rate(count, spanMs);
      });
      return [name, rates];
    }),
  );
}

function times({ points }: RateHistory): Record<string, unknown> {
  return {
    limit_seconds: HISTORY_SPAN_MS / 1000,
    ends_ms: points.map(({ endsMs }) => endsMs),
    seconds_each: points.map(({ spanMs }) => spanMs / 1000),
  };
}
