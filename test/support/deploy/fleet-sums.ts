// SPDX-License-Identifier: Apache-2.0
// The sums of docs/fleet.md, from what a host of that page has. For tests only.

import { diskBytes, headBytes } from '../../../src/estimate/prometheus-needs.js';

export const SCRAPED_MS = 15_000;
const AGGREGATED_MS = 30_000;
/** Of a host with one interface that is scraped, without its flows and RoCE pairs. */
const OWN = { series: 120, bytes: 29_000 };
/** Flows for each pair of addresses between which there are some. */
export const FLOWS_OF_PAIR = 10;
const BYTES_A_LINE = 205;
/** Series that a RoCE pair has besides its flows. */
export const ROCE_PAIR_SERIES = { least: 35, most: 55 };

/** What is kept of flows. */
export interface Way {
  readonly what: string;
  /** Lines of exposition for each flow. */
  readonly lines: number;
  /** Series that are stored for each flow, or for each pair. */
  readonly storedFor: 'flow' | 'pair';
  readonly storedEveryMs: number;
}

export const ALL: Way = { what: 'all', lines: 4, storedFor: 'flow', storedEveryMs: SCRAPED_MS };

export const WAYS: readonly Way[] = [
  ALL,
  { what: '`flows.gauges: false`', lines: 2, storedFor: 'flow', storedEveryMs: SCRAPED_MS },
  { what: 'the same, without ports', lines: 2, storedFor: 'pair', storedEveryMs: AGGREGATED_MS },
];

export interface FleetSums {
  readonly series: number;
  /** Of one scrape of all hosts. */
  readonly scrapeBytes: number;
  readonly samplesPerSecond: number;
  /** Of Prometheus: its head, and 15 days on disk. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** Of so many hosts that have so many flows each. */
export function fleetSums({ lines, storedFor, storedEveryMs }: Way, hosts: number, flows: number): FleetSums {
  const stored = storedFor === 'flow' ? flows : flows / FLOWS_OF_PAIR;
  const kept = [
    { series: lines * stored, everyMs: storedEveryMs },
    { series: OWN.series, everyMs: SCRAPED_MS },
  ];
  const sum = (of: (one: (typeof kept)[number]) => number): number =>
    hosts * kept.reduce((all, one) => all + of(one), 0);
  const steady = (series: number) => ({ atOnce: series, within: () => series });
  return {
    series: sum(({ series }) => series),
    scrapeBytes: hosts * (lines * flows * BYTES_A_LINE + OWN.bytes),
    samplesPerSecond: sum(({ series, everyMs }) => (1000 * series) / everyMs),
    memoryBytes: sum(({ series }) => headBytes(steady(series))),
    diskBytes: sum(({ series, everyMs }) => diskBytes(steady(series), everyMs)),
  };
}
