// SPDX-License-Identifier: Apache-2.0
// The metrics of a pair of addresses, each with the samples that a pair has of it. The help texts state the
// limits: what these numbers are not is as much part of them as what they are. Nothing here walks the table.

import { ROCE_CELL, ROCE_TRANSPORT } from '../abi/roce-records.js';
import type { RocePairView, RocePsnCounts, RoceTraffic } from '../roce/views.js';
import type { AddSample, Label, Labels, MetricDefinition } from './definition.js';
import {
  DSCP_LABELS,
  ECN_LABELS,
  LENGTH_LABEL,
  MALFORMED_LABELS,
  NAK_LABELS,
  partitionLabel,
  ROCE_PAIR_LABELS,
  TRANSPORT_LABELS,
  VERSION_LABELS,
} from './roce-labels.js';
import { addSizes, ROCE_SIZE_BUCKETS } from './roce-sizes.js';

export interface PairMetric {
  readonly definition: MetricDefinition;
  /** Metrics with the same samples, which begin together; its name unless told. */
  readonly group?: string;
  /** What its samples add to what is pending, while they show 0. */
  readonly pending?: 'packets' | 'bytes';
  addSamples(pair: RocePairView, addSample: AddSample): void;
}

const NO_LABELS: Labels = [];

/** Operations by their cells. */
const OPERATIONS = [
  { label: ['operation', 'send'], cell: ROCE_CELL.sends },
  { label: ['operation', 'write'], cell: ROCE_CELL.writes },
  { label: ['operation', 'read'], cell: ROCE_CELL.reads },
  { label: ['operation', 'compare_swap'], cell: ROCE_CELL.compareSwaps },
  { label: ['operation', 'fetch_add'], cell: ROCE_CELL.fetchAdds },
  { label: ['operation', 'atomic_write'], cell: ROCE_CELL.atomicWrites },
  { label: ['operation', 'flush'], cell: ROCE_CELL.flushes },
] as const satisfies readonly { label: Label; cell: number }[];

const PSN_TRANSPORTS = [ROCE_TRANSPORT.rc, ROCE_TRANSPORT.uc, ROCE_TRANSPORT.xrc];

const PSN_LIMITS =
  'By RC, UC and XRC packets in the order in which they arrived here, requests and responses apart.';

