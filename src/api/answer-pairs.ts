// SPDX-License-Identifier: Apache-2.0
// The largest pairs of RoCE hosts: their rates, and what was not well between them.

import { roceAddressText } from '../metrics/roce-labels.js';
import type { Pacer } from '../pacer.js';
import type { RdmaView } from '../rdma/rounds.js';
import type { RocePairsView, RocePairView } from '../roce/views.js';
import { interfaceCondition } from './answer-flows.js';
import type { FactParts } from './facts.js';
import { bitsPerSecond, perSecond, type RawJson, renderList, shareOf } from './json-list.js';
import { LargestRows } from './largest-rows.js';
import type { LiveCounts } from './live-counts.js';
import { PAIR_HISTORY_NUMBERS, PAIR_NUMBER, PAIR_NUMBERS, readPairTotals } from './pair-rates.js';
import { troubleOf } from './pair-trouble.js';
import type { PairColumn, PairQuery } from './query.js';
import { whyNoRoce } from './verdict.js';
import { windowRates } from './windows.js';

const PAIR_NS = 600;
/** Numbers and texts of a pair's row, about. */
const ROW_VALUES = 60;
const DESTINATION_WORD = 4;

/** Names of numbers as they stand in an answer. */
const COUNT_KEYS = {
  bytes: PAIR_NUMBER.bytes,
  payload_bytes: PAIR_NUMBER.payloadBytes,
  packets: PAIR_NUMBER.packets,
  ce_packets: PAIR_NUMBER.cePackets,
  cnp_packets: PAIR_NUMBER.cnpPackets,
  naks: PAIR_NUMBER.naks,
  rnr_naks: PAIR_NUMBER.rnrNaks,
  psn_gaps: PAIR_NUMBER.psnGaps,
  psn_gap_packets: PAIR_NUMBER.psnGapPackets,
  retransmitted: PAIR_NUMBER.retransmitted,
} as const;

interface PairSums {
  pairs: number;
  bytes: number | null;
  packets: number | null;
  payload_bytes: number | null;
  total_bytes: number;
  total_packets: number;
}

export interface PairParts extends Pick<FactParts, 'facts' | 'interfaceName'> {
  /** undefined where RoCE headers are not read. */
  readonly roce: RocePairsView | undefined;
  /** Of RDMA, as of now; undefined before the first reading. */
  visibility(): RdmaView | undefined;
  readonly pacer: Pacer;
}

/** Within the guard. */
export async function answerPairs(
  query: PairQuery,
  live: LiveCounts,
  parts: PairParts,
): Promise<Record<string, unknown>> {
  const { roce, pacer, interfaceName } = parts;
  const pairs = roce?.pairs ?? [];
  const matches = createMatch(query, interfaceName);
  const largest = new LargestRows(query.top);
  const all = noSums();
  const totals = new Float64Array(PAIR_NUMBERS);
  await pacer.run(pairs.length, PAIR_NS, (from, to) => {
    for (let i = from; i < to; i++) {
      const pair = pairs[i];
      if (pair === undefined || !matches(pair)) continue;
      readPairTotals(pair, totals);
      const grown = live.grownOf(pair);
      addPair(all, totals, grown);
      largest.offer(i, rankOf(query.by, totals, grown), totals[PAIR_NUMBER.bytes] ?? 0);
    }
  });
  const top = largest.take().flatMap((i) => pairs[i] ?? []);
  const shown = noSums();
  for (const pair of top) {
    readPairTotals(pair, totals);
    addPair(shown, totals, live.grownOf(pair));
  }
  const rows = await renderPairs(top, live, {
    interfaceName,
    hasQueuePairs: roce?.perQueuePair === true,
    pacer,
  });
  return {
    history_since_ms: live.pairs.followed.sinceMs ?? null,
    by: query.by,
    pairs: rows,
    shown,
    rest: restOf(all, shown),
    all,
    empty: all.pairs > 0 ? null : whyNoPair(pairs.length, parts),
  };
}

interface RowParts {
  interfaceName(id: number): string;
  readonly hasQueuePairs: boolean;
  readonly pacer: Pacer;
}

