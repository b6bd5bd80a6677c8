// SPDX-License-Identifier: Apache-2.0
// What the pair table shows to those who render: read-only, no copies. Whole between two refreshes;
// the daemon keeps renderings and refreshes apart.

/** Two addresses on an interface: a direction of traffic, whatever its queue pairs. */
export interface RocePathView {
  readonly interfaceId: number;
  /** 8 words: source and destination address as on the wire, shortened; IPv4 as ::ffff:a.b.c.d. */
  readonly addresses: Uint32Array;
  /**
   * Of the last refresh interval: distinct destination queue pairs above 1, distinct UDP source ports
   * of their RoCE v2 packets, and the busiest one's share of their bytes (0 to 1, 0 when idle). CNP and
   * malformed packets are left out.
   */
  readonly queuePairs: number;
  readonly sourcePorts: number;
  readonly busiestShare: number;
  /** Likewise: bytes of the busiest source port over the mean of all; 1 is even, 0 idle. */
  readonly sourcePortImbalance: number;
  /** Likewise: its share of their bytes. */
  readonly busiestPortShare: number;
}

/** Totals by what tells packets of one pair apart. */
export interface RoceTraffic {
  /** 1 or 2. */
  readonly version: number;
  /** ROCE_TRANSPORT, never malformed. */
  readonly transport: number;
  readonly dscp: number;
  readonly packets: number;
  readonly bytes: number;
  readonly payloadBytes: number;
}

/** The order of packets by transport, from the PSNs. */
export interface RocePsnCounts {
  readonly gaps: number;
  readonly gapPackets: number;
  readonly rewinds: number;
  readonly retransmitted: number;
  readonly resyncs: number;
  /** Came out of order, within the window. */
  readonly late: number;
  /** Left the window unseen. */
  readonly lost: number;
  /** Seen before, or too far below the highest to know. */
  readonly duplicates: number;
  /** Not seen here, but acknowledged by the peer. */
  readonly captureLost: number;
  /** Whose order nobody could judge. */
  readonly unjudged: number;
}

/** Totals since the pair began; none of them falls while it lives. Doubles, exact to 2^53. */
export interface RocePairView {
  readonly path: RocePathView;
  /** Destination queue pair; 0 where they are not told apart, and of malformed packets. */
  readonly queuePair: number;
  /** Wall clock, milliseconds: before its first packet. */
  readonly startedMs: number;
  /** ROCE_CELLS sums over all packets of the pair, malformed ones among them. */
  readonly cells: Float64Array;
  readonly traffic: readonly RoceTraffic[];
  /** By ROCE_TRANSPORT; a transport appears with its first packet. */
  readonly psn: ReadonlyMap<number, RocePsnCounts>;
  /** Packets that are no BTH, by ROCE_MALFORMED; a reason appears with its first packet. */
  readonly malformed: ReadonlyMap<number, number>;
  readonly malformedPackets: number;
  readonly malformedBytes: number;
  /** By P_Key, the default 0xffff left out. */
  readonly partitions: ReadonlyMap<number, number>;
  readonly cnpPackets: number;
  /** Packets of transport UD to queue pair 1. */
  readonly cmMessages: number;
  /** The bits of the BTH, set in packets that are no CNP. */
  readonly fecnPackets: number;
  readonly becnPackets: number;
}

/** Why packets stand in no pair. Order and spelling are the label values. */
export const ROCE_OTHER_REASONS = ['max_pairs', 'map_full', 'expired', 'reloaded'] as const;
export type RoceOtherReason = (typeof ROCE_OTHER_REASONS)[number];

/** Totals since start; a row appears with its first packet and never goes. */
export interface RoceOtherRow {
  readonly interfaceId: number;
  /** 1 or 2; 0 for malformed packets. */
  readonly version: number;
  readonly reason: RoceOtherReason;
  readonly packets: number;
  readonly bytes: number;
}

/**
 * For every interface and version (0 = malformed), packets and bytes handed in since start == sum over
 * the pairs + sum over the others.
 */
export interface RocePairsView {
  readonly pairs: readonly RocePairView[];
  /** Those that have a pair. */
  readonly paths: readonly RocePathView[];
  readonly others: readonly RoceOtherRow[];
  /** Since start: packets out of order that the kernel could not count as such, for want of room for their stream. */
  readonly unbookedPackets: number;
  readonly maxPairs: number;
  /** Whether pairs differ by queue pair too. */
  readonly perQueuePair: boolean;
}
