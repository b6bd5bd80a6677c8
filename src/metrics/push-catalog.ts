// SPDX-License-Identifier: Apache-2.0
// The metrics of pushing, as data; part of the catalogue. They exist where push is on.
import type { MetricDefinition } from './catalog.js';

export const PUSH_METRICS = {
  samplesTotal: {
    name: 'xtrace_push_samples_total',
    help: 'Samples handed to push, or found in its spool at the start. Always equals sent + dropped + waiting in the queue + waiting in the spool.',
    type: 'counter',
    labels: [],
  },
  samplesSentTotal: {
    name: 'xtrace_push_samples_sent_total',
    help: 'Samples the receiver has accepted.',
    type: 'counter',
    labels: [],
  },
  samplesDroppedTotal: {
    name: 'xtrace_push_samples_dropped_total',
    help: 'Samples given up, by reason: queue_full, spool_full and disk_full (the oldest had to make room), too_old (push.max_age_ms), refused (4xx, or not written), poison (the receiver fails over it but takes the next), damaged (spool file), unsendable (not in a form the receiver takes), shutdown.',
    type: 'counter',
    labels: ['reason'],
  },
  bytesSentTotal: {
    name: 'xtrace_push_bytes_sent_total',
    help: 'Bytes of the request bodies the receiver has accepted, compressed.',
    type: 'counter',
    labels: [],
  },
  requestsTotal: {
    name: 'xtrace_push_requests_total',
    help: 'Requests to the receiver, by status code, or by what kept it from coming: refused, reset, timeout, dns, unreachable, tls, not_http, file, error.',
    type: 'counter',
    labels: ['code'],
  },
  requestDurationSeconds: {
    name: 'xtrace_push_request_duration_seconds',
    help: 'Time a request took to the end of its answer, or to its failure.',
    type: 'histogram',
    labels: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  retriesTotal: {
    name: 'xtrace_push_retries_total',
    help: 'Requests that sent a batch again: after a failure, over a new connection, or in another format or compression.',
    type: 'counter',
    labels: [],
  },
  up: {
    name: 'xtrace_push_up',
    help: 'Whether the receiver accepted the last batch (1) or not (0); 0 before the first.',
    type: 'gauge',
    labels: [],
  },
  lastSuccessTimestampSeconds: {
    name: 'xtrace_push_last_success_timestamp_seconds',
    help: 'Unix time at which the receiver last accepted a batch; 0 before the first.',
    type: 'gauge',
    labels: [],
  },
  protocolInfo: {
    name: 'xtrace_push_protocol_info',
    help: 'What the receiver is spoken to in now: format text, remote_write_1 or remote_write_2, and its compression. It changes where the receiver knows less than was tried first; always 1.',
    type: 'info',
    labels: ['format', 'compression'],
  },
  queueSamples: {
    name: 'xtrace_push_queue_samples',
    help: 'Samples that wait in memory.',
    type: 'gauge',
    labels: [],
  },
  queueBytes: {
    name: 'xtrace_push_queue_bytes',
    help: 'Memory of the batches that wait, compressed or about to be.',
    type: 'gauge',
    labels: [],
  },
  queueLimitBytes: {
    name: 'xtrace_push_queue_limit_bytes',
    help: 'The most memory for batches that wait (push.queue_max_bytes).',
    type: 'gauge',
    labels: [],
  },
  spoolBatches: {
    name: 'xtrace_push_spool_batches',
    help: 'Batches that wait on disk.',
    type: 'gauge',
    labels: [],
  },
  spoolSamples: {
    name: 'xtrace_push_spool_samples',
    help: 'Samples that wait on disk.',
    type: 'gauge',
    labels: [],
  },
  spoolBytes: {
    name: 'xtrace_push_spool_bytes',
    help: 'Disk space of the batches that wait there, in blocks of 4096 bytes.',
    type: 'gauge',
    labels: [],
  },
  spoolLimitBytes: {
    name: 'xtrace_push_spool_limit_bytes',
    help: 'The most disk space for batches that wait (push.spool_max_bytes); 0 where there is no spool.',
    type: 'gauge',
    labels: [],
  },
  spooledSamplesTotal: {
    name: 'xtrace_push_spooled_samples_total',
    help: 'Samples written to the spool.',
    type: 'counter',
    labels: [],
  },
  replayedSamplesTotal: {
    name: 'xtrace_push_replayed_samples_total',
    help: 'Samples the receiver has accepted out of the spool.',
    type: 'counter',
    labels: [],
  },
  spoolDamagedFilesTotal: {
    name: 'xtrace_push_spool_damaged_files_total',
    help: 'Spool files that were torn, damaged or left unfinished by a former run, and removed.',
    type: 'counter',
    labels: [],
  },
  spoolFailuresTotal: {
    name: 'xtrace_push_spool_failures_total',
    help: 'Writes to the spool, or removals from it, that failed. Batches wait in memory then.',
    type: 'counter',
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
