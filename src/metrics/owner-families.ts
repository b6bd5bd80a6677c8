// SPDX-License-Identifier: Apache-2.0
// Whose RDMA queue pairs are, and what XDP counts of their packets, as metrics. Pure; what is read, and when, is decided
// in rdma/. Where the kernel lists no queue pairs there are no samples, and no zeros either.

import type { OwnerLabels } from '../rdma/owner-register.js';
import type { OwnedCounts } from '../rdma/owner-sums.js';
import type { RdmaPortStatus } from '../rdma/port-reader.js';
import type { QueuePairOwner } from '../rdma/process-owners.js';
import type { QueuePairDeviceView, QueuePairsView } from '../rdma/queue-pair-rounds.js';
import { NO_NUMBER } from '../rdma/queue-pair-table.js';
import { type Family, familiesOf, type Labels, type Metric, sample } from './definition.js';
import { HOST_LABELS, type HostIdentity, hostLabels } from './host-labels.js';

export interface OwnerFamilyOptions extends HostIdentity {
  /** rdma.per_queue_pair. */
  readonly perQueuePair: boolean;
}

interface OwnerMetricsView {
  readonly queuePairs: QueuePairsView;
  readonly ports: readonly RdmaPortStatus[];
  readonly perQueuePair: boolean;
  readonly host: Labels;
}

const OWNER_LABELS = ['owner', 'job', 'pod', 'comm'] as const;

/** One line has 300 bytes: 1.2 MB of an answer, and some milliseconds to make. */
const MOST_INFO_SERIES = 4096;
/** A type is a byte. */
const TYPE_NUMBERS = 256;

/** enum ib_qp_type of include/rdma/ib_verbs.h, as rdma(8) spells them. */
const TYPES: Readonly<Record<number, string>> = {
  ...{ 0: 'smi', 1: 'gsi', 2: 'rc', 3: 'uc', 4: 'ud', 5: 'raw_ipv6', 6: 'raw_ethertype', 8: 'raw_packet' },
  ...{ 9: 'xrc_ini', 10: 'xrc_tgt', 255: 'driver' },
};
/** enum ib_qp_state. */
const STATES: readonly string[] = ['reset', 'init', 'rtr', 'rts', 'sqd', 'sqe', 'err'];

/** bnxt_re's own count of queue pairs in use, also of those that the kernel does not track. */
const DRIVER_COUNT = 'active_qps';

