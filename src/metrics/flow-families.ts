// SPDX-License-Identifier: Apache-2.0
// The four flow metrics as columns over one set of rows: what the byte renderer needs, and no more.
// No copies: as whole and as short-lived as the SeriesView it is made from.

import type { SeriesView } from '../flows/views.js';
import type { MetricDefinition } from './definition.js';
import { FLOW_LABELS } from './flow-label-fields.js';

export const FLOW_METRICS = {
  flowBytesTotal: {
    name: 'xtrace_network_bytes_total',
    help: 'Bytes received of the flow since its series began: whole frames as XDP sees them, without FCS. Ingress only; RDMA that the NIC offloads never reaches XDP and is not in here. When a series ends, its total moves into xtrace_other_bytes_total.',
    type: 'counter',
    labels: FLOW_LABELS,
  },
  flowPacketsTotal: {
    name: 'xtrace_network_packets_total',
    help: 'Packets received of the flow since its series began. In generic mode packets that GRO merged count as one. When a series ends, its total moves into xtrace_other_packets_total.',
    type: 'counter',
    labels: FLOW_LABELS,
  },
  flowBytes: {
    name: 'xtrace_network_flow_bytes',
    help: 'Bytes received of the flow in the last refresh interval, 0 where it was idle. A snapshot: use rate() of the counter for rates.',
    type: 'gauge',
    labels: FLOW_LABELS,
  },
  flowPackets: {
    name: 'xtrace_network_flow_packets',
    help: 'Packets received of the flow in the last refresh interval, 0 where it was idle. A snapshot: use rate() of the counter for rates.',
    type: 'gauge',
    labels: FLOW_LABELS,
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Series that several families share: s = inUse[i] for i in 0..count-1. */
export interface FlowRowLabels {
  readonly count: number;
  readonly inUse: Uint32Array;
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

export interface FlowFamilyOptions {
  readonly isPushed?: boolean;
  /** Whether the last interval is shown, too. */
  readonly gauges?: boolean;
}

/**
 * The flow metrics: counters first, then the last interval's gauges. The counters of new series stand at 0
 * for those who scrape; those who are pushed to (`isPushed`) get a 0 of its own time instead.
 */
export function flowFamilies(
  series: SeriesView,
  { isPushed = false, gauges = true }: FlowFamilyOptions = {},
): FlowFamilies {
  const bytes = isPushed ? series.totalBytes : series.shownBytes;
  const packets = isPushed ? series.totalPackets : series.shownPackets;
  return {
    rows: series,
    families: [
      { ...FLOW_METRICS.flowBytesTotal, values: bytes },
      { ...FLOW_METRICS.flowPacketsTotal, values: packets },
      ...(gauges
        ? [
            { ...FLOW_METRICS.flowBytes, values: series.intervalBytes },
            { ...FLOW_METRICS.flowPackets, values: series.intervalPackets },
          ]
        : []),
    ],
  };
}
