// SPDX-License-Identifier: Apache-2.0
// The law of the parser a second time, in TypeScript, written without sight of the C: what key a
// frame must be counted under. Tests compare the BPF program with it, frame by frame. It may be
// slow; it must be plain. Where the two disagree, one of them is wrong.

import { FRAMING, type Framing, KIND } from '../../src/abi/kinds.js';
import { FRAME_REASONS } from '../../src/abi/reasons.js';
import { formatAddress } from './addresses.js';
import { destinationQp, isBth } from './reference-bth.js';

/** The key of a frame, before masks. Addresses in the form of formatAddress(). */
export interface ParsedFrame {
  readonly family: 4 | 6;
  readonly srcIp: string;
  readonly dstIp: string;
  readonly srcPort: number;
  readonly dstPort: number;
  /** IP protocol, 20, 21 or 254, or the reason code for kinds without a flow. */
  readonly protocol: number;
  readonly kind: number;
  readonly vlan: number;
  readonly qp: number;
}

const TCP = 6;
const UDP = 17;
const PROTOCOL_INFINIBAND = 20;
const PROTOCOL_ROCE_V1 = 21;
const PROTOCOL_ROCE_V2 = 254;
const ROCE_PORT = 4791;
const PROTOCOLS_WITH_PORTS: readonly number[] = [TCP, UDP, 33, 132, 136];
const VLAN_ETHERTYPES: readonly number[] = [0x8100, 0x88a8, 0x9100];
const IPV6_FRAGMENT = 44;
const IPV6_AUTHENTICATION = 51;
const IPV6_EXTENSIONS: readonly number[] = [0, 43, IPV6_FRAGMENT, IPV6_AUTHENTICATION, 60, 135, 139, 140];
const IPV6_EXTENSIONS_MAX = 8;
const BTH_LENGTH = 12;
const ICRC_LENGTH = 4;
const UDP_LENGTH = 8;
const GRH_LENGTH = 40;

/** What lies outside the transport header and ends up in the key. */
interface Network {
  readonly family: 4 | 6;
  readonly srcIp: string;
  readonly dstIp: string;
  readonly vlan: number;
  readonly protocol: number;
  /** Where the transport header starts, where the packet ends. */
  readonly start: number;
  readonly end: number;
  readonly laterFragment: boolean;
}

/** The key under which a frame must be counted. Never throws. */
export function parseFrame(frame: Buffer, framing: Framing): ParsedFrame {
  switch (framing) {
    case FRAMING.ethernet:
      return parseEthernet(frame);
    case FRAMING.infiniband:
      return frame.length < 24
        ? malformed('link_truncated')
        : parseEtherType(frame, frame.readUInt16BE(20), 24, 0, framing);
    case FRAMING.l3:
      if (frame.length === 0) {
        return malformed('link_truncated');
      }
      switch (frame.readUInt8(0) >> 4) {
        case 4:
          return parseIpv4(frame, 0, 0, framing);
        case 6:
          return parseIpv6(frame, 0, 0, framing);
        default:
          return malformed('l3_version');
      }
  }
}

function parseEthernet(frame: Buffer): ParsedFrame {
  if (frame.length < 14) {
    return malformed('link_truncated');
  }
  let etherType = frame.readUInt16BE(12);
  let start = 14;
  let outerVlan = 0;
  for (let depth = 0; VLAN_ETHERTYPES.includes(etherType); depth++) {
    if (depth === 2) {
      return nonIp('vlan_depth');
    }
    if (frame.length < start + 4) {
      return malformed('link_truncated');
    }
    if (depth === 0) {
      outerVlan = frame.readUInt16BE(start) & 0x0fff;
    }
    etherType = frame.readUInt16BE(start + 2);
    start += 4;
  }
  return parseEtherType(frame, etherType, start, outerVlan, FRAMING.ethernet);
}

function parseEtherType(
  frame: Buffer,
  etherType: number,
  start: number,
  vlan: number,
  framing: Framing,
): ParsedFrame {
  if (etherType < 0x0600) {
    return nonIp('llc');
  }
  switch (etherType) {
    case 0x0800:
      return parseIpv4(frame, start, vlan, framing);
    case 0x86dd:
      return parseIpv6(frame, start, vlan, framing);
    case 0x0806:
    case 0x8035:
      return nonIp('arp');
    case 0x8915:
      return framing === FRAMING.ethernet ? parseRoceV1(frame, start, vlan) : nonIp('ethertype');
    default:
      return nonIp('ethertype');
  }
}

function parseIpv4(frame: Buffer, start: number, vlan: number, framing: Framing): ParsedFrame {
  const available = frame.length - start;
  if (available < 20) {
    return malformed('ipv4_truncated');
  }
  const versionAndLength = frame.readUInt8(start);
  if (versionAndLength >> 4 !== 4) {
    return malformed('ipv4_version');
  }
  const headerLength = (versionAndLength & 0x0f) * 4;
  if (headerLength < 20) {
    return malformed('ipv4_header_length');
  }
  if (available < headerLength) {
    return malformed('ipv4_truncated');
  }
  const totalLength = frame.readUInt16BE(start + 2);
  if (totalLength !== 0 && totalLength < headerLength) {
    return malformed('ipv4_total_length');
  }
  const network: Network = {
    family: 4,
    srcIp: formatAddress(frame.subarray(start + 12, start + 16)),
    dstIp: formatAddress(frame.subarray(start + 16, start + 20)),
    vlan,
    protocol: frame.readUInt8(start + 9),
    start: start + headerLength,
    end: totalLength === 0 ? frame.length : Math.min(frame.length, start + totalLength),
    laterFragment: (frame.readUInt16BE(start + 6) & 0x1fff) !== 0,
  };
  return parseTransport(frame, network, framing);
}

