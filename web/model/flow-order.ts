// SPDX-License-Identifier: Apache-2.0
// Columns of the flows, and their order: numbers fall, names rise, and a second press turns either. Pure.

import type { Flow } from './answers.js';

export type FlowColumn = 'rate' | 'packets' | 'total' | 'source' | 'destination' | 'type' | 'interface';

export interface FlowOrder {
  readonly column: FlowColumn;
  readonly isDescending: boolean;
}

export const LARGEST_FIRST: FlowOrder = { column: 'rate', isDescending: true };

/** Columns the exporter sorts by itself, by its word for them. */
const BY: Partial<Readonly<Record<FlowColumn, string>>> = {
  rate: 'bytes',
  packets: 'packets',
  total: 'total_bytes',
};

export function isNumberColumn(column: FlowColumn): boolean {
  return BY[column] !== undefined;
}

/** The same column turns round, another one begins with its usual end. */
export function pressColumn(order: FlowOrder, column: FlowColumn): FlowOrder {
  if (order.column === column) return { column, isDescending: !order.isDescending };
  return { column, isDescending: isNumberColumn(column) };
}

/** For `by=`. Names are sorted here, among the largest by bytes. */
export function sortedBy(order: FlowOrder): string {
  return BY[order.column] ?? 'bytes';
}

/** Whether the exporter's first rows are the rows to show; otherwise more must be asked for. */
export function isExportersOrder(order: FlowOrder): boolean {
  return isNumberColumn(order.column) && order.isDescending;
}

export function sortFlows(flows: readonly Flow[], order: FlowOrder): Flow[] {
  const sign = order.isDescending ? -1 : 1;
  // 10.0.0.9 before 10.0.0.10. Once for all: localeCompare() would make it anew for each two.
  const names = new Intl.Collator('en', { numeric: true });
  return flows
    .map((flow) => ({ flow, key: sortKey(flow, order.column) }))
    .sort(
      (a, b) =>
        sign * compareKeys(a.key, b.key, names) ||
        b.flow.total_bytes - a.flow.total_bytes ||
        (a.flow.id < b.flow.id ? -1 : a.flow.id > b.flow.id ? 1 : 0),
    )
    .map(({ flow }) => flow);
}

function sortKey(flow: Flow, column: FlowColumn): number | string {
  switch (column) {
    case 'rate':
      return flow.bytes;
    case 'packets':
      return flow.packets;
    case 'total':
      return flow.total_bytes;
    default:
      return flowName(flow, column);
  }
}

function compareKeys(a: number | string, b: number | string, names: Intl.Collator): number {
  return typeof a === 'number' ? a - Number(b) : names.compare(a, String(b));
}

/** What a column of names shows; empty where `flows.labels` leaves it out. */
export function flowName({ labels }: Pick<Flow, 'labels'>, column: FlowColumn): string {
  if (column === 'source' || column === 'destination') return endParts({ labels }, column).join('');
  if (column === 'type') return labels['traffic_type'] ?? protocolText(labels['protocol']);
  return labels['interface'] ?? '';
}

function protocolText(protocol: string | undefined): string {
  return protocol === undefined || protocol === '' ? '' : `protocol ${protocol}`;
}

/** `10.0.0.1` and `:443`, `[2001:db8::1]` and `:443`; the network's name before it where there is one. */
export function endParts(
  { labels }: Pick<Flow, 'labels'>,
  column: 'source' | 'destination',
): readonly [host: string, port: string] {
  const end = column === 'source' ? 'src' : 'dst';
  const address = labels[`${end}_ip`] ?? '';
  const port = labels[`${end}_port`] ?? '';
  const hasPort = port !== '' && port !== '0';
  const at = address.includes(':') && hasPort ? `[${address}]` : address;
  const network = labels[`${end}_network`] ?? '';
  return [[network, at].filter((part) => part !== '').join(' '), hasPort ? `:${port}` : ''];
}

/** Both answers of an address that may be either end, each flow once. */
export function mergeFlows(answers: readonly (readonly Flow[])[]): Flow[] {
  return [...new Map(answers.flat().map((flow) => [flow.id, flow])).values()];
}
