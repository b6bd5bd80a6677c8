// SPDX-License-Identifier: Apache-2.0
// One host, by interface.

import { type DashboardSpec, ONE_HOST } from './dashboard.js';

const HERE = 'job="$job", instance="$instance"';
const INTERFACE = `${HERE}, interface=~"$interface"`;

function rateBy(labels: string, metric: string, matchers = INTERFACE): string {
  return `sum by (${labels}) (rate(${metric}{${matchers}}[$__rate_interval]))`;
}

export const HOST: DashboardSpec = {
  uid: 'xtrace-host',
  title: 'xtrace-catch / Host and interface',
  about: 'What the interfaces of a host received, and how much of it has a name.',
  choices: [
    ONE_HOST,
    {
      name: 'interface',
      selector: `xtrace_interface_attached{${HERE}}`,
      label: 'interface',
      takes: 'many',
    },
  ],
  rows: [
    {
      title: 'Traffic',
      panels: [
        {
          as: 'lines',
          title: 'Bits a second',
          about: 'Whole frames as XDP sees them. What the card offloads or drops before is not in here.',
          unit: 'bps',
          queries: [
            {
              promQl: `8 * ${rateBy('interface, direction', 'xtrace_interface_bytes_total')}`,
              legend: '{{interface}} {{direction}}',
            },
          ],
        },
        {
          as: 'lines',
          title: 'Packets a second',
          about: 'In generic mode packets that GRO merged count as one.',
          unit: 'pps',
          queries: [
            {
              promQl: rateBy('interface, direction', 'xtrace_interface_packets_total'),
              legend: '{{interface}} {{direction}}',
            },
          ],
        },
        {
          as: 'lines',
          title: 'Bits a second by traffic type',
          about: 'Of the interfaces chosen above.',
          unit: 'bps',
          queries: [
            {
              promQl: `8 * ${rateBy('traffic_type', 'xtrace_interface_bytes_total')}`,
              legend: '{{traffic_type}}',
            },
          ],
        },
        {
          as: 'lines',
          title: 'Bytes of the average packet',
          about: 'Small ones are many for their bytes: each costs the same.',
          unit: 'decbytes',
          queries: [
            {
              promQl: `${rateBy('interface', 'xtrace_interface_bytes_total')} / ${rateBy('interface', 'xtrace_interface_packets_total')}`,
              legend: '{{interface}}',
            },
          ],
        },
      ],
    },
    {
      title: 'What has no name',
      panels: [
        {
          as: 'lines',
          title: 'Bits a second without a flow series, by reason',
          about:
            'filtered: left out by a filter. map_full: the kernel map was full. non_ip and malformed: no flow at all. Flows without room (max_series) and those that expired come in steps and are left out here.',
          unit: 'bps',
          queries: [
            {
              promQl: `8 * ${rateBy('interface, reason', 'xtrace_other_bytes_total', `${INTERFACE}, reason!~"expired|max_series"`)}`,
              legend: '{{interface}} {{reason}}',
            },
          ],
        },
        {
          as: 'lines',
          title: 'Frames without a flow, by what the parser met',
          about: 'Not IP, or malformed.',
          unit: 'pps',
          queries: [
            {
              promQl: rateBy('interface, reason', 'xtrace_frame_reason_packets_total'),
              legend: '{{interface}} {{reason}}',
            },
          ],
        },
        {
          as: 'lines',
          title: 'Flows',
          about: 'Distinct flows in a refresh interval, those that hold a series, and how many may.',
          unit: 'short',
          queries: [
            { promQl: `xtrace_flows_active{${HERE}}`, legend: 'seen' },
            { promQl: `xtrace_series{${HERE}}`, legend: 'with a series' },
            { promQl: `xtrace_series_limit{${HERE}}`, legend: 'limit' },
          ],
        },
        {
          as: 'rows',
          title: 'How interfaces are watched',
          about: 'Mode, framing, and whether multi-buffer frames are taken.',
          unit: 'short',
          queries: [{ promQl: `xtrace_interface_attach_info{${INTERFACE}}`, legend: '{{interface}}' }],
        },
      ],
    },
  ],
};
