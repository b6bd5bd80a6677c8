// SPDX-License-Identifier: Apache-2.0
// What a metric is: its name, help, type and labels as data, its samples, and both together as the family
// that leaves this room. Each subject's metrics stand in a file of their own.

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
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly isForeign?: boolean;
  readonly samples: readonly Sample[];
}

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
  histogram: { readonly bounds: readonly number[]; readonly counts: readonly number[]; readonly sum: number },
): Sample[] {
  let total = 0;
  const buckets = [...histogram.bounds.map(boundText), '+Inf'].map((le, index) => {
    total += histogram.counts[index] ?? 0;
    return sample([...labels, ['le', le]], total, '_bucket');
  });
  return [...buckets, sample(labels, histogram.sum, '_sum'), sample(labels, total, '_count')];
}