export const PAIR_METRICS: readonly PairMetric[] = [
  byTraffic(
    'xtrace_roce_packets_total',
    'RoCE packets of the pair that reached XDP, by RoCE version, transport of the BTH opcode, and DSCP. RDMA that the NIC offloads never reaches XDP: no sample means that none was seen, not that there was none.',
    ({ packets }) => packets,
    'packets',
  ),
  byTraffic(
    'xtrace_roce_bytes_total',
    'Bytes of these packets: whole frames as XDP sees them, without FCS, as in xtrace_network_bytes_total.',
    ({ bytes }) => bytes,
    'bytes',
  ),
  byTraffic(
    'xtrace_roce_payload_bytes_total',
    'Bytes that RoCE packets carried for applications: without headers, padding and ICRC, by the lengths that the headers state. As seen on the wire: what was retransmitted counts again. Opcodes of vendors have no payload, as their headers are not known.',
    ({ payloadBytes }) => payloadBytes,
  ),
  {
    definition: {
      name: 'xtrace_roce_operations_total',
      help: 'Messages begun, by operation: first or only packets of SEND and WRITE, requests of READ and of atomics. As seen on the wire: a request that was sent again counts again.',
      type: 'counter',
      labels: [...ROCE_PAIR_LABELS, 'operation'],
    },
    addSamples({ cells }, addSample) {
      for (const { label, cell } of OPERATIONS) {
        const begun = cells[cell] ?? 0;
        if (begun > 0) addSample([label], begun);
      }
    },
  },
  {
    definition: {
      name: 'xtrace_roce_operation_bytes',
      help: 'Sizes of RDMA WRITE and READ messages, as their RETH announces them: what was asked for, whether or not it was delivered. SEND does not announce its size.',
      type: 'histogram',
      labels: [...ROCE_PAIR_LABELS, 'operation'],
      buckets: ROCE_SIZE_BUCKETS,
    },
    addSamples: addSizes,
  },
  byCell(
    'xtrace_roce_acks_total',
    'Acknowledge packets with an ACK. One may answer many packets.',
    ROCE_CELL.acks,
  ),
  {
    definition: {
      name: 'xtrace_roce_naks_total',
      help: 'Acknowledge packets with a NAK, by its code. src_ip refused what dst_ip had sent. reserved: a code that nobody assigned.',
      type: 'counter',
      labels: [...ROCE_PAIR_LABELS, 'reason'],
    },
    addSamples({ cells }, addSample) {
      NAK_LABELS.forEach((label, i) => {
        addSample([label], cells[ROCE_CELL.naks + i] ?? 0);
      });
    },
  },
  byCell(
    'xtrace_roce_rnr_naks_total',
    'Acknowledge packets with an RNR NAK: src_ip had no receive buffer ready for a message of dst_ip.',
    ROCE_CELL.rnrNaks,
  ),
  byValue(
    'xtrace_roce_rnr_requested_delay_seconds_total',
    'Sum of the delays that RNR NAKs asked dst_ip to wait before it tries again. How long it actually waited is not visible.',
    ({ cells }) => (cells[ROCE_CELL.rnrDelay10us] ?? 0) / 100_000,
  ),
  byValue(
    'xtrace_roce_cnp_packets_total',
    'Congestion notification packets: src_ip saw congestion marks and tells dst_ip to slow down. NICs send them at a limited rate, so their number is not that of the marks.',
    ({ cnpPackets }) => cnpPackets,
  ),
  {
    definition: {
      name: 'xtrace_roce_ecn_packets_total',
      help: 'RoCE packets by the ECN codepoint of their IP header or GRH. ce: a switch on the way was congested. Malformed ones are left out.',
      type: 'counter',
      labels: [...ROCE_PAIR_LABELS, 'codepoint'],
    },
    addSamples({ cells }, addSample) {
      for (const { label, codepoint } of ECN_LABELS)
        addSample([label], cells[ROCE_CELL.ecn + codepoint] ?? 0);
    },
  },
  byValue(
    'xtrace_roce_fecn_packets_total',
    'Packets with the FECN bit of the BTH, CNPs left out. Rare with RoCE v2, which marks in the IP header.',
    ({ fecnPackets }) => fecnPackets,
  ),
  byValue(
    'xtrace_roce_becn_packets_total',
    'Packets with the BECN bit of the BTH, CNPs (which all have it) left out.',
    ({ becnPackets }) => becnPackets,
  ),
  byCell(
    'xtrace_roce_solicited_event_packets_total',
    'Packets with the solicited event bit: the receiver is to be woken.',
    ROCE_CELL.solicited,
  ),
  byCell(
    'xtrace_roce_ack_request_packets_total',
    'Packets that ask for an acknowledgement.',
    ROCE_CELL.ackRequest,
  ),
  byValue(
    'xtrace_roce_cm_messages_total',
    'Packets of transport UD to queue pair 1, where connection managers talk: connections that come and go.',
    ({ cmMessages }) => cmMessages,
  ),
  {
    definition: {
      name: 'xtrace_roce_partition_packets_total',
      help: 'RoCE packets by partition; packets of the default one (0xffff) are left out. The seventeenth and later partitions of a pair count under pkey other.',
      type: 'counter',
      labels: [...ROCE_PAIR_LABELS, 'pkey'],
    },
    addSamples({ partitions }, addSample) {
      for (const [pkey, packets] of partitions) addSample([partitionLabel(pkey)], packets);
    },
  },
  {
    definition: {
      name: 'xtrace_roce_malformed_packets_total',
      help: 'Packets to UDP port 4791 or behind a GRH that are not valid RoCE, by reason: short (no room for BTH and ICRC), transport_version, opcode (unassigned), length (lengths contradict each other). Only those of reason length also count in the other metrics of the pair, without payload.',
      type: 'counter',
      labels: [...ROCE_PAIR_LABELS, 'reason'],
    },
    pending: 'packets',
    addSamples({ malformed, cells }, addSample) {
      for (const { label, reason } of MALFORMED_LABELS) {
        const packets = malformed.get(reason);
        if (packets !== undefined) addSample([label], packets);
      }
      const lengths = cells[ROCE_CELL.lengthMalformed] ?? 0;
      if (lengths > 0) addSample([LENGTH_LABEL], lengths);
    },
  },
  byPsn(
    'xtrace_roce_psn_gaps_total',
    `Times the PSN jumped ahead: packets between were not seen, or not yet. ${PSN_LIMITS} Reordering, adaptive routing and packet spraying look like gap and rewind, so this is not loss. Only valid where the capture itself loses nothing: XDP does not, a mirror may.`,
    ({ gaps }) => gaps,
  ),
  byPsn(
    'xtrace_roce_psn_gap_packets_total',
    'PSNs skipped by these gaps: packets lost or late; a retransmission that is lost counts again. A lower bound for losses: a loss at the end of a burst shows only with the next packet, or never. Limits as in xtrace_roce_psn_gaps_total. PSNs have 24 bits and wrap after 2.7 s at 200 Gbit/s with 4 KiB packets: what happens in a silence that long is ambiguous.',
    ({ gapPackets }) => gapPackets,
  ),
  byPsn(
    'xtrace_roce_psn_rewinds_total',
    'Times the PSN stepped back: a sender began to send again, or packets were reordered.',
    ({ rewinds }) => rewinds,
  ),
  byPsn(
    'xtrace_roce_retransmitted_packets_total',
    'Packets whose PSN is not above the highest one seen: sent again, or late. Their share of xtrace_roce_packets_total is what go-back-N costs.',
    ({ retransmitted }) => retransmitted,
  ),
  byPsn(
    'xtrace_roce_psn_late_packets_total',
    'Packets that came out of order, and filled a hole among the 1024 PSNs up to the highest one: reordered by the network, or sent again after a loss. By all CPUs together. Such a packet is a gap and a rewind, too.',
    ({ late }) => late,
  ),
  byPsn(
    'xtrace_roce_psn_lost_packets_total',
    'PSNs that a gap skipped and that did not come while the next 1024 did, or until the queue pair had been silent for two refreshes. Lost in the network, or between it and here; of RC and XRC without those that the peer acknowledged. A late packet is none of them, unless it comes later than that.',
    ({ lost }) => lost,
  ),
  byPsn(
    'xtrace_roce_psn_duplicate_packets_total',
    'Packets whose PSN had been seen, or is more than 1024 below the highest one: sent again, though they had arrived here.',
    ({ duplicates }) => duplicates,
  ),
  byPsn(
    'xtrace_roce_psn_capture_lost_packets_total',
    'Requests of RC and XRC that were never seen here, but that the peer acknowledged, as far as its acknowledgements are seen: the capture (a mirror, a full queue) lost them, not the network. Requests and acknowledgements are matched by addresses and PSNs.',
    ({ captureLost }) => captureLost,
  ),
  byPsn(
    'xtrace_roce_psn_unjudged_packets_total',
    'Packets whose place in the order could not be judged, as another CPU held the stream for too long, and holes of streams that newer ones displaced: neither late nor lost, as far as anybody knows. Expected to be 0.',
    ({ unjudged }) => unjudged,
  ),
  byPsn(
    'xtrace_roce_psn_resyncs_total',
    'Times a PSN was more than 131072 away: taken for a queue pair that is used anew, not for a gap or a rewind. A queue pair that was silent for a minute begins anew without a count.',
    ({ resyncs }) => resyncs,
  ),
];

