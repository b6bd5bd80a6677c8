// SPDX-License-Identifier: Apache-2.0
// What the series of a metric have in common on the wire: the labels up to and with __name__, and the
// metadata of remote write 2.0.

import { countsFromStart, type MetricType } from '../../metrics/definition.js';
import { unitOf } from '../openmetrics.js';

/** Metadata.MetricType of remote write 2.0. */
const METADATA_TYPE: Readonly<Record<MetricType, number>> = {
  counter: 1,
  gauge: 2,
  histogram: 3,
  info: 2, // as on /metrics in text 0.0.4, which is what Prometheus would tell of it
};

export interface MetricMetadata {
  readonly type: number;
  /** UTF-8; empty where there is none. */
  readonly help: Buffer;
  readonly unit: Buffer;
  /** Whether its values count up from 0 since a start that we know. */
  readonly countsFromStart: boolean;
}

export interface MetricHead {
  /** Encoded for remote write 1.0. A series' further labels, if any, sort after these. */
  readonly labels: Buffer;
  readonly metadata: MetricMetadata;
}

export function createMetadata(family: {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly isForeign?: boolean;
}): MetricMetadata {
  return {
    type: METADATA_TYPE[family.type],
    help: Buffer.from(family.help),
    unit: Buffer.from(unitOf(family) ?? ''),
    countsFromStart: countsFromStart(family),
  };
}
