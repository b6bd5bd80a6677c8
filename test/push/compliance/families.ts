// SPDX-License-Identifier: Apache-2.0
// Metric families to push, in few words. For tests only.

import type { Family, MetricType } from '../../../src/metrics/definition.js';

/** A family of one sample for each of the values, or for each pair of labels and value. */
export function family(
  name: string,
  values: number | readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[],
  { type = 'gauge', help = '' }: { readonly type?: MetricType; readonly help?: string } = {},
): Family {
  const pairs = typeof values === 'number' ? ([[{}, values]] as const) : values;
  return {
    name,
    help,
    type,
    samples: pairs.map(([labels, value]) => ({ suffix: '', labels: Object.entries(labels), value })),
  };
}

/** A classic histogram: cumulative counts by upper bound, the last of them +Inf's. */
export function histogram(
  name: string,
  counts: readonly (readonly [le: string, count: number])[],
  sum: number,
  help = '',
): Family {
  return {
    name,
    help,
    type: 'histogram',
    samples: [
      ...counts.map(([le, value]) => ({ suffix: '_bucket', labels: [['le', le]] as const, value })),
      { suffix: '_sum', labels: [], value: sum },
      { suffix: '_count', labels: [], value: counts.at(-1)?.[1] ?? 0 },
    ],
  };
}

/** A realistic mixture: a counter with labels, gauges, a histogram. 12 series. */
export const MIXED: readonly Family[] = [
  family('process_cpu_seconds_total', 45.67, { type: 'counter', help: 'CPU time' }),
  family('process_resident_memory_bytes', 2_097_152, { help: 'Memory' }),
  family(
    'http_requests_total',
    [
      [{ method: 'GET', code: '200' }, 5000],
      [{ method: 'POST', code: '201' }, 1000],
    ],
    { type: 'counter', help: 'Requests' },
  ),
  family('app_info', [[{ version: '1' }, 1]], { type: 'info', help: 'Build' }),
  histogram(
    'http_request_duration_seconds',
    [
      ['0.05', 100],
      ['0.1', 200],
      ['0.5', 450],
      ['1', 480],
      ['+Inf', 500],
    ],
    125.5,
    'Duration',
  ),
];
export const MIXED_SERIES = 12;
