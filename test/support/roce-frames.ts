// SPDX-License-Identifier: Apache-2.0
// Builds RoCE for tests: BTH and extended headers of every opcode, RoCE v1 (GRH) and v2 (UDP 4791),
// CNP. The invariant CRC at the end is four zero bytes: nobody here can check it.

import { parseAddress } from './addresses.js';
import { type Addresses, ETHERTYPE, ethernet, type Segment, u16, udp, type VlanTag } from './frames.js';

export const ROCE_PORT = 4791;
export const OPCODE_CNP = 0x81;

// Lengths of the extended transport headers (InfiniBand specification volume 1, chapter 9).
const DETH = 8;
const RETH = 16;
const AETH = 4;
const ATOMIC = 28;
const ATOMIC_ACK = 8;
const IMMEDIATE = 4;
const INVALIDATE = 4;
const FLUSH = 4;
const XRC = 4;
const RD = 4;

/** Bytes of extended headers by operation, for reliable connections; index = opcode. */
const RELIABLE: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x01, 0],
  [0x02, 0],
  [0x03, IMMEDIATE],
  [0x04, 0],
  [0x05, IMMEDIATE],
  [0x06, RETH],
  [0x07, 0],
  [0x08, 0],
  [0x09, IMMEDIATE],
  [0x0a, RETH],
  [0x0b, RETH + IMMEDIATE],
  [0x0c, RETH],
  [0x0d, AETH],
  [0x0e, 0],
  [0x0f, AETH],
  [0x10, AETH],
  [0x11, AETH],
  [0x12, AETH + ATOMIC_ACK],
  [0x13, ATOMIC],
  [0x14, ATOMIC],
  [0x16, INVALIDATE],
  [0x17, INVALIDATE],
  [0x1c, FLUSH + RETH],
  [0x1d, RETH],
]);

/**
 * Every opcode that is assigned, with the bytes of its extended headers. Spelled out by hand, so
 * that it can bear witness against the parsers. Reliable datagrams: 0x40-0x55, all with RDETH.
 */
export const ASSIGNED_OPCODES: ReadonlyMap<number, number> = new Map([
  ...RELIABLE,
  ...sequence(0x20, 0x2b).map((opcode): [number, number] => [opcode, RELIABLE.get(opcode - 0x20) ?? 0]),
  ...sequence(0x40, 0x55).map((opcode): [number, number] => [
    opcode,
    RD + DETH + (RELIABLE.get(opcode - 0x40) ?? 0),
  ]),
  [0x64, DETH],
  [0x65, DETH + IMMEDIATE],
  [OPCODE_CNP, 16],
  ...[...sequence(0xa0, 0xb4), 0xb6, 0xb7].map((opcode): [number, number] => [
    opcode,
    XRC + (RELIABLE.get(opcode - 0xa0) ?? 0),
  ]),
  ...sequence(0xc0, 0xff).map((opcode): [number, number] => [opcode, 0]),
]);

export interface BthFields {
  readonly opcode: number;
  readonly destinationQp: number;
  readonly sequenceNumber?: number;
  /** Low nibble of byte 1; must be 0 to be valid. */
  readonly transportVersion?: number;
  readonly acknowledgeRequest?: boolean;
  readonly backwardCongestion?: boolean;
}

/** BTH, 12 bytes. */
export function bth(fields: BthFields): Buffer {
  const header = Buffer.alloc(12);
  header[0] = fields.opcode;
  header[1] = fields.transportVersion ?? 0;
  header.writeUInt16BE(0xffff, 2); // the default partition, full member
  header[4] = fields.backwardCongestion === true ? 0x40 : 0;
  header.writeUIntBE(fields.destinationQp, 5, 3);
  header[8] = fields.acknowledgeRequest === true ? 0x80 : 0;
  header.writeUIntBE(fields.sequenceNumber ?? 0, 9, 3);
  return header;
}

/** BTH, extended headers, payload (padded to 4 bytes, the pad count in the BTH) and invariant CRC. */
export function roceTransport(fields: BthFields, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = bth(fields);
  const pad = (4 - (payload.length % 4)) % 4;
  header[1] = (header[1] ?? 0) | (pad << 4);
  const extended = Buffer.alloc(ASSIGNED_OPCODES.get(fields.opcode) ?? 0);
  return Buffer.concat([header, extended, payload, Buffer.alloc(pad + 4)]);
}

/** RoCE v2 for an IP header. The UDP checksum is 0, as senders of RoCE leave it. */
export function roceV2(fields: BthFields, payload?: Buffer, sourcePort = 0xc000): Segment {
  const { protocol, bytes } = udp(sourcePort, ROCE_PORT, roceTransport(fields, payload));
  return { protocol, bytes };
}

/** A congestion notification for the sender that owns this queue pair. */
export function congestionNotification(destinationQp: number): Segment {
  return roceV2({ opcode: OPCODE_CNP, destinationQp, backwardCongestion: true });
}

/** A whole RoCE v1 frame; the addresses are GIDs (IPv4 as ::ffff:a.b.c.d). */
export function roceV1Frame(
  gids: Addresses,
  fields: BthFields,
  payload?: Buffer,
  tags: readonly VlanTag[] = [],
): Buffer {
  const transport = roceTransport(fields, payload);
  const header = Buffer.concat([
    Buffer.from([0x60, 0, 0, 0]),
    u16(transport.length),
    Buffer.from([0x1b, 64]), // next header: BTH; hop limit
    parseAddress(gids.src),
    parseAddress(gids.dst),
  ]);
  return ethernet(ETHERTYPE.roceV1, Buffer.concat([header, transport]), tags);
}

function sequence(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