function parseIpv6(frame: Buffer, start: number, vlan: number, framing: Framing): ParsedFrame {
  if (frame.length - start < 40) {
    return malformed('ipv6_truncated');
  }
  if (frame.readUInt8(start) >> 4 !== 6) {
    return malformed('ipv6_version');
  }
  const payloadLength = frame.readUInt16BE(start + 4);
  const end = payloadLength === 0 ? frame.length : Math.min(frame.length, start + 40 + payloadLength);
  let protocol = frame.readUInt8(start + 6);
  let next = start + 40;
  let laterFragment = false;
  for (let depth = 0; !laterFragment && IPV6_EXTENSIONS.includes(protocol); depth++) {
    if (depth === IPV6_EXTENSIONS_MAX) {
      return malformed('ipv6_extension_depth');
    }
    if (end - next < 8) {
      return malformed('ipv6_extension_truncated');
    }
    const length = extensionLength(protocol, frame.readUInt8(next + 1));
    if (end - next < length) {
      return malformed('ipv6_extension_truncated');
    }
    if (protocol === IPV6_FRAGMENT) {
      laterFragment = (frame.readUInt16BE(next + 2) & 0xfff8) !== 0;
    }
    protocol = frame.readUInt8(next);
    next += length;
  }
  const network: Network = {
    family: 6,
    srcIp: formatAddress(frame.subarray(start + 8, start + 24)),
    dstIp: formatAddress(frame.subarray(start + 24, start + 40)),
    vlan,
    protocol,
    start: next,
    end,
    laterFragment,
  };
  return parseTransport(frame, network, framing);
}

function extensionLength(protocol: number, lengthField: number): number {
  switch (protocol) {
    case IPV6_FRAGMENT:
      return 8;
    case IPV6_AUTHENTICATION:
      return (lengthField + 2) * 4;
    default:
      return (lengthField + 1) * 8;
  }
}

function parseTransport(frame: Buffer, network: Network, framing: Framing): ParsedFrame {
  const { start, end, laterFragment, ...addressed } = network;
  const { protocol } = network;
  let srcPort = 0;
  let dstPort = 0;
  if (!laterFragment && PROTOCOLS_WITH_PORTS.includes(protocol)) {
    if (end - start < 4) {
      return malformed('transport_truncated');
    }
    srcPort = frame.readUInt16BE(start);
    dstPort = frame.readUInt16BE(start + 2);
  }
  const flow = { ...addressed, srcPort, dstPort, qp: 0 };
  if (protocol === TCP) {
    return { ...flow, kind: KIND.tcp };
  }
  if (protocol !== UDP) {
    return framing === FRAMING.infiniband
      ? { ...flow, srcPort: 0, dstPort: 0, kind: KIND.infiniband, protocol: PROTOCOL_INFINIBAND }
      : { ...flow, kind: KIND.other };
  }
  if (srcPort !== ROCE_PORT && dstPort !== ROCE_PORT) {
    return { ...flow, kind: KIND.udp };
  }
  const roce =
    dstPort === ROCE_PORT &&
    end - start >= UDP_LENGTH + BTH_LENGTH &&
    frame.readUInt16BE(start + 4) >= UDP_LENGTH + BTH_LENGTH + ICRC_LENGTH &&
    isBth(frame, start + UDP_LENGTH);
  return roce
    ? { ...flow, kind: KIND.roceV2, protocol: PROTOCOL_ROCE_V2, qp: destinationQp(frame, start + UDP_LENGTH) }
    : { ...flow, kind: KIND.roceV2Udp };
}

function parseRoceV1(frame: Buffer, start: number, vlan: number): ParsedFrame {
  const bth = start + GRH_LENGTH;
  if (frame.length < bth + BTH_LENGTH) {
    return malformed('grh_truncated');
  }
  if (frame.readUInt8(start) >> 4 !== 6) {
    return malformed('grh_version');
  }
  if (frame.readUInt8(start + 6) !== 0x1b) {
    return malformed('grh_next_header');
  }
  if (!isBth(frame, bth)) {
    return malformed('bth_invalid');
  }
  return {
    family: 6,
    srcIp: formatAddress(frame.subarray(start + 8, start + 24)),
    dstIp: formatAddress(frame.subarray(start + 24, start + 40)),
    srcPort: 0,
    dstPort: 0,
    protocol: PROTOCOL_ROCE_V1,
    kind: KIND.roceV1,
    vlan,
    qp: destinationQp(frame, bth),
  };
}

function nonIp(reason: string): ParsedFrame {
  return withoutFlow(KIND.nonIp, reason);
}

function malformed(reason: string): ParsedFrame {
  return withoutFlow(KIND.malformed, reason);
}

/** The key of a frame without a flow: IPv4 layout, all zero but kind and reason. */
export function withoutFlow(kind: number, reason: string): ParsedFrame {
  const code = FRAME_REASONS.indexOf(reason);
  if (code < 1) {
    throw new RangeError(`no frame reason is called ${reason}`);
  }
  return {
    family: 4,
    srcIp: '0.0.0.0',
    dstIp: '0.0.0.0',
    srcPort: 0,
    dstPort: 0,
    protocol: code,
    kind,
    vlan: 0,
    qp: 0,
  };
}