function counter(name: string, help: string, ...labels: string[]): MetricDefinition {
  return { name, help, type: 'counter', labels: [...ROCE_PAIR_LABELS, ...labels] };
}

function byValue(name: string, help: string, read: (pair: RocePairView) => number): PairMetric {
  return {
    definition: counter(name, help),
    addSamples: (pair, addSample) => addSample(NO_LABELS, read(pair)),
  };
}

function byCell(name: string, help: string, cell: number): PairMetric {
  return byValue(name, help, ({ cells }) => cells[cell] ?? 0);
}

function byTraffic(
  name: string,
  help: string,
  read: (traffic: RoceTraffic) => number,
  pending?: 'packets' | 'bytes',
): PairMetric {
  return {
    definition: counter(name, help, 'version', 'transport', 'dscp'),
    group: 'traffic',
    ...(pending === undefined ? {} : { pending }),
    addSamples({ traffic }, addSample) {
      for (const one of traffic) addSample(trafficLabels(one), read(one));
    },
  };
}

function trafficLabels({ version, transport, dscp }: RoceTraffic): Labels {
  return [
    VERSION_LABELS[version] ?? ['version', String(version)],
    TRANSPORT_LABELS[transport] ?? ['transport', String(transport)],
    DSCP_LABELS[dscp] ?? ['dscp', String(dscp)],
  ];
}

function byPsn(name: string, help: string, read: (psn: RocePsnCounts) => number): PairMetric {
  return {
    definition: counter(name, help, 'transport'),
    addSamples({ psn }, addSample) {
      for (const transport of PSN_TRANSPORTS) {
        const counts = psn.get(transport);
        if (counts !== undefined) addSample(TRANSPORT_LABELS.slice(transport, transport + 1), read(counts));
      }
    },
  };
}