export const OWNER_METRICS: readonly Metric<OwnerMetricsView>[] = [
  {
    definition: {
      name: 'xtrace_rdma_queue_pairs',
      help: 'Queue pairs that the kernel tracks of an RDMA device, by port (0: none yet), type, state and owner. owner says what is known: slurm (job: number or SLUID), pod (pod: its UID), process (comm), kernel (comm is the module), unknown (see xtrace_rdma_unattributed_queue_pairs), other (beyond rdma.max_owners). Of a job or a pod comm is that of the process that was seen first. What a library creates past the kernel (DEVX, GDAKI) is not among them.',
      type: 'gauge',
      labels: ['rdma_device', 'port', 'type', 'state', ...OWNER_LABELS, ...HOST_LABELS],
    },
    samples: perDevice((view) =>
      (view.queuePairs?.groups ?? []).map(({ port, type, state, owner, count }) => [
        [
          ['port', String(port)],
          ['type', typeText(type)],
          ['state', stateText(state)],
          ...ownerLabels(owner),
        ],
        count,
      ]),
    ),
  },
  {
    definition: {
      name: 'xtrace_rdma_queue_pair_info',
      help: 'With rdma.per_queue_pair: one queue pair and whose it is; the first 4,096. A number that another process uses later is another series, by its pid. remote_queue_pair is empty of those that are not connected. Always 1.',
      type: 'info',
      labels: [
        ...['rdma_device', 'port', 'type', 'queue_pair', 'remote_queue_pair', ...OWNER_LABELS],
        ...['slurm_step', 'container_id', 'pid', ...HOST_LABELS],
      ],
    },
    samples: infoSamples,
  },
  {
    definition: {
      name: 'xtrace_rdma_queue_pairs_without_series',
      help: 'With rdma.per_queue_pair: queue pairs beyond those that have a series of xtrace_rdma_queue_pair_info.',
      type: 'gauge',
      labels: HOST_LABELS,
    },
    samples: ({ queuePairs, perQueuePair, host }) =>
      perQueuePair ? [sample(host, Math.max(0, countOf(queuePairs) - MOST_INFO_SERIES))] : [],
  },
  {
    definition: {
      name: 'xtrace_rdma_unattributed_queue_pairs',
      help: 'Queue pairs nobody is known to have, by reason: no_pid (the process has ended, or is in another PID namespace), unreadable (/proc does not show the process, or no uptime), not_listed (beyond 16,384 of a device), untracked (the driver counts more than the kernel tracks, as DEVX makes them; only of drivers that count: bnxt_re).',
      type: 'gauge',
      labels: ['rdma_device', 'reason', ...HOST_LABELS],
    },
    samples: ({ queuePairs, ports, host }) =>
      queuePairs.devices.flatMap((view) =>
        unattributed(view, ports).map(([reason, count]) =>
          sample([['rdma_device', view.device], ['reason', reason], ...host], count),
        ),
      ),
  },
  {
    definition: {
      name: 'xtrace_rdma_queue_pair_read_success',
      help: 'Whether the last reading of the queue pairs of the RDMA device worked (1) or not (0); while it does not, none of them are shown. Left out where the kernel lists none.',
      type: 'gauge',
      labels: ['rdma_device', ...HOST_LABELS],
    },
    samples: perDevice(({ queuePairs, isRead }) =>
      queuePairs === undefined && isRead ? [] : [[[], Number(isRead)]],
    ),
  },
  {
    definition: {
      name: 'xtrace_rdma_queue_pair_read_failures_total',
      help: 'Failed readings of queue pairs since the device was first asked, by reason: timeout (it hung and was cut off), error (refused, or there was no process to read), malformed (messages of the kernel that could not be understood, each).',
      type: 'counter',
      labels: ['rdma_device', 'reason', ...HOST_LABELS],
    },
    samples: perDevice(({ timeouts, errors, refusedMessages }) => [
      [[['reason', 'timeout']], timeouts],
      [[['reason', 'error']], errors],
      [[['reason', 'malformed']], refusedMessages],
    ]),
  },
  {
    definition: {
      name: 'xtrace_rdma_queue_pair_read_duration_seconds',
      help: 'Time the last reading of queue pairs took, by source: netlink (the kernel and the firmware of the card), proc (whose processes are). It delays nothing: readings take at most a twentieth of the time.',
      type: 'gauge',
      labels: ['rdma_device', 'source', ...HOST_LABELS],
    },
    samples: perDevice(({ queuePairs }) =>
      queuePairs === undefined
        ? []
        : [
            [[['source', 'netlink']], queuePairs.table.netlinkMs / 1000],
            [[['source', 'proc']], queuePairs.table.procMs / 1000],
          ],
    ),
  },
  ownedCounter(
    'xtrace_roce_owner_bytes_total',
    'Bytes of RoCE packets that arrived for queue pairs of an owner, as in xtrace_roce_bytes_total: the sums over owners and over pairs (with xtrace_roce_other_bytes_total{reason="max_pairs"}) are the same, but for what waits (xtrace_roce_owner_waiting_bytes) and what came before queue pairs were first read. Only of interfaces whose RDMA device is on this host (soft-RoCE), since they have one; a mirror port has none. Counts to a number that changed hands between two readings are unknown. ended has the totals of owners that are gone, each added in one step: leave it out of rates.',
    'bytes',
  ),
  ownedCounter(
    'xtrace_roce_owner_ce_packets_total',
    'RoCE packets with congestion experienced that arrived for queue pairs of an owner.',
    'cePackets',
  ),
  ownedCounter(
    'xtrace_roce_owner_naks_total',
    'NAKs that queue pairs of an owner received, without RNR NAKs.',
    'naks',
  ),
  ownedCounter(
    'xtrace_roce_owner_rnr_naks_total',
    'RNR NAKs that queue pairs of an owner received.',
    'rnrNaks',
  ),
  ownedCounter(
    'xtrace_roce_owner_retransmitted_packets_total',
    'Packets that arrived again for queue pairs of an owner, as in xtrace_roce_retransmitted_packets_total.',
    'retransmittedPackets',
  ),
  {
    definition: {
      name: 'xtrace_roce_owner_waiting_bytes',
      help: 'Bytes of RoCE packets that are in no xtrace_roce_owner_bytes_total yet: they wait for the reading of queue pairs that follows, and for a 0 of their series.',
      type: 'gauge',
      labels: ['interface', ...HOST_LABELS],
    },
    samples: ({ queuePairs, host }) =>
      [...queuePairs.sums.waitingBytes].map(([name, bytes]) => sample([['interface', name], ...host], bytes)),
  },
];

