// SPDX-License-Identifier: Apache-2.0
// Every metric this program exposes: name, help, type and label names, as data. A name that is not
// here does not exist. Names, labels and spelling are API; the README's table is compared with this
// list. Nothing here computes or collects.
import type { MetricType } from './family.js';
import { PUSH_METRICS } from './push-catalog.js';
import { RDMA_METRICS } from './rdma-catalog.js';
import { ROCE_METRICS } from './roce-catalog.js';

export interface MetricDefinition {
  /** As in text 0.0.4: a counter's ends in _total, an info's in _info. */
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly labels: readonly string[];
  /** Histograms only: upper bounds, in the metric's unit, +Inf not included. */
  readonly buckets?: readonly number[];
}

/** Labels of a flow, in the order in which they are rendered. */
export const FLOW_LABELS = [
  'src_ip',
  'dst_ip',
  'src_port',
  'dst_port',
  'protocol',
  'traffic_type',
  'interface',
  'host_ip',
  'collect_agg',
] as const;

/** Follows FLOW_LABELS when VLANs are told apart. */
export const VLAN_LABEL = 'vlan';

/** Follows FLOW_LABELS and vlan, and the labels of RoCE pairs, when queue pairs are told apart. */
export const QUEUE_PAIR_LABEL = 'queue_pair';

const BOOK_LABELS = ['interface', 'direction', 'traffic_type', 'host_ip', 'collect_agg'] as const;

