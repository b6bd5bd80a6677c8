// SPDX-License-Identifier: Apache-2.0
// An estimate as plain ASCII, at most 100 columns wide: what was seen, a table, what to know about it, the
// recommendation, the settings for it. Pure.

import { siBytes, siNumber } from '../si-text.js';
import { wrapWords } from '../wrap-words.js';
import type { ChoiceFigures, SeriesFigures } from './estimate.js';
import { assumptions, cautions, durationWords, type EstimateReport, emptyReason, grouped } from './report.js';

const NAME_COLUMNS = 28;
const NUMBER_COLUMNS = 10;
const HEADINGS = ['series now', 'settled', 'an hour', 'a scrape', 'samples/s', 'memory', 'disk'] as const;

/** Ends in a line feed. */
export function renderEstimate(report: EstimateReport): string {
  const { version, interfaces, watchedMs } = report;
  const names = interfaces.map(({ name }) => name).join(', ');
  const title = `xtrace-catch ${version} estimate: ${names}, watched for ${durationWords(watchedMs)}`;
  const empty = emptyReason(report);
  const sections =
    empty === undefined
      ? [
          [...wrapWords('', title), ...wrapWords('', totalsWords(report))],
          table(report),
          ['to be known:', ...bullets(cautions(report))],
          ['reckoned with:', ...bullets(assumptions(report))],
          recommended(report),
        ]
      : [wrapWords('', title), wrapWords('', empty), bullets(cautions(report))];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

function totalsWords({ estimate }: EstimateReport): string {
  const { packets, bytes, packetsWithoutFlow, packetsFiltered } = estimate.totals;
  const parts = [
    `${grouped(packets)} packets (${siBytes(bytes)})`,
    ...(packetsWithoutFlow > 0 ? [`${grouped(packetsWithoutFlow)} of them non-IP or malformed`] : []),
    ...(packetsFiltered > 0 ? [`${grouped(packetsFiltered)} left out by the configured filters`] : []),
  ];
  return parts.join(', ');
}

function table({ estimate, readsRoce, rdma }: EstimateReport): string[] {
  const { choices, roce } = estimate;
  const further = [
    ...(readsRoce && roce.pairs > 0
      ? [`and with each of them about ${grouped(roce.series)} series of ${grouped(roce.pairs)} RoCE pairs`]
      : []),
    ...(rdma.ports > 0
      ? [`and with each of them about ${grouped(rdma.series)} series of ${rdma.ports} RDMA ports`]
      : []),
  ];
  return [
    row('labels', HEADINGS),
    '-'.repeat(NAME_COLUMNS + NUMBER_COLUMNS * HEADINGS.length),
    ...choices.map(choiceRow),
    ...further,
  ];
}

function choiceRow({ words, withGauges }: ChoiceFigures): string {
  return row(words, numbersOf(withGauges));
}

function numbersOf(series: SeriesFigures): string[] {
  return [
    siNumber(series.now),
    siNumber(series.settled),
    siNumber(series.anHour),
    siBytes(series.scrapeBytes),
    siNumber(series.samplesPerSecond),
    siBytes(series.memoryBytes),
    siBytes(series.diskBytes),
  ];
}

function row(name: string, numbers: readonly string[]): string {
  const columns = numbers.map((number) => number.padStart(NUMBER_COLUMNS));
  return `${name.padEnd(NAME_COLUMNS)}${columns.join('')}`;
}

function recommended({ recommendation, yaml }: EstimateReport): string[] {
  if (recommendation === undefined)
    return ['recommended: nothing, as the configuration rules each of them out'];
  return [...wrapWords('recommended: ', recommendation.sentence, 2), '', ...yaml.trimEnd().split('\n')];
}

function bullets(sentences: readonly string[]): string[] {
  return sentences.flatMap((sentence) => wrapWords('  - ', sentence));
}
