// SPDX-License-Identifier: Apache-2.0
// The reference parser's part up to the transport header: link, VLAN tags, IPv4, IPv6 and GRH. See
// reference-parser.ts.

import { FRAMING, type Framing } from '../../../src/abi/kinds.js';
import { formatAddress } from '../frames/addresses.js';
import { BTH_LENGTH } from './reference-bth.js';

/** What lies outside the transport header. Offsets into the frame, in bytes. */
interface Addressed {
  readonly srcIp: string;
  readonly dstIp: string;
  readonly vlan: number;
  /** IPv4's type of service, or the traffic class of IPv6 and GRH. */
  readonly trafficClass: number;
  /** Where the transport header starts. */
  readonly start: number;
  /** Where the packet ends: by its own length, but never beyond the frame. */
  readonly end: number;
}

export interface IpPacket extends Addressed {
  readonly what: 'ip';
  readonly ipVersion: 4 | 6;
  readonly protocol: number;
  readonly laterFragment: boolean;
  /** Where the packet ends by its own length, cut off or not; Infinity where it states none. */
  readonly statedEnd: number;
  /**
   * Beyond which a UDP datagram cannot reach: where the packet ends by its own length (the frame may be
   * cut off before), or where the frame ends if it states none. A datagram that goes on in further
   * fragments (RFC 791 section 3.2, RFC 8200 section 4.5) is put together from at most 65,535 bytes.
   */
  readonly datagramEnd: number;
}

/** RoCE v1: what is behind a GRH. */
export interface GrhPacket extends Addressed {
  readonly what: 'grh';
  /** From the BTH through the ICRC, by the GRH. */
  readonly payloadLengthBytes: number;
}

/** A frame without a packet, and why. */
export interface NoPacket {
  readonly what: 'nonIp' | 'malformed';
  /** See FRAME_REASONS. */
  readonly reason: string;
}

export type LocatedPacket = IpPacket | GrhPacket | NoPacket;

const VLAN_ETHERTYPES: readonly number[] = [0x8100, 0x88a8, 0x9100];
const IPV6_FRAGMENT = 44;
const IPV6_AUTHENTICATION = 51;
const IPV6_EXTENSIONS: readonly number[] = [0, 43, IPV6_FRAGMENT, IPV6_AUTHENTICATION, 60, 135, 139, 140];
const IPV6_EXTENSIONS_MAX = 8;
const FRAGMENT_HEADER_LENGTH = 8;
const GRH_LENGTH = 40;
/** Bytes of an IPv4 packet, and of an IPv6 packet's payload, before it is divided. */
const DATAGRAM_MAX = 0xffff;

/** Where the outermost packet of a frame lies. Never throws. */
export function locatePacket(frame: Buffer, framing: Framing): LocatedPacket {
  switch (framing) {
    case FRAMING.ethernet:
      return locateEthernet(frame);
    case FRAMING.infiniband:
      return frame.length < 24
        ? malformed('link_truncated')
        : locateEtherType(frame, frame.readUInt16BE(20), 24, 0, framing);
    case FRAMING.l3:
      if (frame.length === 0) return malformed('link_truncated');
      switch (frame.readUInt8(0) >> 4) {
        case 4:
          return locateIpv4(frame, 0, 0);
        case 6:
          return locateIpv6(frame, 0, 0);
        default:
          return malformed('l3_version');
      }
  }
}

function locateEthernet(frame: Buffer): LocatedPacket {
  if (frame.length < 14) return malformed('link_truncated');
  let etherType = frame.readUInt16BE(12);
  let start = 14;
  let outerVlan = 0;
  for (let depth = 0; VLAN_ETHERTYPES.includes(etherType); depth++) {
    if (depth === 2) return nonIp('vlan_depth');
    if (frame.length < start + 4) return malformed('link_truncated');
    if (depth === 0) {
      outerVlan = frame.readUInt16BE(start) & 0x0fff;
    }
    etherType = frame.readUInt16BE(start + 2);
    start += 4;
  }
  return locateEtherType(frame, etherType, start, outerVlan, FRAMING.ethernet);
}

function locateEtherType(
  frame: Buffer,
  etherType: number,
  start: number,
  vlan: number,
  framing: Framing,
): LocatedPacket {
  if (etherType < 0x0600) return nonIp('llc');
  switch (etherType) {
    case 0x0800:
      return locateIpv4(frame, start, vlan);
    case 0x86dd:
      return locateIpv6(frame, start, vlan);
    case 0x0806:
    case 0x8035:
      return nonIp('arp');
    case 0x8915:
      return framing === FRAMING.ethernet ? locateGrh(frame, start, vlan) : nonIp('ethertype');
    case 0x8808:
      return nonIp(macControlReason(frame, start));
    default:
      return nonIp('ethertype');
  }
}

/** IEEE 802.3: MAC control; the opcode follows the EtherType. */
function macControlReason(frame: Buffer, start: number): string {
  if (frame.length < start + 2) return 'ethertype';
  const opcode = frame.readUInt16BE(start);
  return opcode === 0x0001 ? 'pause' : opcode === 0x0101 ? 'pfc' : 'ethertype';
}

