// SPDX-License-Identifier: Apache-2.0
// The form of a metric family between those who collect and those who render. Data only.

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'info';

export interface Sample {
  /** Appended to the family's name: '_bucket', '_sum', '_count' of histograms, else ''. */
  readonly suffix: string;
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly value: number;
}

/** name is the name as in text 0.0.4: a counter's ends in _total, an info's in _info. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly Sample[];
}
