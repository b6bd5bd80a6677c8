// SPDX-License-Identifier: Apache-2.0
// The exporter itself, and its push.

import { type DashboardSpec, HOSTS } from './dashboard.js';
import type { PanelSpec, Query, Unit } from './panel.js';

const HERE = 'job="$job", instance=~"$instance"';
const HOST = '{{instance}}';

function lines(title: string, about: string, unit: Unit, ...queries: readonly Query[]): PanelSpec {
  return { as: 'lines', title, about, unit, queries };
}

function of(promQl: string, legend = HOST): Query {
  return { promQl, legend };
}

function rate(metric: string, more = ''): string {
  return `rate(${metric}{${HERE}${more}}[$__rate_interval])`;
}

function quantile(histogram: string): string {
  return `histogram_quantile(0.99, sum by (le, instance) (${rate(`${histogram}_bucket`)}))`;
}

export const EXPORTER: DashboardSpec = {
  uid: 'xtrace-exporter',
  title: 'xtrace-catch / Exporter and push',
  about: 'Whether the exporter is well, how near its bounds it is, and what its push does.',
  choices: [HOSTS],
  rows: [
    {
      title: 'Refreshes',
      panels: [
        lines(
          'Age of the numbers',
          'Between the last good refresh and the scrape.',
          's',
          of(
            `timestamp(xtrace_refresh_timestamp_seconds{${HERE}}) - (xtrace_refresh_timestamp_seconds{${HERE}} > 0)`,
          ),
        ),
        lines(
          'Time of a refresh',
          '99 of 100 took less.',
          's',
          of(quantile('xtrace_refresh_duration_seconds')),
        ),
        lines(
          'Failed refreshes a second',
          'Nothing is lost by one: the counts come with the next good one.',
          'ops',
          of(rate('xtrace_refresh_failures_total')),
        ),
        lines(
          'Stalls of the event loop',
          'The longest since the answer before.',
          's',
          of(`xtrace_event_loop_stall_seconds{${HERE}}`),
        ),
        lines('Processor', 'Cores in use.', 'short', of(rate('process_cpu_seconds_total'))),
        lines(
          'Memory',
          'Resident; the kernel maps are not in it.',
          'decbytes',
          of(`process_resident_memory_bytes{${HERE}}`),
        ),
      ],
    },
    {
      title: 'Bounds',
      panels: [
        lines(
          'Share of flow series in use',
          'Of flows.max_series.',
          'percentunit',
          of(`xtrace_series{${HERE}} / xtrace_series_limit{${HERE}}`),
        ),
        lines(
          'Share of the kernel maps in use',
          'Entries drained in the last refresh. A full one loses names, not counts.',
          'percentunit',
          of(`xtrace_kernel_map_entries{${HERE}} / xtrace_kernel_map_capacity{${HERE}}`, `${HOST} {{map}}`),
        ),
        lines(
          'Size of an answer',
          'Uncompressed, by format; and the most it may have. vmagent takes 16 MiB.',
          'decbytes',
          of(`xtrace_exposition_bytes{${HERE}}`, `${HOST} {{format}}`),
          of(`xtrace_exposition_estimated_bytes{${HERE}}`, `${HOST} at most`),
          of(`xtrace_exposition_budget_bytes{${HERE}}`, `${HOST} allowed`),
        ),
        lines(
          'Budgets that bind',
          'What leaves flows or pairs without series.',
          'short',
          of(`xtrace_budget_binding{${HERE}} == 1`, `${HOST} {{budget}}`),
        ),
        lines(
          'Series that ended, a second',
          'By reason.',
          'ops',
          of(rate('xtrace_series_ended_total'), `${HOST} {{reason}}`),
        ),
        lines(
          'Lines of the log dropped, a second',
          'The log is not read, or its disk is full.',
          'ops',
          of(rate('xtrace_log_lines_dropped_total')),
        ),
      ],
    },
    {
      title: 'Push',
      panels: [
        lines('Whether the last batch was accepted', '1: yes.', 'short', of(`xtrace_push_up{${HERE}}`)),
        lines(
          'Samples a second',
          'Handed to push, accepted by the receiver, and given up.',
          'ops',
          of(rate('xtrace_push_samples_total'), `${HOST} handed over`),
          of(rate('xtrace_push_samples_sent_total'), `${HOST} accepted`),
          of(
            `sum by (instance, reason) (${rate('xtrace_push_samples_dropped_total')})`,
            `${HOST} {{reason}}`,
          ),
        ),
        lines(
          'Requests a second, by answer',
          'A status, or why none came.',
          'ops',
          of(rate('xtrace_push_requests_total'), `${HOST} {{code}}`),
        ),
        lines(
          'Time of a request',
          '99 of 100 took less.',
          's',
          of(quantile('xtrace_push_request_duration_seconds')),
        ),
        lines(
          'Memory of what waits',
          'And the most of it.',
          'decbytes',
          of(`xtrace_push_queue_bytes{${HERE}}`),
          of(`xtrace_push_queue_limit_bytes{${HERE}}`, `${HOST} limit`),
        ),
        lines(
          'Disk of what waits',
          'And the most of it.',
          'decbytes',
          of(`xtrace_push_spool_bytes{${HERE}}`),
          of(`xtrace_push_spool_limit_bytes{${HERE}} > 0`, `${HOST} limit`),
        ),
      ],
    },
  ],
};
