// SPDX-License-Identifier: Apache-2.0
// What is told of one pair: each metric of pairs with the labels and values that it has of the pair's
// totals. Data and pure functions; nothing here walks the table.
import { ROCE_CELL, ROCE_MALFORMED, ROCE_SIZE_BOUNDS, ROCE_TRANSPORT } from '../abi/roce-records.js';
import type { RocePairView, RocePsnCounts, RoceTraffic } from '../roce/views.js';
import type { MetricDefinition } from './catalog.js';
import { ROCE_METRICS, ROCE_SIZE_BUCKETS } from './roce-catalog.js';
import {
  DSCP_LABELS,
  type Label,
  type Labels,
  partitionLabel,
  TRANSPORT_LABELS,
  VERSION_LABELS,
} from './roce-labels.js';

/** Takes a sample of the pair at hand: its labels beyond the pair's own, its value. */
export type Tell = (extraLabels: Labels, value: number, suffix?: string) => void;

export interface PairMetric {
  readonly definition: MetricDefinition;
  tell(pair: RocePairView, tell: Tell): void;
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

/** Those whose size is in the packet that begins them. */
const SIZED_OPERATIONS = [
  {
    label: ['operation', 'write'],
    messages: ROCE_CELL.writes,
    sizes: ROCE_CELL.writeSizes,
    sum: ROCE_CELL.writeMessageBytes,
  },
  {
    label: ['operation', 'read'],
    messages: ROCE_CELL.reads,
    sizes: ROCE_CELL.readSizes,
    sum: ROCE_CELL.readMessageBytes,
  },
] as const;

/** As OpenMetrics writes numbers. */
const LE_LABELS: readonly Label[] = [...ROCE_SIZE_BUCKETS.map((bound) => `${bound}.0`), '+Inf'].map(
  (bound) => ['le', bound],
);

/** By place among the six cells: AETH codes 0x60 to 0x64, and the rest. */
const NAK_LABELS: readonly Label[] = [
  ['reason', 'psn_sequence_error'],
  ['reason', 'invalid_request'],
  ['reason', 'remote_access_error'],
  ['reason', 'remote_operational_error'],
  ['reason', 'invalid_rd_request'],
  ['reason', 'reserved'],
];

/** By codepoint (RFC 3168, section 5): 1 is ECT(1), 2 is ECT(0). Told in the order of their names. */
const ECN_LABELS: readonly { readonly label: Label; readonly codepoint: number }[] = [
  { label: ['codepoint', 'not_ect'], codepoint: 0 },
  { label: ['codepoint', 'ect0'], codepoint: 2 },
  { label: ['codepoint', 'ect1'], codepoint: 1 },
  { label: ['codepoint', 'ce'], codepoint: 3 },
];

const MALFORMED_LABELS: readonly { readonly label: Label; readonly reason: number }[] = [
  { label: ['reason', 'short'], reason: ROCE_MALFORMED.short },
  { label: ['reason', 'transport_version'], reason: ROCE_MALFORMED.version },
  { label: ['reason', 'opcode'], reason: ROCE_MALFORMED.opcode },
];
const LENGTH_LABEL: Label = ['reason', 'length'];

const PSN_TRANSPORTS = [ROCE_TRANSPORT.rc, ROCE_TRANSPORT.uc, ROCE_TRANSPORT.xrc];

const m = ROCE_METRICS;

/** In the order of the catalogue. */
export const PAIR_METRICS: readonly PairMetric[] = [
  byTraffic(m.packetsTotal, ({ packets }) => packets),
  byTraffic(m.bytesTotal, ({ bytes }) => bytes),
  byTraffic(m.payloadBytesTotal, ({ payloadBytes }) => payloadBytes),
  {
    definition: m.operationsTotal,
    tell({ cells }, tell) {
      for (const { label, cell } of OPERATIONS) {
        const begun = cells[cell] ?? 0;
        if (begun > 0) tell([label], begun);
      }
    },
  },
  { definition: m.operationBytes, tell: tellSizes },
  byCell(m.acksTotal, ROCE_CELL.acks),
  {
    definition: m.naksTotal,
    tell({ cells }, tell) {
      NAK_LABELS.forEach((label, i) => {
        tell([label], cells[ROCE_CELL.naks + i] ?? 0);
      });
    },
  },
  byCell(m.rnrNaksTotal, ROCE_CELL.rnrNaks),
  byValue(m.rnrRequestedDelaySecondsTotal, ({ cells }) => (cells[ROCE_CELL.rnrDelay10us] ?? 0) / 100_000),
  byValue(m.cnpPacketsTotal, ({ cnpPackets }) => cnpPackets),
  {
    definition: m.ecnPacketsTotal,
    tell({ cells }, tell) {
      for (const { label, codepoint } of ECN_LABELS) tell([label], cells[ROCE_CELL.ecn + codepoint] ?? 0);
    },
  },
  byValue(m.fecnPacketsTotal, ({ fecnPackets }) => fecnPackets),
  byValue(m.becnPacketsTotal, ({ becnPackets }) => becnPackets),
  byCell(m.solicitedEventPacketsTotal, ROCE_CELL.solicited),
  byCell(m.ackRequestPacketsTotal, ROCE_CELL.ackRequest),
  byValue(m.cmMessagesTotal, ({ cmMessages }) => cmMessages),
  {
    definition: m.partitionPacketsTotal,
    tell({ partitions }, tell) {
      for (const [pkey, packets] of partitions) tell([partitionLabel(pkey)], packets);
    },
  },
  {
    definition: m.malformedPacketsTotal,
    tell({ malformed, cells }, tell) {
      for (const { label, reason } of MALFORMED_LABELS) {
        const packets = malformed.get(reason);
        if (packets !== undefined) tell([label], packets);
      }
      const lengths = cells[ROCE_CELL.lengthMalformed] ?? 0;
      if (lengths > 0) tell([LENGTH_LABEL], lengths);
    },
  },
  byPsn(m.psnGapsTotal, ({ gaps }) => gaps),
  byPsn(m.psnGapPacketsTotal, ({ gapPackets }) => gapPackets),
  byPsn(m.psnRewindsTotal, ({ rewinds }) => rewinds),
  byPsn(m.retransmittedPacketsTotal, ({ retransmitted }) => retransmitted),
  byPsn(m.psnResyncsTotal, ({ resyncs }) => resyncs),
];

function byValue(definition: MetricDefinition, read: (pair: RocePairView) => number): PairMetric {
  return { definition, tell: (pair, tell) => tell(NO_LABELS, read(pair)) };
}

function byCell(definition: MetricDefinition, cell: number): PairMetric {
  return byValue(definition, ({ cells }) => cells[cell] ?? 0);
}

function byTraffic(definition: MetricDefinition, read: (traffic: RoceTraffic) => number): PairMetric {
  return {
    definition,
    tell({ traffic }, tell) {
      for (const one of traffic) tell(trafficLabels(one), read(one));
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

function byPsn(definition: MetricDefinition, read: (psn: RocePsnCounts) => number): PairMetric {
  return {
    definition,
    tell({ psn }, tell) {
      for (const transport of PSN_TRANSPORTS) {
        const counts = psn.get(transport);
        if (counts !== undefined) tell(TRANSPORT_LABELS.slice(transport, transport + 1), read(counts));
      }
    },
  };
}

/** Cumulative, as expositions have them; an operation with its first message. */
function tellSizes({ cells }: RocePairView, tell: Tell): void {
  for (const { label, messages, sizes, sum } of SIZED_OPERATIONS) {
    if (cells[messages] === 0) continue;
    let total = 0;
    for (let i = 0; i <= ROCE_SIZE_BOUNDS; i++) {
      total += cells[sizes + i] ?? 0;
      tell([label, LE_LABELS[i] ?? ['le', '']], total, '_bucket');
    }
    tell([label], cells[sum] ?? 0, '_sum');
    tell([label], total, '_count');
  }
}
