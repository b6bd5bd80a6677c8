// SPDX-License-Identifier: Apache-2.0
// The columns of flows and of pairs: what stands in them, what rows are sorted by, which go first where the
// terminal is narrow, and by which column the exporter picks the rows that it sends.

import type { FlowRate, PairRate, TrafficRow } from './answers.js';
import { bitRateText, bytesText, countText, shareText } from './rate-text.js';

export interface Column<Row> {
  readonly key: string;
  /** A window of rates has its seconds as its title. */
  readonly title: string | { readonly window: number };
  readonly align: 'left' | 'right';
  /** Where there is no room, the one with the highest goes first; 0 never goes. */
  readonly goesAt: number;
  /** Columns of the terminal that it wants before anything else goes; right ones want all of theirs. */
  readonly columnsWanted: number;
  text(row: Row): string;
  /** undefined: nobody sorts by it. What is not known stands last. */
  readonly sort?: { readonly by: string; value(row: Row): number | undefined };
}

const left = <Row>(
  key: string,
  title: string,
  goesAt: number,
  columnsWanted: number,
  text: (row: Row) => string,
): Column<Row> => ({ key, title, align: 'left', goesAt, columnsWanted, text });

function right<Row>(
  key: string,
  title: Column<Row>['title'],
  goesAt: number,
  by: string,
  value: (row: Row) => number | undefined,
  text: (value: number | undefined) => string,
): Column<Row> {
  return {
    key,
    title,
    align: 'right',
    goesAt,
    columnsWanted: 0,
    text: (row) => text(value(row)),
    sort: { by, value },
  };
}

/** Which of the three windows. */
function rateColumn<Row extends TrafficRow>(window: number, goesAt: number, by: string): Column<Row> {
  // The last interval's rate is known of every row, the others of those that are followed.
  const value = (row: Row): number | undefined =>
    row.windows[window]?.bitsPerSecond ?? (window === 0 ? row.bitsPerSecond : undefined);
  return right(`rate${window}`, { window }, goesAt, by, value, bitRateText);
}

function totalColumn<Row extends TrafficRow>(goesAt: number): Column<Row> {
  const text = (bytes: number | undefined): string => bytesText(bytes ?? 0);
  return right('total', 'total', goesAt, 'total_bytes', ({ totalBytes }) => totalBytes, text);
}

/** All of an IPv4 address and its port; of a long IPv6 address the network, the last groups, and the port. */
const END_COLUMNS = 28;

export const FLOW_COLUMNS_SHOWN: readonly Column<FlowRate>[] = [
  left('source', 'source', 0, END_COLUMNS, ({ source }) => source),
  left('destination', 'destination', 0, END_COLUMNS, ({ destination }) => destination),
  left('type', 'type', 3, 12, ({ trafficType }) => trafficType),
  left('interface', 'on', 6, 15, ({ interfaceName }) => interfaceName),
  rateColumn(0, 0, 'bytes'),
  rateColumn(1, 1, 'bytes'),
  rateColumn(2, 2, 'bytes'),
  right('packets', 'pkt/s', 5, 'packets', ({ packetsPerSecond }) => packetsPerSecond, countText),
  totalColumn(4),
];

export const PAIR_COLUMNS_SHOWN: readonly Column<PairRate>[] = [
  left('source', 'source', 0, 21, ({ source }) => source),
  left('destination', 'destination', 0, 21, ({ destination }) => destination),
  left('interface', 'on', 10, 15, ({ interfaceName }) => interfaceName),
  rateColumn(0, 0, 'payload_bytes'),
  rateColumn(1, 1, 'payload_bytes'),
  rateColumn(2, 2, 'payload_bytes'),
  right('ce', 'CE', 3, 'ce_packets', ({ ceShare }) => ceShare, shareText),
  right('cnp', 'CNP/s', 4, 'cnp_packets', ({ cnpPerSecond }) => cnpPerSecond, countText),
  right('nak', 'NAK', 5, 'naks', ({ naks }) => naks, countText),
  right('rnr', 'RNR', 6, 'rnr_naks', ({ rnrNaks }) => rnrNaks, countText),
  right('gaps', 'gaps', 7, 'psn_gaps', ({ psnGaps }) => psnGaps, countText),
  right('retransmitted', 'rexm', 8, 'retransmitted', ({ retransmitted }) => retransmitted, countText),
  totalColumn(9),
];

/** Of the window that bars show and rows are sorted by unless told: 10 s. */
export const USUAL_SORT = 'rate1';
