// SPDX-License-Identifier: Apache-2.0
// The four flow metrics as columns over one set of rows: what the byte renderer needs, and no more.
// No copies: as whole and as short-lived as the SeriesView it is made from.
import type { SeriesView } from '../flows/views.js';
import { METRICS, type MetricDefinition } from './catalog.js';

/** Rows that several families share: row s = slots[i] for i in 0..count-1. */
export interface FlowRowLabels {
  readonly count: number;
  readonly slots: Uint32Array;
  /** Labels of row s: labelBytes[labelOffset[s] .. + labelLength[s]], escaped, no braces. */
  readonly labelBytes: Uint8Array;
  readonly labelOffset: Uint32Array;
  readonly labelLength: Uint32Array;
}

export interface FlowFamily extends MetricDefinition {
  /** Value of row s. */
  readonly values: Float64Array;
}

/** The same rows for formats that render labels in their own way. */
export interface FlowRowSeries extends FlowRowLabels {
  /** FLOW_ROW_WORDS words a row, the layout of src/abi/records.ts. */
  readonly keys: Uint32Array;
  /** Wall-clock milliseconds at which the series of row s began. */
  readonly startedMs: Float64Array;
}

export interface FlowFamilies {
  readonly rows: FlowRowSeries;
  readonly families: readonly FlowFamily[];
}

/** The flow metrics: totals first, then the last interval's gauges. */
export function flowFamilies(series: SeriesView): FlowFamilies {
  return {
    rows: series,
    families: [
      { ...METRICS.flowBytesTotal, values: series.totalBytes },
      { ...METRICS.flowPacketsTotal, values: series.totalPackets },
      { ...METRICS.flowBytes, values: series.intervalBytes },
      { ...METRICS.flowPackets, values: series.intervalPackets },
    ],
  };
}
