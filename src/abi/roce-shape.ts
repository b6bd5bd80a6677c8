// SPDX-License-Identifier: Apache-2.0
// What a RoCE slot says without saying it: the cells of a stream and the key of a flow, derived from the
// shape that its packets share. Pure.

import { KIND } from './kinds.js';
import { FLOW_KEY4 } from './layout.js';
import {
  OPCODE_FACTS,
  OPCODE_FLAG,
  PORT_KNOWN,
  ROCE_CELL,
  ROCE_SHAPE,
  ROCE_SHAPE_BIT,
  ROCE_TRANSPORT,
} from './roce-records.js';

const UDP_HEADER_BYTES = 8;
const BTH_BYTES = 12;
const ICRC_BYTES = 4;
/** PROTOCOL_ROCE_V2 of bpf/abi.h. */
const PROTOCOL_ROCE_V2 = 254;
export const ROCE_V2_PORT = 4791;

const QP_WORD = ROCE_SHAPE.qp / 4;
const BITS_WORD = ROCE_SHAPE.tos / 4;
const VLAN_WORD = ROCE_SHAPE.vlan / 4;
const QP_MASK = 0xffffff;

/** A slot's counts. */
export interface ShapeCounts {
  readonly packets: number;
  readonly bytes: number;
  readonly strayedBytes: number;
  readonly srcPort: number;
}

/** Bytes of a slot's packets that are none of the application's, a packet. words: a struct roce_shape at `offset`. */
function overheadBytes(words: Uint32Array, offset: number, headerBytes: number): number {
  const bits = words[offset + BITS_WORD] ?? 0;
  const padBytes = (bits >>> 12) & 3;
  const transportOffset = (bits >>> 16) & 0xff;
  return transportOffset + UDP_HEADER_BYTES + BTH_BYTES + headerBytes + padBytes + ICRC_BYTES;
}

/**
 * Fills `cells` (ROCE_CELLS of them) from a struct roce_shape at words[offset]. opcodeFacts: OPCODE_FACTS.size
 * bytes an opcode, as the object has them.
 */
export function fillShapeCells(
  cells: Float64Array,
  words: Uint32Array,
  offset: number,
  { packets, bytes, strayedBytes, srcPort }: ShapeCounts,
  opcodeFacts: Uint8Array,
): void {
  const facts = ((words[offset + QP_WORD] ?? 0) >>> 24) * OPCODE_FACTS.size;
  const flags = opcodeFacts[facts + OPCODE_FACTS.flags] ?? 0;
  const message = opcodeFacts[facts + OPCODE_FACTS.message] ?? 0;
  const shape = words[offset + BITS_WORD] ?? 0;
  const bits = (shape >>> 8) & 0xff;
  const sizeCell = shape >>> 24;
  cells.fill(0);
  cells[ROCE_CELL.packets] = packets;
  cells[ROCE_CELL.bytes] = bytes;
  if ((flags & OPCODE_FLAG.noPayload) === 0) {
    const headerBytes = opcodeFacts[facts + OPCODE_FACTS.headerBytes] ?? 0;
    cells[ROCE_CELL.payloadBytes] = bytes - packets * overheadBytes(words, offset, headerBytes);
  }
  cells[ROCE_CELL.ecn + (shape & 3)] = packets;
  if ((bits & ROCE_SHAPE_BIT.solicited) !== 0) cells[ROCE_CELL.solicited] = packets;
  if ((bits & ROCE_SHAPE_BIT.ackRequest) !== 0) cells[ROCE_CELL.ackRequest] = packets;
  if ((bits & ROCE_SHAPE_BIT.fecn) !== 0) cells[ROCE_CELL.fecn] = packets;
  if ((bits & ROCE_SHAPE_BIT.becn) !== 0) cells[ROCE_CELL.becn] = packets;
  if (message !== 0) cells[message] = packets;
  if ((flags & OPCODE_FLAG.syndrome) !== 0) cells[ROCE_CELL.acks] = packets;
  if (sizeCell !== 0) {
    cells[ROCE_CELL.writeSizes + sizeCell - 1] = packets;
    cells[ROCE_CELL.writeMessageBytes] = cells[ROCE_CELL.payloadBytes] ?? 0;
  }
  cells[ROCE_CELL.port] = PORT_KNOWN | srcPort;
  cells[ROCE_CELL.strayedBytes] = strayedBytes;
}

/** The last four words of a struct roce_key; the interface id stands in place of the ifindex. */
export function fillStreamTail(
  keys: Uint32Array,
  keyOffset: number,
  words: Uint32Array,
  offset: number,
  interfaceId: number,
  opcodeFacts: Uint8Array,
): void {
  const qp = words[offset + QP_WORD] ?? 0;
  const opcode = qp >>> 24;
  const flags = opcodeFacts[opcode * OPCODE_FACTS.size + OPCODE_FACTS.flags] ?? 0;
  const transport = Math.min(opcode >>> 5, ROCE_TRANSPORT.vendor);
  const dscp = ((words[offset + BITS_WORD] ?? 0) & 0xff) >>> 2;
  keys[keyOffset] = interfaceId;
  keys[keyOffset + 1] = qp & QP_MASK;
  keys[keyOffset + 2] = (words[offset + VLAN_WORD] ?? 0) & 0xffff0000;
  keys[keyOffset + 3] = 2 | (transport << 8) | (dscp << 16) | ((flags & OPCODE_FLAG.response) << 24);
}

/** Words of struct flow_traits. */
export const FLOW_TRAITS_WORDS = (FLOW_KEY4.size - FLOW_KEY4.srcPort) / 4;

/** A struct flow_traits at traits[at], with the ifindex; srcPort as the flow shows it. */
export function fillFlowTraits(
  traits: Uint32Array,
  at: number,
  words: Uint32Array,
  offset: number,
  srcPort: number,
): void {
  const vlan = (words[offset + VLAN_WORD] ?? 0) & 0xffff;
  const dscp = ((words[offset + BITS_WORD] ?? 0) & 0xff) >>> 2;
  traits[at] = srcPort | (ROCE_V2_PORT << 16);
  traits[at + 1] = words[offset] ?? 0;
  traits[at + 2] = PROTOCOL_ROCE_V2 | (KIND.roceV2 << 8) | (vlan << 16);
  // The DSCP is six bits in a byte, as bpf/ip.h has it.
  traits[at + 3] = ((words[offset + QP_WORD] ?? 0) & QP_MASK) | (dscp << 24);
}
