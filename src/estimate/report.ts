// SPDX-License-Identifier: Apache-2.0
// All that an estimate says, for those who render it, and what is to be known about its numbers.

import { DISTINCT_ERROR } from '../hyper-log-log.js';
import { siNumber } from '../si-text.js';
import { type Estimate, FEWEST_NEW_FLOWS } from './estimate.js';
import { PROMETHEUS_ASSUMPTIONS } from './prometheus-needs.js';
import type { Recommendation } from './recommend.js';

export interface EstimateReport {
  readonly version: string;
  /** `trouble`: why it was not watched, or not to the end; a sentence, '' where there was none. */
  readonly interfaces: readonly { readonly name: string; readonly trouble: string }[];
  readonly askedMs: number;
  readonly watchedMs: number;
  readonly estimate: Estimate;
  readonly recommendation: Recommendation | undefined;
  /** Of the recommendation; '' where there is none. */
  readonly yaml: string;
  readonly maxSeries: number;
  readonly idleTimeoutMs: number;
  readonly scrapeIntervalMs: number;
  readonly isPushed: boolean;
  readonly maxPairs: number;
  /** RoCE's headers are read. */
  readonly readsRoce: boolean;
  /** RDMA ports of this host and about the series of all of them; none where they are not read. */
  readonly rdma: { readonly ports: number; readonly series: number };
}

/** `500 ms`, `60 s`. */
export function durationWords(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${Number((durationMs / 1000).toFixed(1))} s`;
}

/** Why the numbers are too low or not what they seem, one sentence each. */
export function cautions(report: EstimateReport): string[] {
  const { watchedMs, askedMs, idleTimeoutMs, maxSeries, estimate } = report;
  const { totals, choices, roce } = estimate;
  const capped = choices.filter(({ flowsSettled }) => flowsSettled > maxSeries);
  return [
    ...report.interfaces
      .filter(({ trouble }) => trouble !== '')
      .map(({ name, trouble }) => `${name} was not watched all the time: ${trouble}`),
    ...(watchedMs < 0.9 * askedMs
      ? [`the watch was cut short: ${durationWords(watchedMs)} of ${durationWords(askedMs)}`]
      : []),
    ...(watchedMs < idleTimeoutMs
      ? [
          `a series stays for ${durationWords(idleTimeoutMs)} (flows.idle_timeout_ms), and the watch took ${durationWords(watchedMs)}: it saw fewer series than there will be; what is "settled" is reckoned from the flows that were new in its second half`,
        ]
      : []),
    ...(totals.packetsUnnamed > 0
      ? [
          `${siNumber(totals.packetsUnnamed)} packets were of flows that found no place in the kernel's map (kernel.max_flows): there are more flows than these`,
        ]
      : []),
    ...capped.map(
      ({ words, flowsWithSeries, flowsSettled }) =>
        `${words}: ${grouped(flowsWithSeries)} of ${grouped(flowsSettled)} flows get series (flows.max_series); the others are added up in xtrace_other_*`,
    ),
    ...(report.readsRoce && roce.pairs > report.maxPairs
      ? [`${grouped(report.maxPairs)} of ${grouped(roce.pairs)} RoCE pairs get series (roce.max_pairs)`]
      : []),
    ...choices.flatMap(({ words, conflict }) =>
      conflict === undefined ? [] : [`${words} cannot be had with this configuration: ${conflict}`],
    ),
  ];
}

/** What the numbers rest on, one sentence each. */
export function assumptions({ scrapeIntervalMs, isPushed }: EstimateReport): string[] {
  return [
    'series: four for each flow, two with flows.gauges: false, which halves every figure of the table',
    `an hour: those of now and 3600 times those new in a second of the second half of the watch (fewer than ${FEWEST_NEW_FLOWS} new flows count as none); no more than flows.max_series, flows.idle_timeout_ms and flows.max_new_series_per_minute let begin`,
    'a scrape: text before gzip, by the labels of 256 flows; samples: ' +
      `${isPushed ? 'pushed' : 'scraped'} every ${durationWords(scrapeIntervalMs)}; counts of flows have a standard error of ${(100 * DISTINCT_ERROR).toFixed(1)} %`,
    ...PROMETHEUS_ASSUMPTIONS,
  ];
}

/** `38932` as `38,932`. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** Why there is no table, a sentence; undefined where there is one. */
export function emptyReason({ estimate, interfaces, watchedMs }: EstimateReport): string | undefined {
  const { packets, packetsFiltered, packetsWithoutFlow, packetsUnnamed } = estimate.totals;
  const names = interfaces.map(({ name }) => name).join(', ');
  if (packets === 0) {
    return `no packet came in on ${names} within ${durationWords(watchedMs)}, so there is nothing to estimate: watch while there is traffic`;
  }
  if (packetsWithoutFlow + packetsFiltered + packetsUnnamed < packets) return undefined;
  return `${grouped(packets)} packets came in on ${names} within ${durationWords(watchedMs)}, and none of a flow that would get series (${grouped(packetsWithoutFlow)} non-IP or malformed, ${grouped(packetsFiltered)} left out by filters), so there is nothing to estimate`;
}
