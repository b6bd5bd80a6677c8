// SPDX-License-Identifier: Apache-2.0
// All hosts of a job. It goes by recorded sums (deploy/prometheus/rules), so that ten thousand hosts take
// no longer than ten.

import type { DashboardSpec } from './dashboard.js';

export const FLEET: DashboardSpec = {
  uid: 'xtrace-fleet',
  title: 'xtrace-catch / Fleet',
  about: 'All hosts of a job. Needs the recording rules of deploy/prometheus/rules.',
  choices: [],
  rows: [
    {
      title: 'Hosts',
      panels: [
        {
          as: 'number',
          title: 'Answer scrapes',
          about: 'Exporters that answered the last scrape. Hosts that only push are not among them.',
          unit: 'short',
          width: 6,
          queries: [{ promQl: 'count(up{job="$job"} == 1)', legend: 'up' }],
        },
        {
          as: 'number',
          title: 'Do not answer',
          about: 'Exporters that did not answer the last scrape.',
          unit: 'short',
          width: 6,
          queries: [{ promQl: 'count(up{job="$job"} == 0) or vector(0)', legend: 'down' }],
        },
        {
          as: 'number',
          title: 'Flow series',
          about: 'Series of flows on all hosts; each is shown by four metrics, or two.',
          unit: 'short',
          width: 6,
          queries: [{ promQl: 'sum(xtrace_series{job="$job"})', legend: 'series' }],
        },
        {
          as: 'number',
          title: 'Samples a scrape',
          about: 'Of all hosts together.',
          unit: 'short',
          width: 6,
          queries: [{ promQl: 'sum(scrape_samples_scraped{job="$job"})', legend: 'samples' }],
        },
        {
          as: 'rows',
          title: 'Alerts that fire',
          about: 'docs/alerts.md says of each what it means and what to do.',
          unit: 'short',
          queries: [
            {
              promQl:
                'count by (alertname, severity) (ALERTS{alertname=~"Xtrace.*", alertstate="firing", job="$job"})',
              legend: '{{alertname}}',
            },
          ],
        },
        {
          as: 'rows',
          title: 'Interfaces that are not watched',
          about: 'Nothing of their traffic is counted. The log and the page / of the exporter say why.',
          unit: 'short',
          queries: [
            { promQl: 'xtrace_interface_attached{job="$job"} == 0', legend: '{{instance}} {{interface}}' },
          ],
        },
        {
          as: 'rows',
          title: 'Versions',
          about: 'Hosts by version of the exporter and of the kernel.',
          unit: 'short',
          queries: [
            {
              promQl: 'count by (version, kernel_version, arch) (xtrace_build_info{job="$job"})',
              legend: '{{version}}',
            },
          ],
        },
        {
          as: 'rows',
          title: 'How interfaces are watched',
          about: 'native: in the driver. generic: in the network stack, at a higher price for each packet.',
          unit: 'short',
          queries: [
            {
              promQl: 'count by (mode, framing) (xtrace_interface_attach_info{job="$job"})',
              legend: '{{mode}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Traffic',
      panels: [
        {
          as: 'lines',
          title: 'Bits a second by traffic type',
          about: 'What all hosts together received.',
          unit: 'bps',
          queries: [
            {
              promQl: '8 * job_traffic:xtrace_interface_bytes:rate5m{job="$job"}',
              legend: '{{traffic_type}}',
            },
          ],
        },
        {
          as: 'lines',
          title: 'Busiest hosts',
          about: 'Bits a second over all interfaces of a host.',
          unit: 'bps',
          queries: [
            {
              promQl: 'topk(20, 8 * host:xtrace_interface_bytes:rate5m{job="$job"})',
              legend: '{{instance}}',
            },
          ],
        },
        {
          as: 'lines',
          title: 'Packets a second',
          about: 'Of all hosts together, as XDP saw them.',
          unit: 'pps',
          queries: [
            { promQl: 'sum(interface:xtrace_interface_packets:rate5m{job="$job"})', legend: 'packets' },
          ],
        },
        {
          as: 'lines',
          title: 'Most congested RoCE pairs',
          about: 'Share of packets with a congestion mark, where XDP sees RoCE.',
          unit: 'percentunit',
          queries: [
            {
              promQl: 'topk(10, pair:xtrace_roce_ce_packets:ratio_rate5m{job="$job"})',
              legend: '{{src_ip}} to {{dst_ip}}',
            },
          ],
        },
      ],
    },
  ],
};