function renderPairs(
  top: readonly RocePairView[],
  live: LiveCounts,
  { interfaceName, hasQueuePairs, pacer }: RowParts,
): Promise<RawJson> {
  const { followed } = live.pairs;
  const totals = new Float64Array(PAIR_NUMBERS);
  const { spanMs } = live;
  const row = (pair: RocePairView): object => {
    const { path } = pair;
    const [src, dst] = [
      roceAddressText(path.addresses, 0),
      roceAddressText(path.addresses, DESTINATION_WORD),
    ];
    const grown = live.grownOf(pair);
    const lately = (number: number): number | null => (grown === undefined ? null : (grown[number] ?? 0));
    const ofGrown = <T>(value: (counts: Float64Array) => T): T | null =>
      grown === undefined ? null : value(grown);
    readPairTotals(pair, totals);
    return {
      id: pairId(pair, interfaceName, hasQueuePairs),
      interface: interfaceName(path.interfaceId),
      src_ip: src,
      dst_ip: dst,
      queue_pair: hasQueuePairs ? pair.queuePair : null,
      began_ms: pair.startedMs,
      bits_per_second: ofGrown((counts) => bitsPerSecond(counts[PAIR_NUMBER.bytes] ?? 0, spanMs)),
      payload_bits_per_second: ofGrown((counts) =>
        bitsPerSecond(counts[PAIR_NUMBER.payloadBytes] ?? 0, spanMs),
      ),
      packets_per_second: ofGrown((counts) => perSecond(counts[PAIR_NUMBER.packets] ?? 0, spanMs)),
      cnp_per_second: ofGrown((counts) => perSecond(counts[PAIR_NUMBER.cnpPackets] ?? 0, spanMs)),
      ce_share: ofGrown((counts) =>
        shareOf(counts[PAIR_NUMBER.cePackets] ?? 0, counts[PAIR_NUMBER.ecnPackets] ?? 0),
      ),
      ...Object.fromEntries(Object.entries(COUNT_KEYS).map(([key, number]) => [key, lately(number)])),
      queue_pairs: path.queuePairs,
      source_ports: path.sourcePorts,
      source_port_imbalance: path.sourcePortImbalance,
      busiest_queue_pair_share: path.busiestShare,
      ...Object.fromEntries(
        Object.entries(COUNT_KEYS).map(([key, number]) => [`total_${key}`, totals[number] ?? 0]),
      ),
      trouble: grown === undefined ? [] : troubleOf(src, dst, grown, spanMs),
      windows: windowRates((askedMs, sums) => followed.sumWindow(pair, askedMs, sums), {
        count: PAIR_HISTORY_NUMBERS,
        ...PAIR_NUMBER,
      }),
    };
  };
  return renderList(top, ROW_VALUES, row, pacer);
}

/** The same as long as the pair lives, and after it began anew. */
export function pairId(
  { path, queuePair }: RocePairView,
  interfaceName: (id: number) => string,
  hasQueuePairs: boolean,
): string {
  const addresses = [0, DESTINATION_WORD].map((word) => roceAddressText(path.addresses, word));
  return [interfaceName(path.interfaceId), ...addresses, ...(hasQueuePairs ? [queuePair] : [])].join(' ');
}

function createMatch(
  { interface: name, src, dst }: PairQuery,
  interfaceName: (id: number) => string,
): (pair: RocePairView) => boolean {
  const isMeant = name === undefined ? undefined : interfaceCondition(name, interfaceName);
  return ({ path: { interfaceId, addresses } }) =>
    isMeant?.(interfaceId) !== false &&
    src?.matchesPath(addresses, 0) !== false &&
    dst?.matchesPath(addresses, DESTINATION_WORD) !== false;
}

/** Of what was carried lately; its total where that is not known yet. */
function rankOf(by: PairColumn, totals: Float64Array, grown: Float64Array | undefined): number {
  switch (by) {
    case 'total_payload_bytes':
      return totals[PAIR_NUMBER.payloadBytes] ?? 0;
    case 'total_bytes':
      return totals[PAIR_NUMBER.bytes] ?? 0;
    default:
      return (grown ?? totals)[COUNT_KEYS[by]] ?? 0;
  }
}

function noSums(): PairSums {
  return { pairs: 0, bytes: 0, packets: 0, payload_bytes: 0, total_bytes: 0, total_packets: 0 };
}

function addPair(sums: PairSums, totals: Float64Array, grown: Float64Array | undefined): void {
  const plus = (sum: number | null, number: number): number | null =>
    sum === null || grown === undefined ? null : sum + (grown[number] ?? 0);
  sums.pairs++;
  sums.bytes = plus(sums.bytes, PAIR_NUMBER.bytes);
  sums.packets = plus(sums.packets, PAIR_NUMBER.packets);
  sums.payload_bytes = plus(sums.payload_bytes, PAIR_NUMBER.payloadBytes);
  sums.total_bytes += totals[PAIR_NUMBER.bytes] ?? 0;
  sums.total_packets += totals[PAIR_NUMBER.packets] ?? 0;
}

function restOf(all: PairSums, shown: PairSums): PairSums {
  const less = (whole: number | null, part: number | null): number | null =>
    whole === null || part === null ? null : whole - part;
  return {
    pairs: all.pairs - shown.pairs,
    bytes: less(all.bytes, shown.bytes),
    packets: less(all.packets, shown.packets),
    payload_bytes: less(all.payload_bytes, shown.payload_bytes),
    total_bytes: all.total_bytes - shown.total_bytes,
    total_packets: all.total_packets - shown.total_packets,
  };
}

function whyNoPair(pairCount: number, { facts, visibility, roce }: PairParts): string {
  if (pairCount > 0) return `none of the ${pairCount} pairs is what was asked for`;
  return whyNoRoce(facts(), visibility(), roce !== undefined);
}
