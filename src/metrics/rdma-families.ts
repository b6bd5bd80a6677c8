// SPDX-License-Identifier: Apache-2.0
// RDMA ports, and what can be seen of their traffic, as metrics. Pure; what is read, and when, is decided in
// rdma/. These metrics exist where rdma.enabled is on; those of ports where there are RDMA devices.

import type { RdmaPortStatus } from '../rdma/port-reader.js';
import type { RdmaView, VisibilityView } from '../rdma/rounds.js';
import { type Family, familiesOf, type Labels, type Metric, sample } from './definition.js';
import { HOST_LABELS, type HostIdentity, hostLabels } from './host-labels.js';

interface RdmaMetricsView {
  readonly rdma: RdmaView;
  /** HOST_LABELS. */
  readonly host: Labels;
}

const PORT_LABELS = ['device', 'port'] as const;

/**
 * Files of hw_counters that hold a present amount: bnxt_re's resources in use, the most there were, and
 * its doorbell queue (hw_counters.c); mana's rate and queue pairs under congestion control (counters.c).
 */
const GAUGE_FILES = /^(?:active_|watermark_|num_qps_)|^(?:db_fifo_register|current_rate)$/;

/** Whether a file of hw_counters holds a present amount, which may fall. */
export function isLevelCounter(name: string): boolean {
  return GAUGE_FILES.test(name);
}

