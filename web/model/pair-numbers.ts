// SPDX-License-Identifier: Apache-2.0
// A RoCE pair in numbers: what each row says, in the last seconds and since it began. Pure.

import type { HistoryAnswer, RocePair } from './answers.js';
import {
  bitRateText,
  bytesText,
  countText,
  packetRateText,
  percentText,
  siText,
  UNKNOWN,
} from './quantity.js';
import type { Curve } from './rate-curves.js';

export interface PairNumber {
  readonly name: string;
  readonly now: string;
  readonly total: string;
  /** Not well: it counts something in the last seconds. */
  readonly isTrouble: boolean;
}

const TROUBLES: readonly (readonly [name: string, key: string])[] = [
  ['Packets marked (ECN CE)', 'ce_packets'],
  ['Congestion notifications (CNP)', 'cnp_packets'],
  ['Refusals (NAK)', 'naks'],
  ['No receive buffer (RNR NAK)', 'rnr_naks'],
  ['Gaps', 'psn_gaps'],
  ['Packets missing in gaps', 'psn_gap_packets'],
  ['Packets sent again', 'retransmitted'],
];

export function pairNumbers(pair: RocePair, seconds: number): PairNumber[] {
  const plain = (name: string, now: string, total: string): PairNumber => ({
    name,
    now,
    total,
    isTrouble: false,
  });
  const troubles = TROUBLES.map(([name, key]): PairNumber => {
    const count = numberOf(pair, key);
    const now = count === null ? UNKNOWN : siText(seconds > 0 ? count / seconds : 0, '/s');
    return { name, now, total: countText(numberOf(pair, `total_${key}`)), isTrouble: (count ?? 0) > 0 };
  });
  return [
    plain('Payload', bitRateText(pair.payload_bits_per_second), bytesText(pair.total_payload_bytes)),
    plain('Whole frames', bitRateText(pair.bits_per_second), bytesText(pair.total_bytes)),
    plain('Packets', packetRateText(pair.packets_per_second), countText(pair.total_packets)),
    plain('Share of packets marked', percentText(pair.ce_share), ''),
    ...troubles,
    plain('Queue pairs', countText(pair.queue_pairs), ''),
    plain('Share of the busiest queue pair', percentText(pair.busiest_queue_pair_share), ''),
    plain('Source ports', countText(pair.source_ports), ''),
    plain('Busiest source port to the mean', ratioText(pair.source_port_imbalance), ''),
  ];
}

function ratioText(ratio: number | null): string {
  return ratio === null ? UNKNOWN : `${ratio.toFixed(2)} ×`;
}

function numberOf(pair: RocePair, key: string): number | null {
  const value = pair[key];
  return typeof value === 'number' ? value : null;
}

/** By the columns of the history. */
export const RATE_COLUMNS: readonly (readonly [name: string, column: string])[] = [
  ['payload', 'payload_bits_per_second'],
  ['whole frames', 'bits_per_second'],
];
export const TROUBLE_COLUMNS: readonly (readonly [name: string, column: string])[] = [
  ['marked', 'ce_packets_per_second'],
  ['CNP', 'cnp_per_second'],
  ['NAK', 'naks_per_second'],
  ['RNR NAK', 'rnr_naks_per_second'],
  ['gaps', 'psn_gaps_per_second'],
  ['sent again', 'retransmitted_per_second'],
];

/** Without those that were 0 throughout. */
export function curvesWithAnything(curves: readonly Curve[]): Curve[] {
  return curves.filter(({ values }) => values.some((value) => value > 0));
}

/** What was not followed counts as 0. */
export function curvesOf(
  { series: [first] }: HistoryAnswer,
  columns: readonly (readonly [name: string, column: string])[],
): Curve[] {
  return columns.map(([name, column]) => {
    const values = first?.[column];
    return { name, values: Array.isArray(values) ? values.map((value) => Number(value ?? 0)) : [] };
  });
}
