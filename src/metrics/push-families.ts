// SPDX-License-Identifier: Apache-2.0
// What push says of itself, as families. The numbers are kept by the pusher; nothing counts here.
import type { MetricDefinition } from './catalog.js';
import type { Family, Sample } from './family.js';
import { PUSH_METRICS } from './push-catalog.js';

/** The pusher's own totals and state. */
export interface PushView {
  readonly samples: number;
  readonly samplesSent: number;
  readonly samplesDropped: Readonly<Record<string, number>>;
  readonly bytesSent: number;
  readonly requests: ReadonlyMap<string, number>;
  readonly requestDuration: {
    /** Upper bounds, +Inf not included; `counts` has one more, each for its bucket alone. */
    readonly bounds: readonly number[];
    readonly counts: readonly number[];
    readonly sumSeconds: number;
  };
  readonly retries: number;
  readonly isUp: boolean;
  readonly lastSuccessMs: number | undefined;
  readonly format: string;
  readonly encoding: string;
  readonly queueSamples: number;
  readonly queueBytes: number;
  readonly queueLimitBytes: number;
  readonly spoolBatches: number;
  readonly spoolSamples: number;
  readonly spoolBytes: number;
  readonly spoolLimitBytes: number;
  readonly samplesSpooled: number;
  readonly samplesReplayed: number;
  readonly spoolDamagedFiles: number;
  readonly spoolFailures: number;
}

/** In the order of the catalogue. */
export function pushFamilies(view: PushView): Family[] {
  const m = PUSH_METRICS;
  return [
    family(m.samplesTotal, view.samples),
    family(m.samplesSentTotal, view.samplesSent),
    { ...naming(m.samplesDroppedTotal), samples: labelled('reason', Object.entries(view.samplesDropped)) },
    family(m.bytesSentTotal, view.bytesSent),
    { ...naming(m.requestsTotal), samples: labelled('code', view.requests) },
    { ...naming(m.requestDurationSeconds), samples: histogramSamples(view.requestDuration) },
    family(m.retriesTotal, view.retries),
    family(m.up, view.isUp ? 1 : 0),
    family(m.lastSuccessTimestampSeconds, (view.lastSuccessMs ?? 0) / 1000),
    {
      ...naming(m.protocolInfo),
      samples: [
        {
          suffix: '',
          labels: [
            ['format', view.format],
            ['compression', view.encoding],
          ],
          value: 1,
        },
      ],
    },
    family(m.queueSamples, view.queueSamples),
    family(m.queueBytes, view.queueBytes),
    family(m.queueLimitBytes, view.queueLimitBytes),
    family(m.spoolBatches, view.spoolBatches),
    family(m.spoolSamples, view.spoolSamples),
    family(m.spoolBytes, view.spoolBytes),
    family(m.spoolLimitBytes, view.spoolLimitBytes),
    family(m.spooledSamplesTotal, view.samplesSpooled),
    family(m.replayedSamplesTotal, view.samplesReplayed),
    family(m.spoolDamagedFilesTotal, view.spoolDamagedFiles),
    family(m.spoolFailuresTotal, view.spoolFailures),
  ];
}

function naming({ name, help, type }: MetricDefinition): Omit<Family, 'samples'> {
  return { name, help, type };
}

function family(definition: MetricDefinition, value: number): Family {
  return { ...naming(definition), samples: [{ suffix: '', labels: [], value }] };
}

function labelled(label: string, values: Iterable<readonly [string, number]>): Sample[] {
  return [...values].map(([text, value]) => ({ suffix: '', labels: [[label, text]], value }));
}

/** Cumulative, as expositions have them. */
function histogramSamples({ bounds, counts, sumSeconds }: PushView['requestDuration']): Sample[] {
  let total = 0;
  const buckets = [...bounds.map(boundText), '+Inf'].map((le, index): Sample => {
    total += counts[index] ?? 0;
    return { suffix: '_bucket', labels: [['le', le]], value: total };
  });
  return [
    ...buckets,
    { suffix: '_sum', labels: [], value: sumSeconds },
    { suffix: '_count', labels: [], value: total },
  ];
}

/** As OpenMetrics writes numbers, in every format. */
function boundText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
