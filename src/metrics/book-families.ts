// SPDX-License-Identifier: Apache-2.0
// The books as metrics: what was seen by interface, what has no flow series, and why frames have no flow. Pure.

import { trafficType } from '../abi/kinds.js';
import { frameReasonName } from '../abi/reasons.js';
import type { BookRow, BooksView, FrameReasonRow, OtherRow } from '../flows/views.js';
import { type Family, familiesOf, type Label, type Labels, type Metric, sample } from './definition.js';
import { DIRECTION } from './direction.js';

export interface BookFamilyOptions {
  /** The name of an interface id of a book row. */
  interfaceName(id: number): string;
  readonly hostIp: string;
  readonly collectAgg: string;
  /** What is pushed shows each series at its value: nothing is pending. */
  readonly isPushed?: boolean;
}

/** Frame reasons of MAC control frames. */
const PAUSE_KINDS: ReadonlySet<string> = new Set(['pause', 'pfc']);

const BOOK_LABELS = ['interface', 'direction', 'traffic_type', 'host_ip', 'collect_agg'] as const;

/** Rows with the labels that several metrics share. */
interface BookView {
  readonly interfaces: readonly { readonly row: BookRow; readonly labels: Labels }[];
  readonly others: readonly { readonly row: OtherRow; readonly labels: Labels }[];
  readonly pending: readonly { readonly row: BookRow; readonly labels: Labels }[];
  readonly frameReasons: readonly FrameReasonRow[];
  interfaceLabel(row: { readonly interfaceId: number }): Label;
}

export const BOOK_METRICS: readonly Metric<BookView>[] = [
  {
    definition: {
      name: 'xtrace_interface_bytes_total',
      help: 'Bytes XDP saw on the interface by traffic type. Always equals the sum of xtrace_network_bytes_total, xtrace_other_bytes_total and xtrace_pending_bytes. What the NIC offloads or drops before XDP is not in here.',
      type: 'counter',
      labels: BOOK_LABELS,
    },
    samples: ({ interfaces }) => interfaces.map(({ row, labels }) => sample(labels, row.bytes)),
  },
  {
    definition: {
      name: 'xtrace_interface_packets_total',
      help: 'Packets XDP saw on the interface by traffic type. Always equals the sum of xtrace_network_packets_total, xtrace_other_packets_total and xtrace_pending_packets.',
      type: 'counter',
      labels: BOOK_LABELS,
    },
    samples: ({ interfaces }) => interfaces.map(({ row, labels }) => sample(labels, row.packets)),
  },
  {
    definition: {
      name: 'xtrace_other_bytes_total',
      help: 'Bytes that are in no flow series, by reason: max_series (no room), expired (totals of series that ended), reloaded (totals of series that a reload ended), map_full (the kernel map was full), filtered, non_ip, malformed.',
      type: 'counter',
      labels: [...BOOK_LABELS, 'reason'],
    },
    samples: ({ others }) => others.map(({ row, labels }) => sample(labels, row.bytes)),
  },
  {
    definition: {
      name: 'xtrace_other_packets_total',
      help: 'Packets that are in no flow series, by reason; reasons as in xtrace_other_bytes_total.',
      type: 'counter',
      labels: [...BOOK_LABELS, 'reason'],
    },
    samples: ({ others }) => others.map(({ row, labels }) => sample(labels, row.packets)),
  },
  {
    definition: {
      name: 'xtrace_pending_bytes',
      help: 'Bytes of new flow series that show 0 as yet: until every scraper has seen that 0, flows.hold_max_ms at most (flows.new_series). 0 in what is pushed.',
      type: 'gauge',
      labels: BOOK_LABELS,
    },
    samples: ({ pending }) => pending.map(({ row, labels }) => sample(labels, row.bytes)),
  },
  {
    definition: {
      name: 'xtrace_pending_packets',
      help: 'Packets of new flow series that show 0 as yet, as in xtrace_pending_bytes.',
      type: 'gauge',
      labels: BOOK_LABELS,
    },
    samples: ({ pending }) => pending.map(({ row, labels }) => sample(labels, row.packets)),
  },
  {
    definition: {
      name: 'xtrace_frame_reason_packets_total',
      help: 'Frames without a flow (not IP, or malformed), by what the parser met.',
      type: 'counter',
      labels: ['interface', 'reason'],
    },
    samples: ({ frameReasons, interfaceLabel }) =>
      frameReasons.map((row) =>
        sample([interfaceLabel(row), ['reason', frameReasonName(row.reason)]], row.packets),
      ),
  },
  {
    definition: {
      name: 'xtrace_kernel_overflow_packets_total',
      help: 'Packets whose flow the full kernel map could not take: counted, but without their flow. Equals xtrace_other_packets_total{reason="map_full"}; frames without a flow are not included: they keep their own reason. If it grows, raise kernel.max_flows.',
      type: 'counter',
      labels: ['interface', 'traffic_type'],
    },
    samples: ({ others, interfaceLabel }) =>
      others
        .filter(({ row }) => row.reason === 'map_full')
        .map(({ row }) =>
          sample([interfaceLabel(row), ['traffic_type', trafficType(row.kind).label]], row.packets),
        ),
  },
  {
    definition: {
      name: 'xtrace_roce_mac_pause_frames_total',
      help: 'MAC control frames that reached XDP, by kind: pause (802.3x) or pfc (802.1Qbb, priority flow control). NICs normally consume them, so there is no sample however many arrive: look at the counters of the NIC.',
      type: 'counter',
      labels: ['interface', 'direction', 'kind'],
    },
    samples: ({ frameReasons, interfaceLabel }) =>
      frameReasons
        .filter(({ reason }) => PAUSE_KINDS.has(frameReasonName(reason)))
        .map((row) =>
          sample(
            [interfaceLabel(row), ['direction', DIRECTION], ['kind', frameReasonName(row.reason)]],
            row.packets,
          ),
        ),
  },
];

export function bookFamilies(books: BooksView, options: BookFamilyOptions): Family[] {
  const interfaceLabel: BookView['interfaceLabel'] = ({ interfaceId }) => [
    'interface',
    options.interfaceName(interfaceId),
  ];
  const labels = (row: BookRow): Labels => [
    interfaceLabel(row),
    ['direction', DIRECTION],
    ['traffic_type', trafficType(row.kind).label],
    ['host_ip', options.hostIp],
    ['collect_agg', options.collectAgg],
  ];
  return familiesOf(BOOK_METRICS, {
    interfaces: books.interfaces.map((row) => ({ row, labels: labels(row) })),
    others: books.others.map((row) => ({ row, labels: [...labels(row), ['reason', row.reason] as const] })),
    pending: books.pending.map((row) => ({
      row: options.isPushed ? { ...row, packets: 0, bytes: 0 } : row,
      labels: labels(row),
    })),
    frameReasons: books.frameReasons,
    interfaceLabel,
  });
}
