// SPDX-License-Identifier: Apache-2.0
// What the flow table shows to those who render: read-only columns, no copies. They are whole
// between two refreshes; the daemon keeps renderings and refreshes apart.

/** The flows that hold a series. For i in 0..count-1, s = inUse[i] is a series: a place in every column. */
export interface SeriesView {
  readonly count: number;
  /** Numbers of the series, dense. */
  readonly inUse: Uint32Array;
  /** Counters since the series began; doubles, exact to 2^53. */
  readonly totalPackets: Float64Array;
  readonly totalBytes: Float64Array;
  /** The same as scrapers are shown them: 0 until those who scrape have seen a 0 to subtract from. */
  readonly shownPackets: Float64Array;
  readonly shownBytes: Float64Array;
  /** What the last interval brought; 0 for a flow that was idle in it. */
  readonly intervalPackets: Float64Array;
  readonly intervalBytes: Float64Array;
  /** Wall-clock milliseconds at which the series began (for created timestamps). */
  readonly startedMs: Float64Array;
  /** FLOW_ROW_WORDS words a series, the layout of src/abi/records.ts. */
  readonly keys: Uint32Array;
  /** Rendered labels of series s: labelBytes[labelOffset[s] .. + labelLength[s]], no braces. */
  readonly labelBytes: Uint8Array;
  readonly labelOffset: Uint32Array;
  readonly labelLength: Uint32Array;
}

/** Why packets are in no flow series. Order and spelling are the label values. */
export const OTHER_REASONS = [
  'max_series',
  'expired',
  'reloaded',
  'map_full',
  'filtered',
  'non_ip',
  'malformed',
] as const;
export type OtherReason = (typeof OTHER_REASONS)[number];

/** Totals since start; monotonic. */
export interface BookRow {
  readonly interfaceId: number;
  readonly kind: number;
  readonly packets: number;
  readonly bytes: number;
}
export interface OtherRow extends BookRow {
  readonly reason: OtherReason;
}
/** Frames without a flow, by the parser's reason (enum frame_reason). */
export interface FrameReasonRow {
  readonly interfaceId: number;
  readonly reason: number;
  readonly packets: number;
  readonly bytes: number;
}

/**
 * The books. For every interface and kind:
 * interfaces == sum of the series' totals + sum over reason of others, and
 * interfaces == sum of what the series show + sum over reason of others + pending. Rows never go.
 * Where flows do not tell kinds or interfaces apart (ANY_KIND, ANY_INTERFACE in their keys, and in the rows of
 * pending and others), the same of the sums over them.
 */
export interface BooksView {
  readonly interfaces: readonly BookRow[];
  /** In series that show 0 as yet: a row for each of interfaces, and for what is merged. */
  readonly pending: readonly BookRow[];
  readonly others: readonly OtherRow[];
  readonly frameReasons: readonly FrameReasonRow[];
}

/** Why a series ended: its flow was idle; a bigger flow, or RoCE pairs, took its place; a reload wants none or another. */
export type SeriesEndReason = 'expired' | 'max_series' | 'reloaded';
export const NONE_ENDED: Readonly<Record<SeriesEndReason, number>> = {
  expired: 0,
  max_series: 0,
  reloaded: 0,
};

/** What one refresh saw and did. */
export interface IntervalSummary {
  readonly rows: number;
  /** Of the rows with a flow, the share that the filter kept; 1 where there were none. */
  readonly wantedShare: number;
  /** Distinct flows that the filter kept, with and without a series. */
  readonly flows: number;
  /** Those of them that held no series before. */
  readonly newcomers: number;
  /** Those of the newcomers that got one. */
  readonly admitted: number;
  readonly ended: Readonly<Record<SeriesEndReason, number>>;
  /** Series after the refresh. */
  readonly series: number;
}