function locateIpv4(frame: Buffer, start: number, vlan: number): LocatedPacket {
  const available = frame.length - start;
  if (available < 20) return malformed('ipv4_truncated');
  const versionAndLength = frame.readUInt8(start);
  if (versionAndLength >> 4 !== 4) return malformed('ipv4_version');
  const headerLength = (versionAndLength & 0x0f) * 4;
  if (headerLength < 20) return malformed('ipv4_header_length');
  if (available < headerLength) return malformed('ipv4_truncated');
  const totalLength = frame.readUInt16BE(start + 2);
  if (totalLength !== 0 && totalLength < headerLength) return malformed('ipv4_total_length');
  const fragment = frame.readUInt16BE(start + 6);
  const moreFragments = (fragment & 0x2000) !== 0;
  const statedEnd = totalLength === 0 ? Number.POSITIVE_INFINITY : start + totalLength;
  const end = Math.min(frame.length, statedEnd);
  return {
    what: 'ip',
    ipVersion: 4,
    srcIp: formatAddress(frame.subarray(start + 12, start + 16)),
    dstIp: formatAddress(frame.subarray(start + 16, start + 20)),
    vlan,
    protocol: frame.readUInt8(start + 9),
    start: start + headerLength,
    trafficClass: frame.readUInt8(start + 1),
    end,
    laterFragment: (fragment & 0x1fff) !== 0,
    statedEnd,
    datagramEnd: moreFragments ? start + DATAGRAM_MAX : totalLength === 0 ? frame.length : statedEnd,
  };
}

function locateIpv6(frame: Buffer, start: number, vlan: number): LocatedPacket {
  if (frame.length - start < 40) return malformed('ipv6_truncated');
  if (frame.readUInt8(start) >> 4 !== 6) return malformed('ipv6_version');
  const payloadLength = frame.readUInt16BE(start + 4);
  const statedEnd = payloadLength === 0 ? Number.POSITIVE_INFINITY : start + 40 + payloadLength;
  const end = Math.min(frame.length, statedEnd);
  let protocol = frame.readUInt8(start + 6);
  let next = start + 40;
  let laterFragment = false;
  let moreFragments = false;
  for (let depth = 0; !laterFragment && IPV6_EXTENSIONS.includes(protocol); depth++) {
    if (depth === IPV6_EXTENSIONS_MAX) return malformed('ipv6_extension_depth');
    if (end - next < 8) return malformed('ipv6_extension_truncated');
    const length = extensionLength(protocol, frame.readUInt8(next + 1));
    if (end - next < length) return malformed('ipv6_extension_truncated');
    if (protocol === IPV6_FRAGMENT) {
      laterFragment = (frame.readUInt16BE(next + 2) & 0xfff8) !== 0;
      moreFragments ||= (frame.readUInt16BE(next + 2) & 0x0001) !== 0;
    }
    protocol = frame.readUInt8(next);
    next += length;
  }
  return {
    what: 'ip',
    ipVersion: 6,
    srcIp: formatAddress(frame.subarray(start + 8, start + 24)),
    dstIp: formatAddress(frame.subarray(start + 24, start + 40)),
    vlan,
    protocol,
    start: next,
    trafficClass: (frame.readUInt16BE(start) >> 4) & 0xff,
    end,
    laterFragment,
    statedEnd,
    // What is put together has all headers but that of the fragment.
    datagramEnd: moreFragments
      ? start + 40 + FRAGMENT_HEADER_LENGTH + DATAGRAM_MAX
      : payloadLength === 0
        ? frame.length
        : statedEnd,
  };
}

function extensionLength(protocol: number, lengthField: number): number {
  switch (protocol) {
    case IPV6_FRAGMENT:
      return FRAGMENT_HEADER_LENGTH;
    case IPV6_AUTHENTICATION:
      return (lengthField + 2) * 4;
    default:
      return (lengthField + 1) * 8;
  }
}

function locateGrh(frame: Buffer, start: number, vlan: number): LocatedPacket {
  const bth = start + GRH_LENGTH;
  if (frame.length < bth) return malformed('grh_truncated');
  const isCutOff = frame.length < bth + BTH_LENGTH;
  if (frame.readUInt8(start) >> 4 !== 6) return malformed(isCutOff ? 'grh_truncated' : 'grh_version');
  if (frame.readUInt8(start + 6) !== 0x1b) return malformed(isCutOff ? 'grh_truncated' : 'grh_next_header');
  return {
    what: 'grh',
    srcIp: formatAddress(frame.subarray(start + 8, start + 24)),
    dstIp: formatAddress(frame.subarray(start + 24, start + 40)),
    trafficClass: (frame.readUInt16BE(start) >> 4) & 0xff,
    vlan,
    start: bth,
    end: frame.length,
    payloadLengthBytes: frame.readUInt16BE(start + 4),
  };
}

function nonIp(reason: string): NoPacket {
  return { what: 'nonIp', reason };
}

function malformed(reason: string): NoPacket {
  return { what: 'malformed', reason };
}
