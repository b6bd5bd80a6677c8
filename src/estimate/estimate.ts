// SPDX-License-Identifier: Apache-2.0
// From what a watch counted to what each choice of labels will cost. Pure. A flow is one set of labels; it has
// a series for each of the flow metrics.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import { FLOW_METRICS } from '../metrics/flow-families.js';
import type { FlowLabelRenderer } from '../metrics/flow-labels.js';
import type { FlowCount, FlowWatch, WatchTotals } from './flow-watch.js';
import type { KeySample } from './key-sample.js';
import type { LabelChoice } from './label-choice.js';
import { diskBytes, headBytes } from './prometheus-needs.js';

export interface EstimateOptions {
  readonly watchedMs: number;
  readonly maxSeries: number;
  readonly maxNewSeriesPerMinute: number;
  readonly idleTimeoutMs: number;
  readonly scrapeIntervalMs: number;
  readonly maxPairs: number;
}

export interface ChoiceInput extends LabelChoice {
  readonly labels: FlowLabelRenderer;
  /** Why the configuration cannot have it, a sentence; where it cannot. */
  readonly conflict?: string;
}

/** Of flows that have series. */
export interface SeriesFigures {
  /** At the end of the watch. */
  readonly now: number;
  /** When the first ones expire: after the idle timeout, at this churn. The figures below are for that. */
  readonly settled: number;
  /** Different ones within an hour. */
  readonly anHour: number;
  /** Lines of flows in text format 0.0.4, before gzip. */
  readonly scrapeBytes: number;
  readonly samplesPerSecond: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

export interface ChoiceFigures extends LabelChoice {
  readonly conflict?: string;
  readonly flowsNow: number;
  readonly flowsSettled: number;
  readonly newFlowsPerSecond: number;
  /** Of the settled ones: flows.max_series at most. */
  readonly flowsWithSeries: number;
  readonly withGauges: SeriesFigures;
  readonly withoutGauges: SeriesFigures;
}

export interface Estimate {
  readonly totals: WatchTotals;
  /** As configured first, then from the most detail to the least. */
  readonly choices: readonly ChoiceFigures[];
  readonly roce: { readonly pairs: number; readonly series: number };
}

const HOUR_SECONDS = 3600;
/** A pair has 45 to 55, by its transports, DSCPs and operations (roce-families.ts). */
const SERIES_PER_PAIR = 50;
/** Fewer in the second half of a watch tell of no rate: one may be the only one of its hour. */
export const FEWEST_NEW_FLOWS = 3;
/** Around the labels and the value of a line: two braces, a space and a line feed. */
const LINE_BYTES = 4;

const COUNTERS = [FLOW_METRICS.flowBytesTotal, FLOW_METRICS.flowPacketsTotal] as const;
const GAUGES = [FLOW_METRICS.flowBytes, FLOW_METRICS.flowPackets] as const;

export function estimateWatch(
  watch: Pick<FlowWatch, 'totals' | 'choices' | 'rocePairs'>,
  choices: readonly ChoiceInput[],
  options: EstimateOptions,
): Estimate {
  const { totals } = watch;
  const pairs = flowsOf(watch.rocePairs, options).now;
  return {
    totals,
    choices: choices.map((choice, i) => {
      const count = watch.choices[i];
      if (count === undefined) throw new RangeError(`nothing was counted for ${choice.id}`);
      return figuresOf(choice, count, totals, options);
    }),
    roce: { pairs, series: Math.min(pairs, options.maxPairs) * SERIES_PER_PAIR },
  };
}

interface FlowsOverTime {
  readonly now: number;
  readonly settled: number;
  readonly newPerSecond: number;
}

function flowsOf({ timeline }: FlowCount, options: EstimateOptions): FlowsOverTime {
  const { watchedMs, idleTimeoutMs } = options;
  const whole = timeline.distinct();
  const half = timeline.firstHalf();
  const lateMs = watchedMs * (1 - half.intervals / Math.max(1, timeline.intervals));
  const newFlows = half.intervals === 0 || lateMs <= 0 ? 0 : Math.round(whole - half.distinct);
  const newPerSecond = newFlows < FEWEST_NEW_FLOWS ? 0 : (1000 * newFlows) / lateMs;
  const now = Math.round(watchedMs <= idleTimeoutMs ? whole : timeline.distinctRecently());
  const settled = now + (newPerSecond * Math.max(0, idleTimeoutMs - watchedMs)) / 1000;
  return { now, settled, newPerSecond };
}

function figuresOf(
  { labels, ...choice }: ChoiceInput,
  count: FlowCount,
  totals: WatchTotals,
  options: EstimateOptions,
): ChoiceFigures {
  const flows = flowsOf(count, options);
  const { maxSeries } = options;
  const shown = {
    ...flows,
    labelBytes: meanLabelBytes(count.sample, labels),
    /** What counters come to, as far as was seen. */
    valueBytes: {
      packets: digitsOf(totals.packets / Math.max(1, flows.now)),
      bytes: digitsOf(totals.bytes / Math.max(1, flows.now)),
    },
  };
  return {
    ...choice,
    flowsNow: flows.now,
    flowsSettled: Math.round(flows.settled),
    newFlowsPerSecond: flows.newPerSecond,
    flowsWithSeries: Math.round(Math.min(flows.settled, maxSeries)),
    withGauges: seriesFigures([...COUNTERS, ...GAUGES], shown, options),
    withoutGauges: seriesFigures(COUNTERS, shown, options),
  };
}

interface ShownFlows extends FlowsOverTime {
  readonly labelBytes: number;
  readonly valueBytes: { readonly packets: number; readonly bytes: number };
}

function seriesFigures(
  families: readonly { readonly name: string }[],
  flows: ShownFlows,
  options: EstimateOptions,
): SeriesFigures {
  const { maxSeries, maxNewSeriesPerMinute, idleTimeoutMs, scrapeIntervalMs } = options;
  /** Series come and go no faster than room is made: by expiry, and by taking that of smaller flows. */
  const freedPerSecond = maxSeries / (idleTimeoutMs / 1000) + maxNewSeriesPerMinute / 60;
  const within = (seconds: number): number =>
    families.length *
    Math.min(flows.now + flows.newPerSecond * seconds, maxSeries + freedPerSecond * seconds);
  const atOnce = families.length * Math.min(flows.settled, maxSeries);
  const lineBytes = families.reduce((sum, { name }) => {
    const value = name.includes('packets') ? flows.valueBytes.packets : flows.valueBytes.bytes;
    return sum + name.length + flows.labelBytes + value + LINE_BYTES;
  }, 0);
  return {
    now: Math.round(families.length * Math.min(flows.now, maxSeries)),
    settled: Math.round(atOnce),
    anHour: Math.round(within(HOUR_SECONDS)),
    scrapeBytes: Math.round((atOnce / families.length) * lineBytes),
    samplesPerSecond: (atOnce * 1000) / scrapeIntervalMs,
    memoryBytes: headBytes({ atOnce, within }),
    diskBytes: diskBytes({ atOnce, within }, scrapeIntervalMs),
  };
}

function meanLabelBytes({ keys, length }: KeySample, { render, maxLabelBytes }: FlowLabelRenderer): number {
  if (length === 0) return 0;
  const out = new Uint8Array(maxLabelBytes);
  let sum = 0;
  for (let i = 0; i < length; i++) sum += render(keys, i * FLOW_ROW_WORDS, out, 0);
  return sum / length;
}

function digitsOf(value: number): number {
  return String(Math.max(0, Math.round(value))).length;
}
