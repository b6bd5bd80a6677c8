// SPDX-License-Identifier: Apache-2.0
// Who talks to whom. Right also where flows are short: docs/metrics.md says why these expressions are no
// plain rate().

import { type DashboardSpec, HOSTS } from './dashboard.js';
import type { PanelSpec } from './panel.js';

const FLOWS = '{job="$job", instance=~"$instance"}';

/** Bytes of the last two minutes, by these labels. */
function bytesBy(labels: string): string {
  const shown = `last_over_time(xtrace_network_bytes_total${FLOWS}[2m])`;
  return `sum by (${labels}) (${shown} - xtrace_network_bytes_total${FLOWS} offset 2m >= 0 or ${shown})`;
}

function top(title: string, about: string, labels: string): PanelSpec {
  return {
    as: 'rows',
    title,
    about: `${about} Bytes of the last two minutes.`,
    unit: 'decbytes',
    queries: [{ promQl: `topk(20, ${bytesBy(labels)})`, legend: '' }],
  };
}

function overTime(title: string, label: string): PanelSpec {
  return {
    as: 'lines',
    title,
    about: 'Bits a second. At each point the ten largest, so that a line may begin and end.',
    unit: 'bps',
    queries: [
      {
        promQl: `topk(10, 8 * sum by (${label}) (rate(xtrace_network_bytes_total${FLOWS}[$__rate_interval])))`,
        legend: `{{${label}}}`,
      },
    ],
  };
}

export const TALKERS: DashboardSpec = {
  uid: 'xtrace-talkers',
  title: 'xtrace-catch / Top talkers',
  about: 'The largest senders, receivers, services and flows.',
  choices: [HOSTS],
  rows: [
    {
      title: 'Over time',
      panels: [overTime('Senders over time', 'src_ip'), overTime('Receivers over time', 'dst_ip')],
    },
    {
      title: 'Now',
      panels: [
        top('Senders', 'By source address.', 'src_ip'),
        top('Receivers', 'By destination address.', 'dst_ip'),
        top('Services', 'By receiver and port.', 'dst_ip, dst_port, traffic_type'),
        top('Pairs', 'Who sends to whom.', 'src_ip, dst_ip'),
        top('Flows', 'One by one.', 'instance, interface, src_ip, src_port, dst_ip, dst_port, traffic_type'),
        {
          as: 'lines',
          title: 'Share of bytes that no flow series shows',
          about: 'What is missing above. Means nothing in the minutes after a restart.',
          unit: 'percentunit',
          queries: [
            {
              promQl: `1 - (${bytesBy('instance, interface')} or 0 * sum by (instance, interface) (xtrace_interface_bytes_total${FLOWS})) / sum by (instance, interface) (xtrace_interface_bytes_total${FLOWS} - xtrace_interface_bytes_total${FLOWS} offset 2m >= 0 or xtrace_interface_bytes_total${FLOWS})`,
              legend: '{{instance}} {{interface}}',
            },
          ],
        },
      ],
    },
  ],
};
