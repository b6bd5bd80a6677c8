// SPDX-License-Identifier: Apache-2.0
// Series and books made by hand, for the tests of printing.

import { isIPv6 } from 'node:net';
import { FLOW_ROW, FLOW_ROW_BYTES, FLOW_ROW_WORDS } from '../../../src/abi/records.js';
import type { BooksView, OtherReason, SeriesView } from '../../../src/flows/views.js';

export interface TestFlow {
  readonly src?: string;
  readonly dst?: string;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly interfaceId?: number;
  readonly protocol?: number;
  readonly kind?: number;
  /** Of the last interval. */
  readonly packets?: number;
  readonly bytes?: number;
}

/** A view of these flows; row numbers are not their place in the list, as in the real table. */
export function viewOf(flows: readonly TestFlow[]): SeriesView {
  const rows = 2 * flows.length + 1;
  const inUse = Uint32Array.from(flows, (_, index) => 2 * index + 1);
  const keys = new Uint32Array(rows * FLOW_ROW_WORDS);
  const intervalPackets = new Float64Array(rows);
  const intervalBytes = new Float64Array(rows);
  flows.forEach((flow, index) => {
    const row = 2 * index + 1;
    writeKey(keys, row, flow);
    intervalPackets[row] = flow.packets ?? 0;
    intervalBytes[row] = flow.bytes ?? 0;
  });
  return {
    count: flows.length,
    inUse,
    keys,
    intervalPackets,
    intervalBytes,
    totalPackets: intervalPackets,
    totalBytes: intervalBytes,
    shownPackets: intervalPackets,
    shownBytes: intervalBytes,
    startedMs: new Float64Array(rows),
    labelBytes: new Uint8Array(0),
    labelOffset: new Uint32Array(rows),
    labelLength: new Uint32Array(rows),
  };
}

function writeKey(keys: Uint32Array, row: number, flow: TestFlow): void {
  const view = new DataView(keys.buffer, row * FLOW_ROW_BYTES, FLOW_ROW_BYTES);
  const { src = '10.0.0.1', dst = '10.0.0.2' } = flow;
  for (const [offset, address] of [
    [FLOW_ROW.srcIp, src],
    [FLOW_ROW.dstIp, dst],
  ] as const) {
    addressBytes(address).forEach((byte, index) => void view.setUint8(offset + index, byte));
  }
  view.setUint16(FLOW_ROW.srcPort, flow.srcPort ?? 0, true);
  view.setUint16(FLOW_ROW.dstPort, flow.dstPort ?? 0, true);
  view.setUint32(FLOW_ROW.interfaceId, flow.interfaceId ?? 0, true);
  view.setUint8(FLOW_ROW.protocol, flow.protocol ?? 6);
  view.setUint8(FLOW_ROW.kind, flow.kind ?? 1);
  view.setUint16(FLOW_ROW.vlan, 0xabc, true); // never printed
  view.setUint8(FLOW_ROW.qp, 0xff);
  view.setUint8(FLOW_ROW.ipVersion, isIPv6(src) ? 6 : 4);
}

function addressBytes(address: string): number[] {
  if (!address.includes(':')) return address.split('.').map(Number);
  const mapped = /^::ffff:([\d.]+)$/.exec(address)?.[1];
  if (mapped !== undefined)
    return [...new Array<number>(10).fill(0), 0xff, 0xff, ...mapped.split('.').map(Number)];
  const [head = '', tail = ''] = address.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const front = groups(head);
  const back = groups(tail);
  return [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back].flatMap(
    (group) => [group >> 8, group & 0xff],
  );
}

/** Books with one interface row, and others by reason; totals since start. */
export function booksOf(
  carried: readonly [packets: number, bytes: number],
  others: Partial<Record<OtherReason, readonly [packets: number, bytes: number]>> = {},
): BooksView {
  const row = { interfaceId: 0, kind: 1 };
  return {
    interfaces: [{ ...row, packets: carried[0], bytes: carried[1] }],
    pending: [{ ...row, packets: 0, bytes: 0 }],
    others: (Object.entries(others) as [OtherReason, readonly [number, number]][]).map(
      ([reason, [packets, bytes]]) => ({ ...row, reason, packets, bytes }),
    ),
    frameReasons: [],
  };
}
