// SPDX-License-Identifier: Apache-2.0
// Which choice of labels to take: the one with the most detail that stays within bounds. Pure.

import { siBytes, siNumber } from '../si-text.js';
import type { ChoiceFigures, Estimate, SeriesFigures } from './estimate.js';
import { CONFIGURED_ID, type LabelSettings } from './label-choice.js';

/** Of flows.max_series and flows.max_exposition_bytes: a busier hour, RoCE pairs and the rest have room, too. */
const MOST_SHARE = 0.8;
/** Series within an hour: so many, or so many times those of now. */
const MOST_AN_HOUR = 100_000;
const MOST_TURNOVER = 10;

export interface Recommendation {
  readonly id: string;
  readonly words: string;
  readonly settings: LabelSettings;
  readonly gauges: boolean;
  /** Why this one; a sentence without its full stop. */
  readonly sentence: string;
}

export interface RecommendOptions {
  readonly maxSeries: number;
  readonly maxExpositionBytes: number;
  /** What flows.gauges is; where it is false it stays so. */
  readonly gauges: boolean;
}

/** undefined where no flow was seen, or the configuration can have none of them. */
export function recommendChoice(
  { choices }: Pick<Estimate, 'choices'>,
  options: RecommendOptions,
): Recommendation | undefined {
  const possible = choices.filter(({ id, conflict }) => id !== CONFIGURED_ID && conflict === undefined);
  const last = possible.at(-1);
  if (last === undefined || choices.every(({ flowsNow }) => flowsNow === 0)) return undefined;
  const reasons: string[] = [];
  for (const choice of possible) {
    for (const gauges of options.gauges ? [true, false] : [false]) {
      const { id, words, settings } = choice;
      const excess = excessOf(choice, gauges, options);
      if (excess === undefined) {
        return { id, words, settings, gauges, sentence: `${words}${because(gauges, options, reasons)}` };
      }
      reasons.push(`${words} ${excess}`);
    }
  }
  const { id, words, settings } = last;
  const sentence = `${words}, which has the least, though ${reasons.at(-1)}`;
  return { id, words, settings, gauges: false, sentence };
}

/** The choice before it tells most: it is the nearest that does not do. */
function because(gauges: boolean, options: RecommendOptions, reasons: readonly string[]): string {
  const without = gauges || !options.gauges ? '' : ' without gauges';
  const nearest = reasons.at(-1);
  const why =
    nearest === undefined
      ? 'nothing has to be left out'
      : `the most detail within bounds, as ${without === '' ? '' : 'with them '}${nearest}`;
  return `${without}: ${why}`;
}

/** What is too much of it, a clause; undefined where nothing is. */
function excessOf(
  choice: ChoiceFigures,
  gauges: boolean,
  { maxSeries, maxExpositionBytes }: RecommendOptions,
): string | undefined {
  const series: SeriesFigures = gauges ? choice.withGauges : choice.withoutGauges;
  if (choice.flowsSettled > MOST_SHARE * maxSeries) {
    return `would have ${siNumber(choice.flowsSettled)} flows, more than four fifths of flows.max_series (${siNumber(maxSeries)})`;
  }
  const mostAnHour = Math.max(MOST_AN_HOUR, MOST_TURNOVER * series.now);
  if (series.anHour > mostAnHour) {
    return `would make ${siNumber(series.anHour)} series an hour, more than ${siNumber(mostAnHour)}`;
  }
  if (series.scrapeBytes > MOST_SHARE * maxExpositionBytes) {
    return `would make scrapes of ${siBytes(series.scrapeBytes)}, more than four fifths of flows.max_exposition_bytes (${siBytes(maxExpositionBytes)})`;
  }
  return undefined;
}