/** The metrics but those of RoCE's headers and of pushing, by the key that code uses; names are literal so that a search finds them. */
export const METRICS = {
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
  interfaceBytesTotal: {
    name: 'xtrace_interface_bytes_total',
    help: 'Bytes XDP saw on the interface by traffic type. Always equals the sum of xtrace_network_bytes_total and xtrace_other_bytes_total. What the NIC offloads or drops before XDP is not in here.',
    type: 'counter',
    labels: BOOK_LABELS,
  },
  interfacePacketsTotal: {
    name: 'xtrace_interface_packets_total',
    help: 'Packets XDP saw on the interface by traffic type. Always equals the sum of xtrace_network_packets_total and xtrace_other_packets_total.',
    type: 'counter',
    labels: BOOK_LABELS,
  },
  otherBytesTotal: {
    name: 'xtrace_other_bytes_total',
    help: 'Bytes that are in no flow series, by reason: max_series (no room), expired (totals of series that ended), map_full (the kernel map was full), filtered, non_ip, malformed.',
    type: 'counter',
    labels: [...BOOK_LABELS, 'reason'],
  },
  otherPacketsTotal: {
    name: 'xtrace_other_packets_total',
    help: 'Packets that are in no flow series, by reason; reasons as in xtrace_other_bytes_total.',
    type: 'counter',
    labels: [...BOOK_LABELS, 'reason'],
  },
  frameReasonPacketsTotal: {
    name: 'xtrace_frame_reason_packets_total',
    help: 'Frames without a flow (not IP, or malformed), by what the parser met.',
    type: 'counter',
    labels: ['interface', 'reason'],
  },
  kernelOverflowPacketsTotal: {
    name: 'xtrace_kernel_overflow_packets_total',
    help: 'Packets whose flow the full kernel map could not take: counted, but without their flow. Equals xtrace_other_packets_total{reason="map_full"}. If it grows, raise the size of the kernel map.',
    type: 'counter',
    labels: ['interface', 'traffic_type'],
  },
  kernelUnattributedPacketsTotal: {
    name: 'xtrace_kernel_unattributed_packets_total',
    help: 'Packets that even the kernel overflow map could not take, and that are in no other metric. Expected to stay 0.',
    type: 'counter',
    labels: [],
  },
  buildInfo: {
    name: 'xtrace_build_info',
    help: 'Version of this program and of what it runs on; always 1.',
    type: 'info',
    labels: ['version', 'revision', 'node_version', 'kernel_version', 'arch'],
  },
  interfaceAttached: {
    name: 'xtrace_interface_attached',
    help: 'Whether the XDP program is attached to the interface (1) or not (0).',
    type: 'gauge',
    labels: ['interface'],
  },
  interfaceAttachInfo: {
    name: 'xtrace_interface_attach_info',
    help: 'How the XDP program is attached: mode native (in the driver) or generic (in the stack), how frames start, and whether multi-buffer frames are taken (frags). Attached interfaces only; always 1.',
    type: 'info',
    labels: ['interface', 'mode', 'framing', 'frags'],
  },
  interfaceAttachFailuresTotal: {
    name: 'xtrace_interface_attach_failures_total',
    help: 'Failed attempts to attach to the interface, by the mode that was tried and the error of the kernel.',
    type: 'counter',
    labels: ['interface', 'mode', 'errno'],
  },
  interfaceReattachmentsTotal: {
    name: 'xtrace_interface_reattachments_total',
    help: 'Times the interface came back and was attached again.',
    type: 'counter',
    labels: ['interface'],
  },
  refreshDurationSeconds: {
    name: 'xtrace_refresh_duration_seconds',
    help: 'Time a refresh took, from the flip of the kernel maps to the new totals; good and failed ones.',
    type: 'histogram',
    labels: [],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  refreshTimestampSeconds: {
    name: 'xtrace_refresh_timestamp_seconds',
    help: 'Unix time of the last good refresh, which all flow and interface metrics show; 0 before the first one.',
    type: 'gauge',
    labels: [],
  },
  refreshesTotal: {
    name: 'xtrace_refreshes_total',
    help: 'Refreshes begun, good and failed.',
    type: 'counter',
    labels: [],
  },
  refreshFailuresTotal: {
    name: 'xtrace_refresh_failures_total',
    help: 'Refreshes that failed. Nothing is lost by it: the counts come with the next good one.',
    type: 'counter',
    labels: [],
  },
  refreshIntervalSeconds: {
    name: 'xtrace_refresh_interval_seconds',
    help: 'The configured refresh interval.',
    type: 'gauge',
    labels: [],
  },
  flowsActive: {
    name: 'xtrace_flows_active',
    help: 'Distinct flows seen in the last refresh interval, with a series or without.',
    type: 'gauge',
    labels: [],
  },
  series: {
    name: 'xtrace_series',
    help: 'Flows that hold a series now; each is shown by four metrics.',
    type: 'gauge',
    labels: [],
  },
  seriesLimit: {
    name: 'xtrace_series_limit',
    help: 'The most flows that may hold a series (flows.max_series).',
    type: 'gauge',
    labels: [],
  },
  seriesEndedTotal: {
    name: 'xtrace_series_ended_total',
    help: 'Flow series that ended, by reason. Their totals went into xtrace_other_bytes_total and xtrace_other_packets_total.',
    type: 'counter',
    labels: ['reason'],
  },
  kernelMapEntries: {
    name: 'xtrace_kernel_map_entries',
    help: 'Entries drained from the kernel map in the last refresh: flows4 and flows6 are the shared flow maps, slots4 and slots6 the slots of all CPUs, roce the RoCE streams.',
    type: 'gauge',
    labels: ['map'],
  },
  kernelMapCapacity: {
    name: 'xtrace_kernel_map_capacity',
    help: 'Entries the kernel map can take in one refresh interval.',
    type: 'gauge',
    labels: ['map'],
  },
  expositionBytes: {
    name: 'xtrace_exposition_bytes',
    help: 'Size of the last exposition rendered before this one, uncompressed. vmagent refuses more than 16777216 unless max_scrape_size says otherwise.',
    type: 'gauge',
    labels: ['format'],
  },
  expositionDurationSeconds: {
    name: 'xtrace_exposition_duration_seconds',
    help: 'Time it took to render an exposition, without sending it. Scrapes at the same time share one.',
    type: 'histogram',
    labels: ['format'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
  },
  httpRequestsTotal: {
    name: 'xtrace_http_requests_total',
    help: 'HTTP requests that are over, by status code; aborted where the connection ended before the response did.',
    type: 'counter',
    labels: ['code'],
  },
  eventLoopStallSeconds: {
    name: 'xtrace_event_loop_stall_seconds',
    help: 'Longest time the event loop was held up since the exposition before this one.',
    type: 'gauge',
    labels: [],
  },
  processCpuSecondsTotal: {
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time this process has spent. The XDP program is not in here: its time is the softirq time of the CPUs.',
    type: 'counter',
    labels: [],
  },
  processResidentMemoryBytes: {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of this process. Kernel maps count only where they are mapped.',
    type: 'gauge',
    labels: [],
  },
  processStartTimeSeconds: {
    name: 'process_start_time_seconds',
    help: 'Unix time at which this process started.',
    type: 'gauge',
    labels: [],
  },
  processOpenFds: {
    name: 'process_open_fds',
    help: 'Open file descriptors of this process.',
    type: 'gauge',
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** All metrics, in the order of the exposition's documentation. */
export const CATALOG: readonly MetricDefinition[] = [
  ...Object.values(METRICS),
  ...Object.values(ROCE_METRICS),
  ...Object.values(RDMA_METRICS),
  ...Object.values(PUSH_METRICS),
];
