// SPDX-License-Identifier: Apache-2.0
// What push says of itself. The numbers are kept by the pusher; nothing counts here. These metrics exist
// where push is on.

import type { NativeHistogram } from '../native-buckets.js';
import {
  type Family,
  familiesOf,
  histogramSamples,
  type Metric,
  type MetricType,
  type Sample,
  sample,
} from './definition.js';

/** The pusher's totals since start, and its state now. */
export interface PushView {
  /** Handed in, or found in the spool at the start. */
  readonly samples: number;
  readonly samplesSent: number;
  /** By reason. */
  readonly samplesDropped: Readonly<Record<string, number>>;
  /** Bodies of accepted requests, compressed. */
  readonly bytesSent: number;
  /** By status, or by what kept it from coming. */
  readonly requests: ReadonlyMap<string, number>;
  readonly requestDuration: {
    /** Upper bounds in seconds, +Inf not included; `counts` has one more, each for its bucket alone. */
    readonly bounds: readonly number[];
    readonly counts: readonly number[];
    readonly sumSeconds: number;
    readonly native: NativeHistogram;
  };
  readonly retries: number;
  /** Whether the last request was accepted; false before the first. */
  readonly isUp: boolean;
  /** Wall clock; undefined before the first. */
  readonly lastSuccessMs: number | undefined;
  /** Why the last request was not accepted, one sentence; '' where it was, and before the first. No metric. */
  readonly trouble: string;
  /** Format and compression that requests have now. */
  readonly format: string;
  readonly encoding: string;
  readonly queueSamples: number;
  readonly queueBytes: number;
  readonly queueLimitBytes: number;
  readonly spoolBatches: number;
  readonly spoolSamples: number;
  readonly spoolBytes: number;
  /** 0 where there is no spool. */
  readonly spoolLimitBytes: number;
  readonly samplesSpooled: number;
  readonly samplesReplayed: number;
  readonly spoolDamagedFiles: number;
  /** Not removed, but renamed: what was no file of ours. */
  readonly spoolSetAside: number;
  readonly spoolFailures: number;
}

