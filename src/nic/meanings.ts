// SPDX-License-Identifier: Apache-2.0
// What a counter of a NIC may mean, whatever its driver calls it: the one schema. Each meaning is a metric
// (metrics/nic-families.ts), with the labels that stand here, in this order.

/**
 * direction: received or sent. priority: 0 to 7, as the frame says it or the card maps it; '' where the card
 * does not tell priorities apart.
 */
export const MEANINGS = {
  port_packets: ['direction'],
  port_bytes: ['direction'],
  rdma_packets: ['direction'],
  rdma_bytes: ['direction'],
  priority_packets: ['priority', 'direction'],
  priority_bytes: ['priority', 'direction'],
  pause_frames: ['direction'],
  pause_seconds: ['direction'],
  pfc_frames: ['priority', 'direction'],
  pfc_pause_seconds: ['priority', 'direction'],
  pause_storm_events: ['level'],
  discards: ['direction', 'reason'],
  priority_discards: ['priority', 'direction', 'reason'],
  errors: ['direction', 'reason'],
  ecn_marked_packets: ['priority'],
  fec_codewords: ['result'],
  fec_corrections: [],
  uncorrected_symbols: [],
  link_down_events: ['source'],
  module_events: ['event'],
  pcie_signal_errors: ['direction'],
  pcie_buffer_overflows: [],
  pcie_stalled_seconds: ['operation'],
  pcie_stalled_ratio: ['operation'],
  pcie_errors: ['severity', 'error'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Meaning = keyof typeof MEANINGS;

/** A value by its meaning; plain data, as it crosses between processes. Labels in the order of MEANINGS. */
export interface NicCounter {
  readonly meaning: Meaning;
  readonly labels: readonly string[];
  readonly value: number;
}

/** What two sources both say is one counter. */
export function counterKey({ meaning, labels }: Pick<NicCounter, 'meaning' | 'labels'>): string {
  return [meaning, ...labels].join('\0');
}
