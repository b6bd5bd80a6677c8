// SPDX-License-Identifier: Apache-2.0
// Builds frames for tests, header by header, with right lengths and checksums (IPv4, TCP, UDP,
// UDP-Lite, DCCP, ICMPv6; not SCTP's CRC32c). Wrong ones are made by changing the bytes of right ones.

import { FRAMING, type Framing } from '../../../src/abi/kinds.js';
import { parseAddress } from './addresses.js';

export const ETHERTYPE = {
  ipv4: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  vlan: 0x8100,
  ipv6: 0x86dd,
  pause: 0x8808,
  mpls: 0x8847,
  vlanService: 0x88a8,
  lldp: 0x88cc,
  roceV1: 0x8915,
  vlanOld: 0x9100,
} as const;

export const PROTOCOL = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  icmpv6: 58,
  sctp: 132,
  udpLite: 136,
} as const;

/** What an IP header carries. */
export interface Segment {
  readonly protocol: number;
  readonly bytes: Buffer;
  /** Where the checksum over pseudo header and segment belongs, if it has one. */
  readonly checksumAt?: number;
}

export interface VlanTag {
  readonly id: number;
  /** Default 0x8100. */
  readonly etherType?: number;
  /** Three bits; default 0. */
  readonly priority?: number;
}

/** Both ends of a packet, as text. */
export interface Addresses {
  readonly src: string;
  readonly dst: string;
}

const EMPTY = Buffer.alloc(0);
// Locally administered, so no vendor's.
const MAC_A = Buffer.from('020000000001', 'hex');
const MAC_B = Buffer.from('020000000002', 'hex');

export function ethernet(etherType: number, payload: Buffer, tags: readonly VlanTag[] = []): Buffer {
  const types: number[] = [...tags.map((tag) => tag.etherType ?? ETHERTYPE.vlan), etherType];
  const middle = types.map((type, i) => {
    const tag = tags[i - 1];
    return tag === undefined ? u16(type) : u16(((tag.priority ?? 0) << 13) | tag.id, type);
  });
  return Buffer.concat([MAC_B, MAC_A, ...middle, payload]);
}

/** IPoIB as generic XDP shows it: 20 zero bytes, EtherType, 2 reserved bytes. */
export function infiniband(etherType: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(20), u16(etherType, 0), payload]);
}

/** An IP packet as it starts on a link of this framing. */
export function framed(framing: Framing, packet: Buffer): Buffer {
  const etherType = (packet[0] ?? 0) >> 4 === 4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6;
  switch (framing) {
    case FRAMING.ethernet:
      return ethernet(etherType, packet);
    case FRAMING.infiniband:
      return infiniband(etherType, packet);
    case FRAMING.l3:
      return packet;
  }
}

export interface Ipv4Options {
  /** Option bytes, up to 40; padded to a multiple of 4. */
  readonly options?: Buffer;
  readonly moreFragments?: boolean;
  /** Bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  readonly identification?: number;
  /** Default: the true one. */
  readonly totalLength?: number;
  /** Type of service: DSCP x 4 + ECN. Default 0. */
  readonly trafficClass?: number;
}

export function ipv4({ src, dst }: Addresses, segment: Segment, given: Ipv4Options = {}): Buffer {
  const options = given.options ?? EMPTY;
  const header = Buffer.alloc(20 + Math.ceil(options.length / 4) * 4);
  const whole = given.moreFragments !== true && given.fragmentOffset === undefined;
  const payload = whole ? checksummed(segment, parseAddress(src), parseAddress(dst)) : segment.bytes;
  header[0] = 0x40 | (header.length / 4);
  header[1] = given.trafficClass ?? 0;
  header.writeUInt16BE(given.totalLength ?? header.length + payload.length, 2);
  header.writeUInt16BE(given.identification ?? 0, 4);
  header.writeUInt16BE((given.moreFragments === true ? 0x2000 : 0) | ((given.fragmentOffset ?? 0) / 8), 6);
  header[8] = 64;
  header[9] = segment.protocol;
  parseAddress(src).copy(header, 12);
  parseAddress(dst).copy(header, 16);
  options.copy(header, 20);
  header.writeUInt16BE(internetChecksum([header]), 10);
  return Buffer.concat([header, payload]);
}

export interface Ipv6Options {
  readonly extensions?: readonly Extension[];
  /** Default: the true one. */
  readonly payloadLength?: number;
  /** Default 0. */
  readonly trafficClass?: number;
}

/** An extension header but for its next header byte, which is byte 0. */
export interface Extension {
  readonly protocol: number;
  readonly bytes: Buffer;
}

export function ipv6({ src, dst }: Addresses, segment: Segment, given: Ipv6Options = {}): Buffer {
  const extensions = given.extensions ?? [];
  const whole = !extensions.some((extension) => extension.protocol === 44);
  const payload = whole ? checksummed(segment, parseAddress(src), parseAddress(dst)) : segment.bytes;
  const chain = extensions.map((extension, i) => {
    const bytes = Buffer.from(extension.bytes);
    bytes[0] = extensions[i + 1]?.protocol ?? segment.protocol;
    return bytes;
  });
  const header = Buffer.alloc(40);
  const body = Buffer.concat([...chain, payload]);
  header.writeUInt16BE(0x6000 | ((given.trafficClass ?? 0) << 4));
  header.writeUInt16BE(given.payloadLength ?? body.length, 4);
  header[6] = extensions[0]?.protocol ?? segment.protocol;
  header[7] = 64;
  parseAddress(src).copy(header, 8);
  parseAddress(dst).copy(header, 24);
  return Buffer.concat([header, body]);
}

