// SPDX-License-Identifier: Apache-2.0
// RDMA ports, by what the cards count themselves, and what XDP can see of their traffic.

import { type DashboardSpec, HOSTS } from './dashboard.js';
import type { PanelSpec, Unit } from './panel.js';

const PORT = 'job="$job", instance=~"$instance", device=~"$device"';
const HOST = 'job="$job", instance=~"$instance"';
const LEGEND = '{{instance}} {{device}}/{{port}}';
const ERRORS = '.*(err|discard|drop|timeout|out_of|exceeded|retrans|downed|duplicate).*';
const CONGESTION = '.*(cnp|ecn|Cnp).*';

function lines(title: string, about: string, unit: Unit, promQl: string, legend = LEGEND): PanelSpec {
  return { as: 'lines', title, about, unit, queries: [{ promQl, legend }] };
}

function rows(title: string, about: string, promQl: string): PanelSpec {
  return { as: 'rows', title, about, unit: 'short', queries: [{ promQl, legend: '' }] };
}

function grows(metric: string, counters: string): string {
  return `topk(20, rate(${metric}{${PORT}, counter=~"${counters}"}[$__rate_interval]) > 0)`;
}

export const RDMA_PORTS: DashboardSpec = {
  uid: 'xtrace-rdma-ports',
  title: 'xtrace-catch / RDMA ports',
  about: 'Ports by their own counters: all there is where the card takes RoCE past the kernel.',
  choices: [
    HOSTS,
    { name: 'device', selector: `xtrace_rdma_port_active{${HOST}}`, label: 'device', takes: 'many' },
  ],
  rows: [
    {
      title: 'State',
      panels: [
        rows('Ports', 'State, and that of the physical link.', `xtrace_rdma_port_state_info{${PORT}}`),
        rows('Cards', 'Driver, firmware and interface.', `xtrace_rdma_port_info{${PORT}}`),
        rows(
          'Whether XDP sees RoCE',
          'hidden_offload: the card takes it. Then go by this page.',
          `xtrace_roce_visibility{${HOST}}`,
        ),
        lines(
          'Packets a second past XDP',
          'RDMA packets that the device received and XDP did not see.',
          'pps',
          `clamp_min(deriv(xtrace_roce_offload_unseen_packets{${HOST}}[5m]), 0)`,
          '{{instance}} {{interface}} {{rdma_device}}',
        ),
        lines(
          'Ports that do not answer',
          'Their numbers are missing.',
          'short',
          `count by (instance) (xtrace_rdma_read_success{${PORT}} == 0)`,
          '{{instance}}',
        ),
        lines(
          'Time to read all ports',
          'It delays no refresh.',
          's',
          `xtrace_rdma_read_duration_seconds{${HOST}}`,
          '{{instance}}',
        ),
      ],
    },
    {
      title: 'Traffic',
      panels: [
        lines(
          'Received',
          'Bits a second.',
          'bps',
          `8 * rate(xtrace_rdma_port_received_bytes_total{${PORT}}[$__rate_interval])`,
        ),
        lines(
          'Sent',
          'Bits a second.',
          'bps',
          `8 * rate(xtrace_rdma_port_transmitted_bytes_total{${PORT}}[$__rate_interval])`,
        ),
        lines(
          'Share of the rate, received',
          'Of the signalling rate of the port.',
          'percentunit',
          `rate(xtrace_rdma_port_received_bytes_total{${PORT}}[$__rate_interval]) / xtrace_rdma_port_rate_bytes_per_second{${PORT}}`,
        ),
      ],
    },
    {
      title: 'Congestion and errors',
      panels: [
        lines(
          'Congestion, by counters of the driver',
          'Marks seen, and CNPs sent and handled. The names and their meaning are the driver’s.',
          'ops',
          grows('xtrace_rdma_hw_stats_total', CONGESTION),
          `${LEGEND} {{counter}}`,
        ),
        lines(
          'Errors, by counters of the driver',
          'Events, not packets: see the RoCE pairs for those.',
          'ops',
          grows('xtrace_rdma_hw_stats_total', ERRORS),
          `${LEGEND} {{counter}}`,
        ),
        lines(
          'Errors, by counters that all drivers have',
          'Discards, symbol errors, links that went down.',
          'ops',
          grows('xtrace_rdma_port_stats_total', ERRORS),
          `${LEGEND} {{counter}}`,
        ),
      ],
    },
  ],
};
