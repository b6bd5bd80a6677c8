// SPDX-License-Identifier: Apache-2.0
// Builds RoCE for tests: BTH and extended headers of every opcode, RoCE v1 (GRH) and v2 (UDP 4791),
// CNP. The invariant CRC at the end is four zero bytes: nobody here can check it.

import { parseAddress } from '../frames/addresses.js';
import {
  type Addresses,
  ETHERTYPE,
  ethernet,
  type Segment,
  u16,
  udp,
  type VlanTag,
} from '../frames/frames.js';
import { EXTENDED_HEADERS, type ExtendedFields, extendedHeaders } from './roce-headers.js';

export const ROCE_PORT = 4791;
export const OPCODE_CNP = 0x81;

/** Every opcode that is assigned, with the bytes of its extended headers. */
export const ASSIGNED_OPCODES: ReadonlyMap<number, number> = new Map(
  [...EXTENDED_HEADERS.keys()].map((opcode) => [opcode, extendedHeaders(opcode).length]),
);

export interface BthFields {
  readonly opcode: number;
  readonly destinationQp: number;
  readonly sequenceNumber?: number;
  /** Low nibble of byte 1; must be 0 to be valid. */
  readonly transportVersion?: number;
  readonly acknowledgeRequest?: boolean;
  readonly backwardCongestion?: boolean;
  readonly forwardCongestion?: boolean;
  readonly solicitedEvent?: boolean;
  /** Default 0xffff: the default partition, full member. */
  readonly partitionKey?: number;
  /** What the extended headers hold. */
  readonly extended?: ExtendedFields;
}

/** BTH, 12 bytes. */
export function bth(fields: BthFields): Buffer {
  const header = Buffer.alloc(12);
  header[0] = fields.opcode;
  header[1] = (fields.solicitedEvent === true ? 0x80 : 0) | (fields.transportVersion ?? 0);
  header.writeUInt16BE(fields.partitionKey ?? 0xffff, 2);
  header[4] =
    (fields.forwardCongestion === true ? 0x80 : 0) | (fields.backwardCongestion === true ? 0x40 : 0);
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
  const extended = extendedHeaders(fields.opcode, fields.extended);
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

export interface GrhOptions {
  /** Default 0. */
  readonly trafficClass?: number;
  /** Default: the true one. */
  readonly payloadLength?: number;
}

/** A whole RoCE v1 frame; the addresses are GIDs (IPv4 as ::ffff:a.b.c.d). */
export function roceV1Frame(
  gids: Addresses,
  fields: BthFields,
  payload?: Buffer,
  tags: readonly VlanTag[] = [],
  given: GrhOptions = {},
): Buffer {
  const transport = roceTransport(fields, payload);
  const header = Buffer.concat([
    u16(0x6000 | ((given.trafficClass ?? 0) << 4), 0, given.payloadLength ?? transport.length),
    Buffer.from([0x1b, 64]), // next header: BTH; hop limit
    parseAddress(gids.src),
    parseAddress(gids.dst),
  ]);
  return ethernet(ETHERTYPE.roceV1, Buffer.concat([header, transport]), tags);
}