/** In the order of OWNER_METRICS. @param ports of the same round, where there was one. */
export function ownerFamilies(
  queuePairs: QueuePairsView,
  ports: readonly RdmaPortStatus[],
  { perQueuePair, ...host }: OwnerFamilyOptions,
): Family[] {
  return familiesOf(OWNER_METRICS, { queuePairs, ports, perQueuePair, host: hostLabels(host) });
}

function perDevice(
  valuesOf: (view: QueuePairDeviceView) => readonly (readonly [own: Labels, value: number])[],
): Metric<OwnerMetricsView>['samples'] {
  return ({ queuePairs, host }) =>
    queuePairs.devices.flatMap((view) =>
      valuesOf(view).map(([own, value]) => sample([['rdma_device', view.device], ...own, ...host], value)),
    );
}

function ownedCounter(name: string, help: string, count: keyof OwnedCounts): Metric<OwnerMetricsView> {
  return {
    definition: { name, help, type: 'counter', labels: ['interface', ...OWNER_LABELS, ...HOST_LABELS] },
    samples: ({ queuePairs, host }) =>
      queuePairs.sums.rows.map(({ interfaceName, owner, counts }) =>
        sample([['interface', interfaceName], ...ownerLabels(owner), ...host], counts[count]),
      ),
  };
}

/** What queue pairs share is made once: their samples are made in one turn of the event loop. */
function infoSamples({ queuePairs, perQueuePair, host }: OwnerMetricsView): ReturnType<typeof sample>[] {
  if (!perQueuePair) return [];
  const samples: ReturnType<typeof sample>[] = [];
  for (const { device, queuePairs: own } of queuePairs.devices) {
    if (own === undefined) continue;
    const { numbers, remoteNumbers, ports, types, ownerPlaces, owners } = own.table;
    const ofOwner = owners.map(
      (owner, place): Labels => [...ownerLabels(own.labelsAt(place)), ...processLabels(owner), ...host],
    );
    const ofKind = new Map<number, Labels>();
    const most = Math.min(numbers.length, MOST_INFO_SERIES - samples.length);
    for (let i = 0; i < most; i++) {
      const [port, type] = [ports[i] ?? 0, types[i] ?? 0];
      const kind = port * TYPE_NUMBERS + type;
      const first = ofKind.get(kind) ?? [
        ['rdma_device', device],
        ['port', String(port)],
        ['type', typeText(type)],
      ];
      ofKind.set(kind, first);
      const remote = remoteNumbers[i] ?? NO_NUMBER;
      const labels: Labels = [
        ...first,
        ['queue_pair', String(numbers[i])],
        ['remote_queue_pair', remote === NO_NUMBER ? '' : String(remote)],
        ...(ofOwner[ownerPlaces[i] ?? 0] ?? []),
      ];
      samples.push(sample(labels, 1));
    }
  }
  return samples;
}

function countOf({ devices }: QueuePairsView): number {
  return devices.reduce((sum, { queuePairs }) => sum + (queuePairs?.table.numbers.length ?? 0), 0);
}

function unattributed(
  { device, queuePairs }: QueuePairDeviceView,
  ports: readonly RdmaPortStatus[],
): (readonly [reason: string, count: number])[] {
  if (queuePairs === undefined) return [];
  const driverCounts = ports.flatMap(({ name, counters }) =>
    name.device === device ? (counters?.hardware[DRIVER_COUNT] ?? []) : [],
  );
  const tracked = queuePairs.table.numbers.length + queuePairs.table.leftOut;
  const untracked = driverCounts.map((count) => ['untracked', Math.max(0, count - tracked)] as const);
  return [...queuePairs.unattributed, ...untracked.slice(0, 1)];
}

function ownerLabels({ kind, job, pod, comm }: OwnerLabels): Labels {
  return [
    ['owner', kind],
    ['job', job],
    ['pod', pod],
    ['comm', comm],
  ];
}

function processLabels(owner: QueuePairOwner): Labels {
  const isProcess = owner.kind === 'process';
  return [
    ['slurm_step', isProcess ? owner.slurmStep : ''],
    ['container_id', isProcess ? owner.containerId : ''],
    ['pid', isProcess ? String(owner.pid) : ''],
  ];
}

function typeText(type: number): string {
  return TYPES[type] ?? String(type);
}

function stateText(state: number): string {
  return STATES[state] ?? String(state);
}
