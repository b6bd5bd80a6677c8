// SPDX-License-Identifier: Apache-2.0
// What a Prometheus server needs for series, and what these figures rest on. Measured: Prometheus of Debian 12,
// series with the nine labels of flows. Pure.

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/** Measured, resident: 4.5 kB with 40,000 series, 4.1 with 120,000. */
const HEAD_SERIES_BYTES = 4500;
/** A block is cut from the head when that spans 1.5 blocks (Head.compactable() of Prometheus's tsdb/head.go). */
const HEAD_SECONDS = 3 * HOUR_SECONDS;
const BLOCK_SECONDS = 2 * HOUR_SECONDS;
/** Measured: 3.7 where every sample differs. Prometheus's documentation says 1 to 2 on average. */
const SAMPLE_BYTES = 4;
/** Measured: 147 of the index and 23 of the chunk's beginning. */
const BLOCK_SERIES_BYTES = 170;
/** --storage.tsdb.retention.time of Prometheus, unless told. */
const RETENTION_DAYS = 15;

export interface SeriesOverTime {
  /** Series that there are at a time. */
  readonly atOnce: number;
  /** Different series within so many seconds. */
  within(seconds: number): number;
}

/** Bytes of the head, which holds each series that had a sample in the last three hours. */
export function headBytes({ within }: SeriesOverTime): number {
  return within(HEAD_SECONDS) * HEAD_SERIES_BYTES;
}

/** Bytes on disk when blocks are as old as the retention. */
export function diskBytes({ atOnce, within }: SeriesOverTime, scrapeIntervalMs: number): number {
  const seconds = RETENTION_DAYS * DAY_SECONDS;
  const samples = (atOnce * seconds * 1000) / scrapeIntervalMs;
  return samples * SAMPLE_BYTES + (seconds / BLOCK_SECONDS) * within(BLOCK_SECONDS) * BLOCK_SERIES_BYTES;
}

/** One sentence each. */
export const PROMETHEUS_ASSUMPTIONS: readonly string[] = [
  `memory: ${HEAD_SERIES_BYTES / 1000} kB (measured) for each series of the last 3 hours, which Prometheus's head holds (tsdb/head.go)`,
  `disk: ${RETENTION_DAYS} days (Prometheus's default), ${SAMPLE_BYTES} bytes a sample (measured 3.7 where all differ; its documentation says 1 to 2), and ${BLOCK_SERIES_BYTES} for each series in each block of 2 hours (measured)`,
];
