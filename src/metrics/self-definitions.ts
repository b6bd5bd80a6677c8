// SPDX-License-Identifier: Apache-2.0
// The metrics of the exporter itself; self-metrics.ts has their values.

import type { MetricDefinition } from './definition.js';

export const SELF_METRICS = {
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
    help: 'Distinct flows seen in the last refresh interval, with a series or without. Exact while the kernel map has room (xtrace_kernel_overflow_packets_total stands still); with those it refused an estimate, with a standard error of 2 % or less.',
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
  kernelUnattributedPacketsTotal: {
    name: 'xtrace_kernel_unattributed_packets_total',
    help: 'Packets that even the kernel overflow map could not take, and that are in no other metric. Expected to stay 0.',
    type: 'counter',
    labels: [],
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
  httpConnections: {
    name: 'xtrace_http_connections',
    help: 'HTTP connections that are open now.',
    type: 'gauge',
    labels: [],
  },
  httpConnectionsLimit: {
    name: 'xtrace_http_connections_limit',
    help: 'The most HTTP connections that may be open: 512, or fewer where the process may open few files.',
    type: 'gauge',
    labels: [],
  },
  httpConnectionsClosedTotal: {
    name: 'xtrace_http_connections_closed_total',
    help: 'HTTP connections the exporter closed, by reason: evicted (at the limit, idle longest), refused (at the limit, none was idle), read_ahead (the client sent over 16 KiB ahead of its answer, or any byte while over 200 connections a second are new), half_closed (in such a rush, the client closed its side before the answer), request_timeout (the request was incomplete after 10 s).',
    type: 'counter',
    labels: ['reason'],
  },
  eventLoopStallSeconds: {
    name: 'xtrace_event_loop_stall_seconds',
    help: 'Longest time the event loop was held up since the exposition before this one.',
    type: 'gauge',
    labels: [],
  },
  logLinesDroppedTotal: {
    name: 'xtrace_log_lines_dropped_total',
    help: 'Lines of the log that were dropped because the reader of stderr had stopped reading, or because stderr could not be written.',
    type: 'counter',
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
