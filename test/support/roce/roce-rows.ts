// SPDX-License-Identifier: Apache-2.0
// Drained RoCE streams as tests write them down.

import {
  PORT_KNOWN,
  ROCE_CELL,
  ROCE_CELLS,
  ROCE_KEY,
  ROCE_TRANSPORT,
  type RoceRows,
} from '../../../src/abi/roce-records.js';

export interface StreamSpec {
  /** 4 bytes (IPv4) or 16. */
  readonly src?: readonly number[];
  readonly dst?: readonly number[];
  readonly interfaceId?: number;
  readonly queuePair?: number;
  readonly sourcePort?: number;
  readonly pkey?: number;
  readonly version?: 1 | 2;
  readonly transport?: keyof typeof ROCE_TRANSPORT;
  readonly dscp?: number;
  readonly detail?: number;
  readonly packets?: number;
  readonly bytes?: number;
  /** By index; packets and bytes have names of their own. */
  readonly cells?: Readonly<Record<number, number>>;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

export function addressBytes(address: readonly number[]): readonly number[] {
  return address.length === 4 ? [...MAPPED, ...address] : address;
}

export function streamKey(spec: StreamSpec): Uint8Array {
  const key = new Uint8Array(ROCE_KEY.size);
  const view = new DataView(key.buffer);
  const isMalformed = spec.transport === 'malformed';
  key.set(addressBytes(spec.src ?? [10, 0, 0, 1]), ROCE_KEY.srcIp);
  key.set(addressBytes(spec.dst ?? [10, 0, 0, 2]), ROCE_KEY.dstIp);
  view.setUint32(ROCE_KEY.ifindex, spec.interfaceId ?? 0, true);
  view.setUint32(ROCE_KEY.qp, spec.queuePair ?? (isMalformed ? 0 : 17), true);
  view.setUint16(ROCE_KEY.pkey, spec.pkey ?? (isMalformed ? 0 : 0xffff), true);
  view.setUint8(ROCE_KEY.version, spec.version ?? 2);
  view.setUint8(ROCE_KEY.transport, ROCE_TRANSPORT[spec.transport ?? 'rc']);
  view.setUint8(ROCE_KEY.dscp, spec.dscp ?? 0);
  view.setUint8(ROCE_KEY.detail, spec.detail ?? 0);
  return key;
}

export function roceRowsOf(specs: readonly StreamSpec[]): RoceRows {
  const keys = new Uint8Array(specs.length * ROCE_KEY.size);
  const cells = new Float64Array(specs.length * ROCE_CELLS);
  specs.forEach((spec, row) => {
    keys.set(streamKey(spec), row * ROCE_KEY.size);
    const first = row * ROCE_CELLS;
    cells[first + ROCE_CELL.packets] = spec.packets ?? 1;
    cells[first + ROCE_CELL.bytes] = spec.bytes ?? 100;
    if (spec.version !== 1 && spec.transport !== 'malformed') {
      cells[first + ROCE_CELL.port] = PORT_KNOWN | (spec.sourcePort ?? 0);
    }
    for (const [cell, value] of Object.entries(spec.cells ?? {})) cells[first + Number(cell)] = value;
  });
  return {
    length: specs.length,
    keys: new Uint32Array(keys.buffer),
    cellsOf: (row) => cells.slice(row * ROCE_CELLS, (row + 1) * ROCE_CELLS),
    spreads: [],
  };
}
