// SPDX-License-Identifier: Apache-2.0
// Builds drains for the tests of this room, byte by byte from the layout in src/abi/records.ts, so
// that the code under test is not checked against its own reading of the words.

import { FLOW_ROW, FLOW_ROW_BYTES, type FlowRows } from '../../../src/abi/records.js';

export interface TestRow {
  readonly src?: readonly number[];
  readonly dst?: readonly number[];
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly interfaceId?: number;
  readonly protocol?: number;
  readonly kind: number;
  readonly vlan?: number;
  readonly qp?: number;
  readonly dscp?: number;
  readonly srcNetwork?: number;
  readonly dstNetwork?: number;
  readonly ipVersion?: 4 | 6;
  readonly packets?: number;
  readonly bytes?: number;
}

export function keyBytes(row: TestRow): Uint8Array {
  const bytes = new Uint8Array(FLOW_ROW_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(row.src ?? [], FLOW_ROW.srcIp);
  bytes.set(row.dst ?? [], FLOW_ROW.dstIp);
  view.setUint16(FLOW_ROW.srcPort, row.srcPort ?? 0, true);
  view.setUint16(FLOW_ROW.dstPort, row.dstPort ?? 0, true);
  view.setUint32(FLOW_ROW.interfaceId, row.interfaceId ?? 1, true);
  view.setUint8(FLOW_ROW.protocol, row.protocol ?? 0);
  view.setUint8(FLOW_ROW.kind, row.kind);
  view.setUint16(FLOW_ROW.vlan, row.vlan ?? 0, true);
  view.setUint32(FLOW_ROW.qp, row.qp ?? 0, true);
  view.setUint8(FLOW_ROW.dscp, row.dscp ?? 0);
  view.setUint8(FLOW_ROW.ipVersion, row.ipVersion ?? 4);
  view.setUint16(FLOW_ROW.srcNetwork, row.srcNetwork ?? 0, true);
  view.setUint16(FLOW_ROW.dstNetwork, row.dstNetwork ?? 0, true);
  return bytes;
}

export function drainOf(rows: readonly TestRow[]): FlowRows {
  const bytes = new Uint8Array(rows.length * FLOW_ROW_BYTES);
  rows.forEach((row, i) => {
    bytes.set(keyBytes(row), i * FLOW_ROW_BYTES);
  });
  return {
    length: rows.length,
    keys: new Uint32Array(bytes.buffer),
    packets: Float64Array.from(rows, (row) => row.packets ?? 1),
    bytes: Float64Array.from(rows, (row) => row.bytes ?? 100),
  };
}

/** The key at keys[wordOffset] as hex: a name for maps and messages. */
export function keyName(keys: Uint32Array, wordOffset: number): string {
  const bytes = new Uint8Array(keys.buffer, keys.byteOffset + 4 * wordOffset, FLOW_ROW_BYTES);
  return Buffer.from(bytes).toString('hex');
}

/** The greatest length that renderTestLabels writes. */
export const TEST_LABEL_BYTES = 2 * FLOW_ROW_BYTES + 31;

/** A label that names its key and has a length of its own. */
export function testLabel(name: string): string {
  return name + '#'.repeat(Number.parseInt(name.slice(0, 2), 16) % 32);
}

export function renderTestLabels(
  keys: Uint32Array,
  wordOffset: number,
  out: Uint8Array,
  outOffset: number,
): number {
  const label = Buffer.from(testLabel(keyName(keys, wordOffset)));
  if (outOffset + TEST_LABEL_BYTES > out.length) throw new Error('fewer than maxLabelBytes are free');
  out.set(label, outOffset);
  return label.length;
}
