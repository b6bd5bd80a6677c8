// SPDX-License-Identifier: Apache-2.0
// An estimate as one JSON object for programs: keys are added, none is renamed or taken away. Pure.

import type { ChoiceFigures, SeriesFigures } from './estimate.js';
import { assumptions, cautions, type EstimateReport, emptyReason } from './report.js';

/** Ends in a line feed. */
export function renderEstimateJson(report: EstimateReport): string {
  const { estimate, recommendation } = report;
  const { totals, roce } = estimate;
  const object = {
    version: report.version,
    interfaces: report.interfaces.map(({ name, trouble }) => ({ name, trouble: trouble || null })),
    asked_ms: report.askedMs,
    watched_ms: Math.round(report.watchedMs),
    packets: totals.packets,
    bytes: totals.bytes,
    packets_without_flow: totals.packetsWithoutFlow,
    packets_filtered: totals.packetsFiltered,
    packets_unnamed: totals.packetsUnnamed,
    empty: emptyReason(report) ?? null,
    max_series: report.maxSeries,
    idle_timeout_ms: report.idleTimeoutMs,
    scrape_interval_ms: report.scrapeIntervalMs,
    choices: estimate.choices.map(choiceJson),
    roce: report.readsRoce ? { pairs: roce.pairs, series: roce.series } : null,
    rdma: report.rdma,
    cautions: cautions(report),
    assumptions: assumptions(report),
    recommendation:
      recommendation === undefined
        ? null
        : {
            id: recommendation.id,
            gauges: recommendation.gauges,
            sentence: recommendation.sentence,
            yaml: report.yaml,
          },
  };
  return `${JSON.stringify(object, undefined, 2)}\n`;
}

function choiceJson(choice: ChoiceFigures) {
  const { settings } = choice;
  return {
    id: choice.id,
    words: choice.words,
    labels: settings.labels,
    ports: settings.ports,
    ipv4_prefix_length: settings.ipv4PrefixLength,
    ipv6_prefix_length: settings.ipv6PrefixLength,
    conflict: choice.conflict ?? null,
    flows_now: choice.flowsNow,
    flows_settled: choice.flowsSettled,
    flows_with_series: choice.flowsWithSeries,
    new_flows_per_second: choice.newFlowsPerSecond,
    with_gauges: seriesJson(choice.withGauges),
    without_gauges: seriesJson(choice.withoutGauges),
  };
}

function seriesJson(series: SeriesFigures) {
  return {
    series_now: series.now,
    series_settled: series.settled,
    series_an_hour: series.anHour,
    scrape_bytes: series.scrapeBytes,
    samples_per_second: series.samplesPerSecond,
    prometheus_memory_bytes: Math.round(series.memoryBytes),
    prometheus_disk_bytes: Math.round(series.diskBytes),
  };
}