export const RDMA_METRICS: readonly Metric<RdmaMetricsView>[] = [
  {
    definition: {
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
    samples: perPort((port) => infoLabels(port).map((own) => [own, 1] as const)),
  },
  {
    definition: {
      name: 'xtrace_rdma_port_state_info',
      help: 'State of the RDMA port (active, down, init, armed, active_defer) and of its physical link. Always 1; the series ends when a state changes.',
      type: 'info',
      labels: [...PORT_LABELS, 'state', 'physical_state', ...HOST_LABELS],
    },
    samples: perPort(stateLabels),
  },
  {
    definition: {
      name: 'xtrace_rdma_port_active',
      help: 'Whether the RDMA port is active (1) or in any other state (0).',
      type: 'gauge',
      labels: [...PORT_LABELS, ...HOST_LABELS],
    },
    samples: perPort(({ link }) =>
      single(link?.state === undefined ? undefined : Number(link.state === 'active')),
    ),
  },
  {
    definition: {
      name: 'xtrace_rdma_port_rate_bytes_per_second',
      help: 'Signalling rate of the RDMA port, as the driver gives it: 100 Gb/s is 12500000000.',
      type: 'gauge',
      labels: [...PORT_LABELS, ...HOST_LABELS],
    },
    samples: perPort(({ link }) =>
      single(link?.rateBitsPerSecond === undefined ? undefined : link.rateBitsPerSecond / 8),
    ),
  },
  {
    definition: {
      name: 'xtrace_rdma_port_received_bytes_total',
      help: 'Bytes the RDMA port received: port_rcv_data, whose 32-bit words are turned into bytes. On RoCE ports of mlx5 RDMA only; XDP sees none of them where the card offloads.',
      type: 'counter',
      isForeign: true,
      labels: [...PORT_LABELS, ...HOST_LABELS],
    },
    samples: perPort(({ counters }) => single(counters?.receivedBytes)),
  },
  {
    definition: {
      name: 'xtrace_rdma_port_transmitted_bytes_total',
      help: 'Bytes the RDMA port sent: port_xmit_data, whose 32-bit words are turned into bytes.',
      type: 'counter',
      isForeign: true,
      labels: [...PORT_LABELS, ...HOST_LABELS],
    },
    samples: perPort(({ counters }) => single(counters?.transmittedBytes)),
  },
  {
    definition: {
      name: 'xtrace_rdma_port_stats_total',
      help: 'Counters every driver names the same (the folder counters), under the name of their file. Some are 32 bits wide or narrower and stop at their largest value; port_xmit_wait is in ticks of the device.',
      type: 'counter',
      isForeign: true,
      labels: [...PORT_LABELS, 'counter', ...HOST_LABELS],
    },
    samples: perPort(({ counters }) => named(Object.entries(counters?.standard ?? {}))),
  },
  {
    definition: {
      name: 'xtrace_rdma_hw_stats_total',
      help: "Counters of the driver itself (the folder hw_counters), under the name of their file; the meaning is the driver's. Port 0 is the whole device. Those of mlx5 count events, not lost packets: see xtrace_roce_psn_gap_packets_total.",
      type: 'counter',
      isForeign: true,
      labels: [...PORT_LABELS, 'counter', ...HOST_LABELS],
    },
    samples: perPort((port) => hardware(port, false)),
  },
  {
    definition: {
      name: 'xtrace_rdma_hw_level',
      help: 'Files in hw_counters that hold a present amount and may fall, such as active_qps of bnxt_re, under the name of the file.',
      type: 'gauge',
      labels: [...PORT_LABELS, 'counter', ...HOST_LABELS],
    },
    samples: perPort((port) => hardware(port, true)),
  },
  {
    definition: {
      name: 'xtrace_rdma_read_success',
      help: 'Whether the RDMA port answered the last reading (1) or not (0). While a port does not answer, its info stays and all its numbers are left out.',
      type: 'gauge',
      labels: [...PORT_LABELS, ...HOST_LABELS],
    },
    samples: perPort(({ counters }) => single(Number(counters !== undefined))),
  },
  {
    definition: {
      name: 'xtrace_rdma_read_failures_total',
      help: 'Failed attempts to read the port since it was first seen, by reason: timeout (the port hung and was cut off), error (a file was refused or holds no number, such as "N/A (no PMA)", or there was no process to read). A driver without a counter may refuse it in every refresh.',
      type: 'counter',
      labels: [...PORT_LABELS, 'reason', ...HOST_LABELS],
    },
    samples: perPort(({ timeouts, errors }) => [
      [[['reason', 'timeout']], timeouts],
      [[['reason', 'error']], errors],
    ]),
  },
  {
    definition: {
      name: 'xtrace_rdma_read_duration_seconds',
      help: 'Time the last reading of all RDMA ports took. It delays nothing: refreshes go on meanwhile and show the reading before.',
      type: 'gauge',
      labels: HOST_LABELS,
    },
    samples: ({ rdma, host }) => (rdma.ports.length === 0 ? [] : [sample(host, rdma.readDurationMs / 1000)]),
  },
  {
    definition: {
      name: 'xtrace_roce_visibility',
      help: 'Whether XDP on the interface can see RDMA traffic, so that a zero is not read as "no RoCE". state: visible_soft (RDMA in software, all is seen), hidden_offload (the card takes RDMA packets before XDP, or may do so), hidden_infiniband (native InfiniBand never crosses a network interface; IPoIB does), mirror (no card takes RoCE here, and RoCE is seen), none (no RDMA device, and no RoCE seen). One sample per RDMA device of the interface, or of an interface it stands on; rdma_device is empty where there is none. Left out while it is not known whose a device is. Always 1.',
      type: 'gauge',
      labels: ['interface', 'rdma_device', 'state', ...HOST_LABELS],
    },
    samples: ({ rdma, host }) =>
      rdma.visibility.map((row) => sample([...rowLabels(row), ['state', row.state], ...host], 1)),
  },
  {
    definition: {
      name: 'xtrace_roce_offload_unseen_packets',
      help: 'RDMA packets the device says it received since the exporter began, less the RoCE packets XDP saw on the interface; never below 0, and at most two refreshes late. Far above 0 means that RoCE passes unseen. Of InfiniBand links nothing is subtracted, although XDP sees the IPoIB packets among them. Left out where the device does not count packets. Do not add up interfaces that share a device.',
      type: 'gauge',
      labels: ['interface', 'rdma_device', ...HOST_LABELS],
    },
    samples: ({ rdma, host }) =>
      rdma.visibility.flatMap((row) =>
        row.unseenPackets === undefined ? [] : [sample([...rowLabels(row), ...host], row.unseenPackets)],
      ),
  },
];

/** In the order of RDMA_METRICS. */
export function rdmaFamilies(rdma: RdmaView, host: HostIdentity): Family[] {
  return familiesOf(RDMA_METRICS, { rdma, host: hostLabels(host) });
}

/** Samples of each port: its own labels between those of port and host. */
function perPort(
  valuesOf: (port: RdmaPortStatus) => Iterable<readonly [own: Labels, value: number]>,
): Metric<RdmaMetricsView>['samples'] {
  return ({ rdma, host }) =>
    rdma.ports.flatMap((port) =>
      [...valuesOf(port)].map(([own, value]) => sample([...portLabels(port), ...own, ...host], value)),
    );
}

function hardware(port: RdmaPortStatus, isGauge: boolean): [Labels, number][] {
  return named(
    Object.entries(port.counters?.hardware ?? {}).filter(([name]) => isLevelCounter(name) === isGauge),
  );
}

function portLabels({ name }: RdmaPortStatus): Labels {
  return [
    ['device', name.device],
    ['port', String(name.port)],
  ];
}

function stateLabels({ link }: RdmaPortStatus): [Labels, number][] {
  if (link?.state === undefined) return [];
  const labels: Labels = [
    ['state', link.state],
    ['physical_state', link.physState ?? ''],
  ];
  return [[labels, 1]];
}

function infoLabels({ identity }: RdmaPortStatus): Labels[] {
  if (identity === undefined) return [];
  const netdevs = identity.netdevs.length === 0 ? [''] : identity.netdevs;
  return netdevs.map((netdev) => [
    ['netdev', netdev],
    ['driver', identity.driver],
    ['link_layer', identity.linkLayer ?? ''],
    ['node_guid', identity.nodeGuid ?? ''],
    ['firmware', identity.firmwareVersion ?? ''],
    ['hca_type', identity.hcaType ?? ''],
    ['board_id', identity.boardId ?? ''],
    ['virtual_function', String(identity.isVirtualFunction)],
  ]);
}

function rowLabels(row: VisibilityView): Labels {
  return [
    ['interface', row.interfaceName],
    ['rdma_device', row.rdmaDevice],
  ];
}

function single(value: number | undefined): [Labels, number][] {
  return value === undefined ? [] : [[[], value]];
}

function named(entries: readonly (readonly [string, number])[]): [Labels, number][] {
  return entries.map(([name, value]) => [[['counter', name]], value]);
}
