// SPDX-License-Identifier: Apache-2.0
// What differs between the text formats. Samples look the same in both: name, labels, value.

import type { MetricType } from '../metrics/definition.js';

/** The formats we serve; the value of the label format. */
export type ExpositionFormat = 'text' | 'openmetrics' | 'protobuf';

export interface FamilyHeader {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
}

/** Those of them that are text. */
export type TextFormat = Exclude<ExpositionFormat, 'protobuf'>;

export interface Dialect {
  /** The lines before a family's samples, each with its line feed. */
  renderHeader(family: FamilyHeader): string;
  /** What ends an exposition. */
  readonly trailer: string;
}

/** A sample's value: NaN, +Inf, -Inf, or the shortest decimal that reads back as the same double. */
export function renderValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
