// SPDX-License-Identifier: Apache-2.0
// What the headers of RoCE packets tell, as metrics; part of the catalogue. They exist where roce is on.
// The help texts state the limits: what these numbers are not is as much part of them as what they are.
import type { MetricDefinition } from './catalog.js';

/** Labels of a pair, in the order in which they are rendered. */
export const ROCE_PAIR_LABELS = [
  'interface',
  'direction',
  'src_ip',
  'dst_ip',
  'host_ip',
  'collect_agg',
] as const;

const OTHER_LABELS = ['interface', 'direction', 'version', 'reason', 'host_ip', 'collect_agg'] as const;

/** Bytes: 64 x 4^n up to 1 GiB; a message has 2 GiB at most (IBTA vol. 1, 9.7.8). */
export const ROCE_SIZE_BUCKETS = Array.from({ length: 13 }, (_, n) => 64 * 4 ** n);

const PSN_LIMITS =
  'By RC, UC and XRC packets in the order in which they arrived here, requests and responses apart.';

export const ROCE_METRICS = {
  packetsTotal: {
    name: 'xtrace_roce_packets_total',
    help: 'RoCE packets of the pair that reached XDP, by RoCE version, transport of the BTH opcode, and DSCP. RDMA that the NIC offloads never does: without a sample nothing was seen, which does not mean there was nothing.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'version', 'transport', 'dscp'],
  },
  bytesTotal: {
    name: 'xtrace_roce_bytes_total',
    help: 'Bytes of these packets: whole frames as XDP sees them, without FCS, as in xtrace_network_bytes_total.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'version', 'transport', 'dscp'],
  },
  payloadBytesTotal: {
    name: 'xtrace_roce_payload_bytes_total',
    help: 'Bytes that RoCE packets carried for applications: without headers, padding and ICRC, by the lengths that the headers state. As seen on the wire: what was retransmitted counts again. Opcodes of vendors have no payload, as their headers are not known.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'version', 'transport', 'dscp'],
  },
  operationsTotal: {
    name: 'xtrace_roce_operations_total',
    help: 'Messages begun, by operation: first or only packets of SEND and WRITE, requests of READ and of atomics. As seen on the wire: a request that was sent again counts again.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'operation'],
  },
  operationBytes: {
    name: 'xtrace_roce_operation_bytes',
    help: 'Sizes of RDMA WRITE and READ messages, as their RETH announces them: what was asked for, whether or not it was delivered. SEND does not announce its size.',
    type: 'histogram',
    labels: [...ROCE_PAIR_LABELS, 'operation'],
    buckets: ROCE_SIZE_BUCKETS,
  },
  acksTotal: {
    name: 'xtrace_roce_acks_total',
    help: 'Acknowledge packets with an ACK. One may answer many packets.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  naksTotal: {
    name: 'xtrace_roce_naks_total',
    help: 'Acknowledge packets with a NAK, by its code. src_ip refused what dst_ip had sent. reserved: a code that nobody assigned.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'reason'],
  },
  rnrNaksTotal: {
    name: 'xtrace_roce_rnr_naks_total',
    help: 'Acknowledge packets with an RNR NAK: src_ip had no receive buffer ready for a message of dst_ip.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  rnrRequestedDelaySecondsTotal: {
    name: 'xtrace_roce_rnr_requested_delay_seconds_total',
    help: 'Sum of the times that RNR NAKs asked dst_ip to wait before it tries again. What was asked for: how long it waited, nobody sees.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  cnpPacketsTotal: {
    name: 'xtrace_roce_cnp_packets_total',
    help: 'Congestion notification packets: src_ip saw congestion marks and tells dst_ip to slow down. NICs send them at a limited rate, so their number is not that of the marks.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  ecnPacketsTotal: {
    name: 'xtrace_roce_ecn_packets_total',
    help: 'RoCE packets by the ECN codepoint of their IP header or GRH. ce: a switch on the way was congested. Malformed ones are left out.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'codepoint'],
  },
  fecnPacketsTotal: {
    name: 'xtrace_roce_fecn_packets_total',
    help: 'Packets with the FECN bit of the BTH, CNPs left out. Rare with RoCE v2, which marks in the IP header.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  becnPacketsTotal: {
    name: 'xtrace_roce_becn_packets_total',
    help: 'Packets with the BECN bit of the BTH, CNPs (which all have it) left out.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  solicitedEventPacketsTotal: {
    name: 'xtrace_roce_solicited_event_packets_total',
    help: 'Packets with the solicited event bit: the receiver is to be woken.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  ackRequestPacketsTotal: {
    name: 'xtrace_roce_ack_request_packets_total',
    help: 'Packets that ask for an acknowledgement.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  cmMessagesTotal: {
    name: 'xtrace_roce_cm_messages_total',
    help: 'Packets of transport UD to queue pair 1, where connection managers talk: connections that come and go.',
    type: 'counter',
    labels: ROCE_PAIR_LABELS,
  },
  partitionPacketsTotal: {
    name: 'xtrace_roce_partition_packets_total',
    help: 'RoCE packets of a partition other than the default one (0xffff), which has none here. From the seventeenth partition of a pair on, they count under pkey other.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'pkey'],
  },
  malformedPacketsTotal: {
    name: 'xtrace_roce_malformed_packets_total',
    help: 'Packets to UDP port 4791 or behind a GRH that are no valid RoCE, by reason: short (no room for BTH and ICRC), transport_version, opcode (nobody assigned it). They are in no other metric of the pair. Those of reason length (lengths that do not add up) are, with no payload.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'reason'],
  },
  psnGapsTotal: {
    name: 'xtrace_roce_psn_gaps_total',
    help: `Times the PSN jumped ahead: packets between were not seen, or not yet. ${PSN_LIMITS} Reordering, adaptive routing and packet spraying look like gap and rewind, so this is not loss. Only valid where the capture itself loses nothing: XDP does not, a mirror may.`,
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'transport'],
  },
  psnGapPacketsTotal: {
    name: 'xtrace_roce_psn_gap_packets_total',
    help: 'PSNs that these gaps left out: packets lost, or late; lost again when sent again counts again. Of lost ones a lower bound: what is missing at the end of a burst shows with the next packet only, or never. Limits as in xtrace_roce_psn_gaps_total. PSNs have 24 bits and wrap after 2.7 s at 200 Gbit/s with 4 KiB packets: what happens in a silence that long is ambiguous.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'transport'],
  },
  psnRewindsTotal: {
    name: 'xtrace_roce_psn_rewinds_total',
    help: 'Times the PSN stepped back: a sender began to send again, or packets were reordered.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'transport'],
  },
  retransmittedPacketsTotal: {
    name: 'xtrace_roce_retransmitted_packets_total',
    help: 'Packets whose PSN is not above the highest one seen: sent again, or late. Their share of xtrace_roce_packets_total is what go-back-N costs.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'transport'],
  },
  psnResyncsTotal: {
    name: 'xtrace_roce_psn_resyncs_total',
    help: 'Times a PSN was more than 131072 away: taken for a queue pair that is used anew, not for a gap or a rewind. A queue pair that was silent for a minute begins anew without a count.',
    type: 'counter',
    labels: [...ROCE_PAIR_LABELS, 'transport'],
  },
  queuePairsActive: {
    name: 'xtrace_roce_queue_pairs_active',
    help: 'Destination queue pairs seen in the last refresh interval. Queue pairs 0 and 1 (management) and CNPs are left out.',
    type: 'gauge',
    labels: ROCE_PAIR_LABELS,
  },
  udpSourcePortsActive: {
    name: 'xtrace_roce_udp_source_ports_active',
    help: 'UDP source ports that RoCE v2 packets to these queue pairs had in the last refresh interval: the entropy that ECMP has. 1 where there are many queue pairs: all take one path.',
    type: 'gauge',
    labels: ROCE_PAIR_LABELS,
  },
  queuePairBytesMaxRatio: {
    name: 'xtrace_roce_queue_pair_bytes_max_ratio',
    help: 'Share of the busiest of these queue pairs in their bytes of the last refresh interval, 0 to 1; 0 when idle.',
    type: 'gauge',
    labels: ROCE_PAIR_LABELS,
  },
  otherPacketsTotal: {
    name: 'xtrace_roce_other_packets_total',
    help: 'RoCE packets that are in no pair, by version (malformed: no valid RoCE) and reason: max_pairs (no room, see roce.max_pairs), map_full (the kernel map was full, see roce.max_streams), expired (totals of pairs that ended).',
    type: 'counter',
    labels: OTHER_LABELS,
  },
  otherBytesTotal: {
    name: 'xtrace_roce_other_bytes_total',
    help: 'Bytes of these packets; reasons as in xtrace_roce_other_packets_total.',
    type: 'counter',
    labels: OTHER_LABELS,
  },
  pairs: {
    name: 'xtrace_roce_pairs',
    help: 'Pairs of addresses (and queue pairs, where they are told apart) that have series now.',
    type: 'gauge',
    labels: [],
  },
  pairsLimit: {
    name: 'xtrace_roce_pairs_limit',
    help: 'The most pairs that may have series (roce.max_pairs).',
    type: 'gauge',
    labels: [],
  },
  macPauseFramesTotal: {
    name: 'xtrace_roce_mac_pause_frames_total',
    help: 'MAC control frames that reached XDP, by kind: pause (802.3x) or pfc (802.1Qbb, priority flow control). NICs take them out, so this normally has no sample however many there are: the counters of the NIC tell.',
    type: 'counter',
    labels: ['interface', 'direction', 'kind'],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;
