// SPDX-License-Identifier: Apache-2.0
// Sums by flow and by traffic type: of frames that were sent, or of what drains handed over. For tests only.

import { FRAMING, trafficType } from '../../../src/abi/kinds.js';
import { FLOW_ROW, FLOW_ROW_BYTES } from '../../../src/abi/records.js';
import type { DrainResult } from '../../../src/reader/drain.js';
import { formatAddress } from '../frames/addresses.js';
import { parseFrame } from './reference-parser.js';
import type { Sum } from './tshark-truth.js';

export class DrainSums {
  /** By the whole key but the interface. */
  readonly flows = new Map<string, Sum>();
  /** By traffic type; here what found no place in a flow map is in, too. */
  readonly types = new Map<string, Sum>();

  /** A frame on Ethernet that was sent so many times. */
  addFrame(frame: Buffer, times = 1): void {
    const key = parseFrame(frame, FRAMING.ethernet);
    const flow = nameOf(key.srcIp, key.dstIp, key.srcPort, key.dstPort, key.protocol, key.vlan, key.qp);
    this.#add(flow, key.kind, times, times * frame.length);
  }

  addDrain({ rows, overflow }: DrainResult): void {
    const all = Buffer.from(rows.keys.buffer, rows.keys.byteOffset, rows.length * FLOW_ROW_BYTES);
    for (let i = 0; i < rows.length; i++) {
      const row = all.subarray(i * FLOW_ROW_BYTES, (i + 1) * FLOW_ROW_BYTES);
      this.#add(flowOfRow(row), row.readUInt8(FLOW_ROW.kind), rows.packets[i] ?? 0, rows.bytes[i] ?? 0);
    }
    for (const { kind, packets, bytes } of overflow) this.#add(undefined, kind, packets, bytes);
  }

  get packets(): number {
    return [...this.types.values()].reduce((sum, { packets }) => sum + packets, 0);
  }

  #add(flow: string | undefined, kind: number, packets: number, bytes: number): void {
    if (flow !== undefined) addTo(this.flows, flow, packets, bytes);
    addTo(this.types, trafficType(kind).label, packets, bytes);
  }
}

/** In a fixed order, for comparison. */
export function sorted(sums: ReadonlyMap<string, Sum>): [string, Sum][] {
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
}

function addTo(sums: Map<string, Sum>, key: string, packets: number, bytes: number): void {
  const before = sums.get(key) ?? { packets: 0, bytes: 0 };
  sums.set(key, { packets: before.packets + packets, bytes: before.bytes + bytes });
}

function flowOfRow(row: Buffer): string {
  const length = row.readUInt8(FLOW_ROW.ipVersion) === 4 ? 4 : 16;
  return nameOf(
    formatAddress(row.subarray(FLOW_ROW.srcIp, FLOW_ROW.srcIp + length)),
    formatAddress(row.subarray(FLOW_ROW.dstIp, FLOW_ROW.dstIp + length)),
    row.readUInt16LE(FLOW_ROW.srcPort),
    row.readUInt16LE(FLOW_ROW.dstPort),
    row.readUInt8(FLOW_ROW.protocol),
    row.readUInt16LE(FLOW_ROW.vlan),
    row.readUIntLE(FLOW_ROW.qp, 3),
  );
}

function nameOf(...parts: readonly (string | number)[]): string {
  return parts.join(' ');
}
