// SPDX-License-Identifier: Apache-2.0
// RoCE by pair of hosts, as the headers tell it.

import { type DashboardSpec, HOSTS } from './dashboard.js';
import type { PanelSpec, Unit } from './panel.js';

const PAIR = 'job="$job", instance=~"$instance", src_ip=~"$src_ip", dst_ip=~"$dst_ip"';
const LEGEND = '{{src_ip}} to {{dst_ip}}';
const BY = 'src_ip, dst_ip';

function rate(metric: string, more = '', by = BY): string {
  return `sum by (${by}) (rate(${metric}{${PAIR}${more}}[$__rate_interval]))`;
}

/** The ten pairs with the most of it. */
function worst(title: string, about: string, unit: Unit, promQl: string, legend = LEGEND): PanelSpec {
  return { as: 'lines', title, about, unit, queries: [{ promQl: `topk(10, ${promQl})`, legend }] };
}

function shareOf(part: string, whole: string): string {
  return `${part} / (${whole} > 0)`;
}

const ORDERED = rate('xtrace_roce_packets_total', ', transport=~"rc|uc|xrc"');

export const ROCE_PAIRS: DashboardSpec = {
  uid: 'xtrace-roce-pairs',
  title: 'xtrace-catch / RoCE pairs',
  about: 'RoCE that XDP sees, by pair of addresses. docs/roce.md says what each number means, and what not.',
  choices: [
    HOSTS,
    {
      name: 'src_ip',
      selector: 'xtrace_roce_bytes_total{job="$job", instance=~"$instance"}',
      label: 'src_ip',
      takes: 'many',
    },
    {
      name: 'dst_ip',
      selector: 'xtrace_roce_bytes_total{job="$job", instance=~"$instance"}',
      label: 'dst_ip',
      takes: 'many',
    },
  ],
  rows: [
    {
      title: 'Traffic',
      panels: [
        worst('Bits a second', 'Whole frames.', 'bps', `8 * ${rate('xtrace_roce_bytes_total')}`),
        worst(
          'Payload',
          'Bits a second that applications moved; what was sent again counts again.',
          'bps',
          `8 * ${rate('xtrace_roce_payload_bytes_total')}`,
        ),
        worst(
          'Packets a second by class',
          'By DSCP: RoCE outside the class that PFC protects may be dropped.',
          'pps',
          rate('xtrace_roce_packets_total', '', 'dscp, transport'),
          'DSCP {{dscp}} {{transport}}',
        ),
        worst(
          'Size of the median message',
          'Of WRITE and READ, as their RETH announces it.',
          'decbytes',
          `histogram_quantile(0.5, ${rate('xtrace_roce_operation_bytes_bucket', '', 'le, operation')})`,
          '{{operation}}',
        ),
      ],
    },
    {
      title: 'Congestion',
      panels: [
        worst(
          'Share of packets with a congestion mark',
          'A switch between sender and here was congested.',
          'percentunit',
          shareOf(
            rate('xtrace_roce_ecn_packets_total', ', codepoint="ce"'),
            rate('xtrace_roce_ecn_packets_total'),
          ),
        ),
        worst(
          'Told to slow down',
          'CNPs a second, by the host that is to slow down. Cards limit their rate.',
          'pps',
          rate('xtrace_roce_cnp_packets_total', '', 'dst_ip'),
          '{{dst_ip}}',
        ),
        worst(
          'RNR NAKs a second',
          'The first host had no receive buffer ready for the second.',
          'pps',
          rate('xtrace_roce_rnr_naks_total'),
        ),
        worst(
          'Time asked to wait',
          'Seconds in every second that RNR NAKs asked for.',
          'percentunit',
          rate('xtrace_roce_rnr_requested_delay_seconds_total'),
        ),
      ],
    },
    {
      title: 'Order and loss',
      panels: [
        worst(
          'Share of packets seen before',
          'Sent again though they had arrived here.',
          'percentunit',
          shareOf(rate('xtrace_roce_psn_duplicate_packets_total'), ORDERED),
        ),
        worst(
          'Share of packets sent again or late',
          'Spraying and adaptive routing raise it without any loss.',
          'percentunit',
          shareOf(rate('xtrace_roce_retransmitted_packets_total'), ORDERED),
        ),
        worst(
          'Lost packets a second',
          'Sequence numbers that never came here.',
          'pps',
          rate('xtrace_roce_psn_lost_packets_total'),
        ),
        worst(
          'Late packets a second',
          'They filled a hole: reordered, or sent again after a loss.',
          'pps',
          rate('xtrace_roce_psn_late_packets_total'),
        ),
        worst(
          'NAKs a second by code',
          'psn_sequence_error: a packet was missing. The others are faults of programs or their keys.',
          'pps',
          rate('xtrace_roce_naks_total', '', `${BY}, reason`),
          `${LEGEND}: {{reason}}`,
        ),
      ],
    },
    {
      title: 'How traffic spreads',
      panels: [
        worst(
          'Queue pairs',
          'Destination queue pairs in a refresh interval.',
          'short',
          `max by (${BY}) (xtrace_roce_queue_pairs_active{${PAIR}})`,
        ),
        worst(
          'UDP source ports',
          'What ECMP has to go by. One where there are many queue pairs: all take one path.',
          'short',
          `max by (${BY}) (xtrace_roce_udp_source_ports_active{${PAIR}})`,
        ),
        worst(
          'Share of the busiest queue pair',
          'Near 1 with many queue pairs: an elephant.',
          'percentunit',
          `max by (${BY}) (xtrace_roce_queue_pair_bytes_max_ratio{${PAIR}})`,
        ),
        worst(
          'Imbalance of source ports',
          'Bytes of the busiest over the mean: 1 is even.',
          'short',
          `max by (${BY}) (xtrace_roce_udp_source_port_imbalance_ratio{${PAIR}})`,
        ),
      ],
    },
  ],
};