/** Hop-by-hop (0), routing (43), destination (60), mobility (135), HIP (139) or shim6 (140): 8 x units bytes. */
export function extension(protocol: number, units = 1): Extension {
  const bytes = Buffer.alloc(8 * units);
  bytes[1] = units - 1;
  if (protocol === 0 || protocol === 60) {
    bytes[2] = 1; // PadN over the rest
    bytes[3] = bytes.length - 4;
  }
  return { protocol, bytes };
}

/** An authentication header (51) with a check value of so many bytes, a multiple of 4. */
export function authentication(checkValueLength = 12): Extension {
  const bytes = Buffer.alloc(12 + checkValueLength);
  bytes[1] = bytes.length / 4 - 2;
  return { protocol: 51, bytes };
}

/** An IPv6 fragment header (44). The offset is in bytes, a multiple of 8. */
export function fragmentHeader(offset: number, moreFragments: boolean): Extension {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16BE(offset | (moreFragments ? 1 : 0), 2);
  bytes.writeUInt32BE(0xf4a60001, 4);
  return { protocol: 44, bytes };
}

/** A packet's segment in IPv4 fragments of so many payload bytes (a multiple of 8). */
export function ipv4Fragments(ends: Addresses, segment: Segment, step: number): Buffer[] {
  return pieces(ends, segment, step).map(({ piece, offset, last }) =>
    ipv4(ends, piece, { fragmentOffset: offset, moreFragments: !last, identification: 0xf4a6 }),
  );
}

/** The same for IPv6. */
export function ipv6Fragments(ends: Addresses, segment: Segment, step: number): Buffer[] {
  return pieces(ends, segment, step).map(({ piece, offset, last }) =>
    ipv6(ends, piece, { extensions: [fragmentHeader(offset, !last)] }),
  );
}

function pieces({ src, dst }: Addresses, segment: Segment, step: number) {
  const bytes = checksummed(segment, parseAddress(src), parseAddress(dst));
  return Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => ({
    piece: { protocol: segment.protocol, bytes: bytes.subarray(i * step, (i + 1) * step) },
    offset: i * step,
    last: (i + 1) * step >= bytes.length,
  }));
}

export function tcp(sport: number, dport: number, payload: Buffer = EMPTY): Segment {
  const header = Buffer.concat([u16(sport, dport), Buffer.alloc(16)]);
  header[12] = 5 << 4;
  header[13] = 0x10; // ACK
  header.writeUInt16BE(0xffff, 14);
  return { protocol: PROTOCOL.tcp, bytes: Buffer.concat([header, payload]), checksumAt: 16 };
}

export function udp(sport: number, dport: number, payload: Buffer = EMPTY): Segment {
  const header = u16(sport, dport, 8 + payload.length, 0);
  return { protocol: PROTOCOL.udp, bytes: Buffer.concat([header, payload]), checksumAt: 6 };
}

/** UDP-Lite with its checksum over all. */
export function udpLite(sport: number, dport: number, payload: Buffer = EMPTY): Segment {
  return { ...udp(sport, dport, payload), protocol: PROTOCOL.udpLite };
}

export function dccp(sport: number, dport: number, payload: Buffer = EMPTY): Segment {
  const header = Buffer.concat([u16(sport, dport), Buffer.alloc(12)]);
  header[4] = 4; // data offset in words, up to here
  header[8] = (2 << 1) | 1; // DCCP-Data, long sequence numbers
  return { protocol: PROTOCOL.dccp, bytes: Buffer.concat([header, u16(0), payload]), checksumAt: 6 };
}

export function sctp(sport: number, dport: number, payload: Buffer = EMPTY): Segment {
  return {
    protocol: PROTOCOL.sctp,
    bytes: Buffer.concat([u16(sport, dport), Buffer.alloc(8), payload]),
  };
}

export function icmpEcho(payload: Buffer = EMPTY): Segment {
  const bytes = Buffer.concat([Buffer.from('0800000000010001', 'hex'), payload]);
  bytes.writeUInt16BE(internetChecksum([bytes]), 2);
  return { protocol: PROTOCOL.icmp, bytes };
}

export function icmpv6Echo(payload: Buffer = EMPTY): Segment {
  const bytes = Buffer.concat([Buffer.from('8000000000010001', 'hex'), payload]);
  return { protocol: PROTOCOL.icmpv6, bytes, checksumAt: 2 };
}

/** Any other protocol. */
export function opaque(protocol: number, bytes: Buffer = Buffer.alloc(16, 0xa5)): Segment {
  return { protocol, bytes };
}

/** So many bytes that are not all the same. */
export function payloadOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => i & 0xff));
}

/** One's complement of the one's complement sum (RFC 1071) over parts, each but the last of even length. */
export function internetChecksum(parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) {
      sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
    }
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  }
  return ~sum & 0xffff;
}

function checksummed({ bytes, protocol, checksumAt }: Segment, src: Buffer, dst: Buffer): Buffer {
  if (checksumAt === undefined) return bytes;
  const copy = Buffer.from(bytes);
  const sum = internetChecksum([
    src,
    dst,
    u16(0, protocol, Math.floor(bytes.length / 0x10000), bytes.length & 0xffff),
    copy,
  ]);
  copy.writeUInt16BE(sum === 0 ? 0xffff : sum, checksumAt); // 0 would mean: none
  return copy;
}

/** Numbers as 16 bits each, big end first. */
export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => {
    bytes.writeUInt16BE(value, 2 * i);
  });
  return bytes;
}