export const PUSH_METRICS: readonly Metric<PushView>[] = [
  counter(
    'xtrace_push_samples_total',
    'Samples handed to push, or found in its spool at the start. Always equals sent + dropped + waiting in the queue + waiting in the spool.',
    (push) => push.samples,
  ),
  counter('xtrace_push_samples_sent_total', 'Samples the receiver has accepted.', (push) => push.samplesSent),
  {
    definition: {
      name: 'xtrace_push_samples_dropped_total',
      help: 'Samples given up, by reason: queue_full, spool_full and disk_full (the oldest had to make room), too_old (push.max_age_ms), refused (4xx, or not written), poison (it makes the receiver fail, but the next batch is accepted), damaged (spool file), set_aside (its spool file had become something else), unsendable (not in a form the receiver takes), shutdown.',
      type: 'counter',
      labels: ['reason'],
    },
    samples: ({ samplesDropped }) => labelled('reason', Object.entries(samplesDropped)),
  },
  counter(
    'xtrace_push_bytes_sent_total',
    'Bytes of the request bodies the receiver has accepted, compressed.',
    (push) => push.bytesSent,
  ),
  {
    definition: {
      name: 'xtrace_push_requests_total',
      help: 'Requests to the receiver, by the status code of the answer, or by why none came: refused, reset, timeout, dns, unreachable, tls, not_http, file, error.',
      type: 'counter',
      labels: ['code'],
    },
    samples: ({ requests }) => labelled('code', requests),
  },
  {
    definition: {
      name: 'xtrace_push_request_duration_seconds',
      help: 'Time a request took to the end of its answer, or to its failure.',
      type: 'histogram',
      labels: [],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    },
    samples: ({ requestDuration: { bounds, counts, sumSeconds, native } }) =>
      histogramSamples([], { bounds, counts, sum: sumSeconds, native }),
  },
  counter(
    'xtrace_push_retries_total',
    'Requests that sent a batch again: after a failure, over a new connection, or in another format or compression.',
    (push) => push.retries,
  ),
  gauge(
    'xtrace_push_up',
    'Whether the receiver accepted the last batch (1) or not (0); 0 before the first.',
    ({ isUp }) => (isUp ? 1 : 0),
  ),
  gauge(
    'xtrace_push_last_success_timestamp_seconds',
    'Unix time at which the receiver last accepted a batch; 0 before the first.',
    ({ lastSuccessMs }) => (lastSuccessMs ?? 0) / 1000,
  ),
  {
    definition: {
      name: 'xtrace_push_protocol_info',
      help: 'Format (text, remote_write_1 or remote_write_2) and compression that requests have now. They change when the receiver does not know what was tried first; always 1.',
      type: 'info',
      labels: ['format', 'compression'],
    },
    samples: ({ format, encoding }) => [
      sample(
        [
          ['format', format],
          ['compression', encoding],
        ],
        1,
      ),
    ],
  },
  gauge('xtrace_push_queue_samples', 'Samples that wait in memory.', (push) => push.queueSamples),
  gauge(
    'xtrace_push_queue_bytes',
    'Memory of the batches that wait, compressed or about to be.',
    (push) => push.queueBytes,
  ),
  gauge(
    'xtrace_push_queue_limit_bytes',
    'The most memory for batches that wait (push.queue_max_bytes).',
    (push) => push.queueLimitBytes,
  ),
  gauge('xtrace_push_spool_batches', 'Batches that wait on disk.', (push) => push.spoolBatches),
  gauge('xtrace_push_spool_samples', 'Samples that wait on disk.', (push) => push.spoolSamples),
  gauge(
    'xtrace_push_spool_bytes',
    'Disk space of the batches that wait there, in blocks of 4096 bytes.',
    (push) => push.spoolBytes,
  ),
  gauge(
    'xtrace_push_spool_limit_bytes',
    'The most disk space for batches that wait (push.spool_max_bytes); 0 where there is no spool.',
    (push) => push.spoolLimitBytes,
  ),
  counter(
    'xtrace_push_spooled_samples_total',
    'Samples written to the spool.',
    (push) => push.samplesSpooled,
  ),
  counter(
    'xtrace_push_replayed_samples_total',
    'Samples the receiver has accepted out of the spool.',
    (push) => push.samplesReplayed,
  ),
  counter(
    'xtrace_push_spool_damaged_files_total',
    'Spool files that were torn, damaged or left unfinished by a former run, and removed.',
    (push) => push.spoolDamagedFiles,
  ),
  counter(
    'xtrace_push_spool_set_aside_total',
    'Entries of the spool folder that were not what their names say (a link, a FIFO, a directory, a file of another user, a file too large, a number out of range): renamed to set-aside-..., not removed.',
    (push) => push.spoolSetAside,
  ),
  counter(
    'xtrace_push_spool_failures_total',
    'Writes to the spool, or removals from it, that failed. Batches wait in memory then.',
    (push) => push.spoolFailures,
  ),
];

/** In the order of PUSH_METRICS. */
export function pushFamilies(view: PushView): Family[] {
  return familiesOf(PUSH_METRICS, view);
}

type ReadNumber = (push: PushView) => number;

function single(type: MetricType, name: string, help: string, read: ReadNumber): Metric<PushView> {
  return { definition: { name, help, type, labels: [] }, samples: (push) => [sample([], read(push))] };
}

function counter(name: string, help: string, read: ReadNumber): Metric<PushView> {
  return single('counter', name, help, read);
}

function gauge(name: string, help: string, read: ReadNumber): Metric<PushView> {
  return single('gauge', name, help, read);
}

function labelled(label: string, values: Iterable<readonly [string, number]>): Sample[] {
  return [...values].map(([text, value]) => sample([[label, text]], value));
}
