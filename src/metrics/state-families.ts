// SPDX-License-Identifier: Apache-2.0
// What is known of the file from which counters go on after a restart. These metrics exist where state_path is set.

import { type Family, familiesOf, type Metric, type MetricType, sample } from './definition.js';

/** Totals since the start, and the file as it is. */
export interface StateView {
  readonly writes: number;
  readonly failures: number;
  readonly bytes: number;
  readonly durationMs: number;
  /** Wall clock; 0 before the first. */
  readonly writtenMs: number;
}

export const STATE_METRICS: readonly Metric<StateView>[] = [
  one(
    'xtrace_state_writes_total',
    'counter',
    'Times the state was written to state_path: once a refresh, before the refresh is shown.',
    ({ writes }) => writes,
  ),
  one(
    'xtrace_state_write_failures_total',
    'counter',
    'Times it could not be written. What the file held before is removed then, so that after a restart counters begin at 0 rather than lower than they were.',
    ({ failures }) => failures,
  ),
  one(
    'xtrace_state_bytes',
    'gauge',
    'Size of the file as written last; 0 while there is none.',
    ({ bytes }) => bytes,
  ),
  one(
    'xtrace_state_write_duration_seconds',
    'gauge',
    'Time it took to write the state last, in turns of the event loop.',
    ({ durationMs }) => durationMs / 1000,
  ),
  one(
    'xtrace_state_write_timestamp_seconds',
    'gauge',
    'Unix time at which the state was last written; 0 before the first time.',
    ({ writtenMs }) => writtenMs / 1000,
  ),
];

/** In the order of STATE_METRICS. */
export function stateFamilies(view: StateView): Family[] {
  return familiesOf(STATE_METRICS, view);
}

function one(
  name: string,
  type: MetricType,
  help: string,
  read: (view: StateView) => number,
): Metric<StateView> {
  return { definition: { name, help, type, labels: [] }, samples: (view) => [sample([], read(view))] };
}
