// SPDX-License-Identifier: Apache-2.0
// The metrics of RDMA devices and of what XDP can see of their traffic, as data; part of the catalogue.
// They exist where rdma.enabled is on; those of ports where there are RDMA devices.
import type { MetricDefinition } from './catalog.js';

const HOST_LABELS = ['host_ip', 'collect_agg'] as const;
const PORT_LABELS = ['device', 'port'] as const;

export const RDMA_METRICS = {
  portInfo: {
    name: 'xtrace_rdma_port_info',
    help: 'An RDMA port and the network interface that belongs to it; one sample per interface, netdev is empty where there is none. driver is that of the card (bnxt_en, ice), or rdma_rxe or siw for RDMA in software. Always 1.',
    type: 'info',
    labels: [
      ...PORT_LABELS,
      'netdev',
      'driver',
      'link_layer',
      'node_guid',
      'firmware',
      'hca_type',
      'board_id',
      'virtual_function',
      ...HOST_LABELS,
    ],
  },
  portStateInfo: {
    name: 'xtrace_rdma_port_state_info',
    help: 'State of the RDMA port (active, down, init, armed, active_defer) and of its physical link. Always 1; the series ends when a state changes.',
    type: 'info',
    labels: [...PORT_LABELS, 'state', 'physical_state', ...HOST_LABELS],
  },
  portActive: {
    name: 'xtrace_rdma_port_active',
    help: 'Whether the RDMA port is active (1) or in any other state (0).',
    type: 'gauge',
    labels: [...PORT_LABELS, ...HOST_LABELS],
  },
  portRateBytesPerSecond: {
    name: 'xtrace_rdma_port_rate_bytes_per_second',
    help: 'Signalling rate of the RDMA port, as the driver gives it: 100 Gb/s is 12500000000.',
    type: 'gauge',
    labels: [...PORT_LABELS, ...HOST_LABELS],
  },
  portReceivedBytesTotal: {
    name: 'xtrace_rdma_port_received_bytes_total',
    help: 'Bytes the RDMA port received: port_rcv_data, whose 32-bit words are turned into bytes. On RoCE ports of mlx5 RDMA only; XDP sees none of them where the card offloads.',
    type: 'counter',
    labels: [...PORT_LABELS, ...HOST_LABELS],
  },
  portTransmittedBytesTotal: {
    name: 'xtrace_rdma_port_transmitted_bytes_total',
    help: 'Bytes the RDMA port sent: port_xmit_data, whose 32-bit words are turned into bytes.',
    type: 'counter',
    labels: [...PORT_LABELS, ...HOST_LABELS],
  },
  portStatsTotal: {
    name: 'xtrace_rdma_port_stats_total',
    help: 'Counters every driver names the same (the folder counters), under the name of their file. Some are 32 bits wide or narrower and stop at their largest value; port_xmit_wait is in ticks of the device.',
    type: 'counter',
    labels: [...PORT_LABELS, 'counter', ...HOST_LABELS],
  },
  hwStatsTotal: {
    name: 'xtrace_rdma_hw_stats_total',
    help: "Counters of the driver itself (the folder hw_counters), under the name of their file; the meaning is the driver's. Port 0 is the whole device. Those of mlx5 count events, not lost packets: see xtrace_roce_psn_gap_packets_total.",
    type: 'counter',
    labels: [...PORT_LABELS, 'counter', ...HOST_LABELS],
  },
  hwLevel: {
    name: 'xtrace_rdma_hw_level',
    help: 'Files in hw_counters that hold a present amount and may fall, such as active_qps of bnxt_re, under the name of the file.',
    type: 'gauge',
    labels: [...PORT_LABELS, 'counter', ...HOST_LABELS],
  },
  readSuccess: {
    name: 'xtrace_rdma_read_success',
    help: 'Whether the RDMA port answered the last reading (1) or not (0). A port that does not keeps its info; all its numbers are left out.',
    type: 'gauge',
    labels: [...PORT_LABELS, ...HOST_LABELS],
  },
  readFailuresTotal: {
    name: 'xtrace_rdma_read_failures_total',
    help: 'Reading that failed since the port was first seen, by reason: timeout (the port hung and was cut off), error (a file that was refused or holds no number such as "N/A (no PMA)", or no process to read). A driver without a counter may refuse it in every refresh.',
    type: 'counter',
    labels: [...PORT_LABELS, 'reason', ...HOST_LABELS],
  },
  readDurationSeconds: {
    name: 'xtrace_rdma_read_duration_seconds',
    help: 'Time the last reading of all RDMA ports took. It delays nothing: refreshes go on meanwhile and show the reading before.',
    type: 'gauge',
    labels: [...HOST_LABELS],
  },
  roceVisibility: {
    name: 'xtrace_roce_visibility',
    help: 'Whether XDP on the interface can see RDMA traffic, so that a zero is not read as "no RoCE". state: visible_soft (RDMA in software, all is seen), hidden_offload (the card takes RDMA packets before XDP), hidden_infiniband (native InfiniBand never crosses a network interface; IPoIB does), mirror (no card takes RoCE here, and RoCE is seen), none (no RDMA device, and no RoCE seen). One sample per RDMA device of the interface, or of an interface it stands on; rdma_device is empty where there is none. Left out while it is not known whose a device is. Always 1.',
    type: 'gauge',
    labels: ['interface', 'rdma_device', 'state', ...HOST_LABELS],
  },
  roceOffloadUnseenPackets: {
    name: 'xtrace_roce_offload_unseen_packets',
    help: 'RDMA packets the device says it received since the exporter began, less the RoCE packets XDP saw on the interface; never below 0, and at most two refreshes late. Far above 0 means that RoCE passes unseen. Of InfiniBand links nothing is subtracted, although XDP sees the IPoIB packets among them. Left out where the device does not count packets. Do not add up interfaces that share a device.',
    type: 'gauge',
    labels: ['interface', 'rdma_device', ...HOST_LABELS],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
