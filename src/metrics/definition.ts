// SPDX-License-Identifier: Apache-2.0
// What a metric is: its name, help, type and labels as data, its samples, and both together as the family
// that leaves this room. Each subject's metrics stand in a file of their own.

import type { NativeHistogram } from '../native-buckets.js';

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'info';

/** Names, labels and spelling are API: docs/metrics.md is made from them. */
export interface MetricDefinition {
  /** As in text 0.0.4: a counter's ends in _total, an info's in _info. */
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly labels: readonly string[];
  /** Of counters that a device keeps: they began before this program, nobody knows when. */
  readonly isForeign?: boolean;
  /** Histograms only: upper bounds, in the metric's unit, +Inf not included. */
  readonly buckets?: readonly number[];
}

export type Label = readonly [name: string, value: string];
export type Labels = readonly Label[];

export interface Sample {
  /** Appended to the family's name: '_bucket', '_sum', '_count' of histograms, else ''. */
  readonly suffix: string;
  readonly labels: Labels;
  readonly value: number;
  /** Wall clock, milliseconds: since when it counts, where that is not since the start of this process. */
  readonly startedMs?: number;
  /** A histogram's _count only: the same observations in exponential buckets, for formats that have them. */
  readonly native?: NativeHistogram;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly isForeign?: boolean;
  /** Of RoCE pairs or paths: how long its lines get is known beforehand (line-costs.ts). */
  readonly isOfPairs?: boolean;
  readonly samples: readonly Sample[];
}

/** Takes a sample of one subject: its labels beyond those that all of its samples have, its value. */
export type AddSample = (
  extraLabels: Labels,
  value: number,
  suffix?: string,
  native?: NativeHistogram,
) => void;

/** A definition, and what a view of its subject says of it. */
export interface Metric<View> {
  readonly definition: MetricDefinition;
  samples(view: View): readonly Sample[];
}

export function familiesOf<View>(metrics: readonly Metric<View>[], view: View): Family[] {
  return metrics.map(({ definition, samples }) => toFamily(definition, samples(view)));
}

export function toFamily(definition: MetricDefinition, samples: readonly Sample[]): Family {
  const { name, help, type, isForeign = false } = definition;
  return { name, help, type, isForeign, samples };
}

/** Whether its values count up from 0 since a start that we know. */
export function countsFromStart({ type, isForeign }: Pick<Family, 'type' | 'isForeign'>): boolean {
  return (type === 'counter' || type === 'histogram') && isForeign !== true;
}

/** The families, where their counters began to count at this time of the wall clock, but for those that say otherwise. */
export function countingSince(families: readonly Family[], startedMs: number): readonly Family[] {
  return families.map((family) => {
    if (family.isOfPairs || !countsFromStart(family)) return family;
    return { ...family, samples: family.samples.map((one) => ({ startedMs, ...one })) };
  });
}

export function sample(labels: Labels, value: number, suffix = ''): Sample {
  return { suffix, labels, value };
}

/** The value of the label le, as OpenMetrics writes numbers, in every format. */
export function boundText(bound: number | string): string {
  const text = String(bound);
  return /^\d+$/.test(text) ? `${text}.0` : text;
}

/** counts: one for each bound and one for what is above, each for its bucket alone. Samples are cumulative. */
export function histogramSamples(
  labels: Labels,
  histogram: {
    readonly bounds: readonly number[];
    readonly counts: readonly number[];
    readonly sum: number;
    readonly native: NativeHistogram;
  },
): Sample[] {
  let total = 0;
  const buckets = [...histogram.bounds.map(boundText), '+Inf'].map((le, index) => {
    total += histogram.counts[index] ?? 0;
    return sample([...labels, ['le', le]], total, '_bucket');
  });
  const { sum, native } = histogram;
  return [...buckets, sample(labels, sum, '_sum'), { ...sample(labels, total, '_count'), native }];
}

/** Families with what nativeOf() knows of their histograms, by family and labels. */
export function withNative(
  families: readonly Family[],
  nativeOf: (name: string, labels: Labels) => NativeHistogram | undefined,
): Family[] {
  return families.map((family) => {
    if (family.type !== 'histogram') return family;
    const samples = family.samples.map((one) => {
      const native = one.suffix === '_count' ? nativeOf(family.name, one.labels) : undefined;
      return native === undefined ? one : { ...one, native };
    });
    return { ...family, samples };
  });
}
