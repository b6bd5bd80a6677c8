// SPDX-License-Identifier: Apache-2.0
// One frame for every kind of header, each with the key it must be counted under, written out by
// hand: they bear witness against the reference parser as well as against the BPF program.

import { FRAMING, type Framing, KIND } from '../../src/abi/kinds.js';
import * as control from './control-frames.js';
import * as frames from './frames.js';
import { type ParsedFrame, withoutFlow } from './reference-parser.js';
import * as roce from './roce-frames.js';

const { authentication, ethernet, ETHERTYPE, extension, fragmentHeader, ipv4, ipv6, payloadOf } = frames;
const { tcp, udp } = frames;

export interface FrameVector {
  readonly name: string;
  readonly framing: Framing;
  readonly frame: Buffer;
  readonly expected: ParsedFrame;
}

const ENDS4 = { src: '192.0.2.1', dst: '198.51.100.2' };
const ENDS6 = { src: '2001:db8::1', dst: '2001:db8:0:1::2' };
const FLOW4 = { family: 4, srcIp: ENDS4.src, dstIp: ENDS4.dst, vlan: 0, qp: 0 } as const;
const FLOW6 = {
  family: 6,
  srcIp: '2001:db8:0:0:0:0:0:1',
  dstIp: '2001:db8:0:1:0:0:0:2',
  vlan: 0,
  qp: 0,
} as const;
const PORTS = { srcPort: 40_000, dstPort: 443 } as const;
const NO_PORTS = { srcPort: 0, dstPort: 0 } as const;
const TCP = { ...PORTS, protocol: 6, kind: KIND.tcp } as const;
const UDP = { ...PORTS, protocol: 17, kind: KIND.udp } as const;
const ROCE_V2 = { srcPort: 0xc000, dstPort: 4791, protocol: 254, kind: KIND.roceV2, qp: 0xabcdef } as const;
const ROCE_V2_UDP = { ...ROCE_V2, protocol: 17, kind: KIND.roceV2Udp, qp: 0 } as const;
const ROCE_V1 = { ...NO_PORTS, protocol: 21, kind: KIND.roceV1, qp: 0xabcdef } as const;
const QP = 0xabcdef;
const DATA = payloadOf(10);
const tcpSegment = tcp(40_000, 443, DATA);
const udpSegment = udp(40_000, 443, DATA);
const writeOnly = roce.roceV2({ opcode: 0x0a, destinationQp: QP }, DATA);

/** On Ethernet. */
function ether(name: string, frame: Buffer, expected: ParsedFrame): FrameVector {
  return { name, framing: FRAMING.ethernet, frame, expected };
}

function over4(
  segment: frames.Segment,
  options?: frames.Ipv4Options,
  tags?: readonly frames.VlanTag[],
): Buffer {
  return ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, segment, options), tags);
}

function over6(
  segment: frames.Segment,
  options?: frames.Ipv6Options,
  tags?: readonly frames.VlanTag[],
): Buffer {
  return ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, segment, options), tags);
}

function malformed(name: string, reason: string, frame: Buffer): FrameVector {
  return ether(name, frame, withoutFlow(KIND.malformed, reason));
}

function nonIp(name: string, reason: string, frame: Buffer): FrameVector {
  return ether(name, frame, withoutFlow(KIND.nonIp, reason));
}

/** A frame with one byte changed. */
function changed(frame: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(frame);
  copy.writeUInt8(value, offset);
  return copy;
}

function other(family: 4 | 6, protocol: number, ports: { srcPort: number; dstPort: number }): ParsedFrame {
  return { ...(family === 4 ? FLOW4 : FLOW6), ...ports, protocol, kind: KIND.other };
}

const TRANSPORTS: readonly FrameVector[] = [
  ether('TCP over IPv4', over4(tcpSegment), { ...FLOW4, ...TCP }),
  ether('TCP over IPv6', over6(tcpSegment), { ...FLOW6, ...TCP }),
  ether('UDP over IPv4', over4(udpSegment), { ...FLOW4, ...UDP }),
  ether('UDP over IPv6', over6(udpSegment), { ...FLOW6, ...UDP }),
  ether('UDP-Lite', over4(frames.udpLite(40_000, 443, DATA)), other(4, 136, PORTS)),
  ether('DCCP', over6(frames.dccp(40_000, 443, DATA)), other(6, 33, PORTS)),
  ether('SCTP', over4(frames.sctp(40_000, 443, DATA)), other(4, 132, PORTS)),
  ether('ICMP', over4(frames.icmpEcho(DATA)), other(4, 1, NO_PORTS)),
  ether('ICMPv6', over6(frames.icmpv6Echo(DATA)), other(6, 58, NO_PORTS)),
  ether('GRE', over4(frames.opaque(frames.PROTOCOL.gre)), other(4, 47, NO_PORTS)),
  ether('ESP over IPv6', over6(frames.opaque(frames.PROTOCOL.esp)), other(6, 50, NO_PORTS)),
  ether('no next header', over6(frames.opaque(59, Buffer.alloc(0))), other(6, 59, NO_PORTS)),
  ether('IGMP without a payload', over4(frames.opaque(2, Buffer.alloc(0))), other(4, 2, NO_PORTS)),
];

const IPV4: readonly FrameVector[] = [
  ether('IPv4 with 4 bytes of options', over4(udpSegment, { options: Buffer.from('94040000', 'hex') }), {
    ...FLOW4,
    ...UDP,
  }),
  ether('IPv4 with 40 bytes of options', over4(tcpSegment, { options: Buffer.alloc(40, 1) }), {
    ...FLOW4,
    ...TCP,
  }),
  ether('first fragment', over4(udpSegment, { moreFragments: true }), { ...FLOW4, ...UDP }),
  ether('middle fragment', over4(udpSegment, { moreFragments: true, fragmentOffset: 8 }), {
    ...FLOW4,
    ...UDP,
    ...NO_PORTS,
  }),
  ether('last fragment', over4(tcpSegment, { fragmentOffset: 65_528 }), { ...FLOW4, ...TCP, ...NO_PORTS }),
  ether(
    'later fragment with an empty payload',
    over4({ ...tcpSegment, bytes: DATA.subarray(0, 0) }, { fragmentOffset: 8 }),
    {
      ...FLOW4,
      ...TCP,
      ...NO_PORTS,
    },
  ),
  ether('IPv4 total length 0, as with TSO', over4(tcpSegment, { totalLength: 0 }), { ...FLOW4, ...TCP }),
  ether('IPv4 total length beyond the frame', over4(tcpSegment, { totalLength: 9000 }), { ...FLOW4, ...TCP }),
  ether('IPv4 with Ethernet padding', Buffer.concat([over4(udp(40_000, 443)), Buffer.alloc(18)]), {
    ...FLOW4,
    ...UDP,
  }),
  malformed('IPv4 version 5', 'ipv4_version', changed(over4(tcpSegment), 14, 0x55)),
  malformed('IPv4 header of 16 bytes', 'ipv4_header_length', changed(over4(tcpSegment), 14, 0x44)),
  malformed('IPv4 options beyond the frame', 'ipv4_truncated', changed(over4(udp(1, 2)), 14, 0x4f)),
  malformed(
    'IPv4 total length below the header',
    'ipv4_total_length',
    over4(tcpSegment, { totalLength: 19 }),
  ),
  malformed(
    'ports in the padding behind the packet',
    'transport_truncated',
    over4(tcpSegment, { totalLength: 23 }),
  ),
];

const deep = Array.from({ length: 8 }, () => extension(60));

const IPV6: readonly FrameVector[] = [
  ether(
    'every extension header',
    over6(udpSegment, { extensions: [0, 43, 60, 135, 139, 140].map((one) => extension(one, 2)) }),
    { ...FLOW6, ...UDP },
  ),
  ether('authentication header', over6(tcpSegment, { extensions: [authentication(12)] }), {
    ...FLOW6,
    ...TCP,
  }),
  ether(
    'authentication header that is no multiple of 8 bytes',
    over6(tcpSegment, { extensions: [extension(0), authentication(16)] }),
    { ...FLOW6, ...TCP },
  ),
  ether('atomic fragment', over6(udpSegment, { extensions: [fragmentHeader(0, false)] }), {
    ...FLOW6,
    ...UDP,
  }),
  ether('first IPv6 fragment', over6(udpSegment, { extensions: [fragmentHeader(0, true), extension(60)] }), {
    ...FLOW6,
    ...UDP,
  }),
  ether('later IPv6 fragment', over6(udpSegment, { extensions: [fragmentHeader(8, false)] }), {
    ...FLOW6,
    ...UDP,
    ...NO_PORTS,
  }),
  ether(
    'later IPv6 fragment of an extension header',
    over6(udpSegment, { extensions: [fragmentHeader(1280, true), extension(60)] }),
    other(6, 60, NO_PORTS),
  ),
  ether('eight extension headers', over6(tcpSegment, { extensions: deep }), { ...FLOW6, ...TCP }),
  ether('IPv6 payload length 0, as with a jumbogram', over6(tcpSegment, { payloadLength: 0 }), {
    ...FLOW6,
    ...TCP,
  }),
  malformed(
    'nine extension headers',
    'ipv6_extension_depth',
    over6(tcpSegment, { extensions: [...deep, extension(0)] }),
  ),
  malformed('IPv6 version 4', 'ipv6_version', changed(over6(tcpSegment), 14, 0x45)),
  malformed(
    'extension header longer than the packet',
    'ipv6_extension_truncated',
    changed(over6(tcp(1, 2), { extensions: [extension(0)] }), 55, 4),
  ),
  malformed(
    'extension header in the padding behind the packet',
    'ipv6_extension_truncated',
    over6(tcpSegment, { extensions: [extension(0)], payloadLength: 7 }),
  ),
  malformed(
    'extension headers up to the very end',
    'transport_truncated',
    over6({ ...tcpSegment, bytes: DATA.subarray(0, 0) }, { extensions: [fragmentHeader(0, true)] }),
  ),
];

const LINK: readonly FrameVector[] = [
  ether('one VLAN tag', over4(tcpSegment, {}, [{ id: 4094, priority: 7 }]), { ...FLOW4, ...TCP, vlan: 4094 }),
  ether('priority tag, VLAN 0', over6(udpSegment, {}, [{ id: 0, priority: 3 }]), { ...FLOW6, ...UDP }),
  ether(
    '802.1ad over 802.1Q: the outer id',
    over4(tcpSegment, {}, [{ id: 10, etherType: 0x88a8 }, { id: 20 }]),
    {
      ...FLOW4,
      ...TCP,
      vlan: 10,
    },
  ),
  ether(
    '0x9100 over 0x9100',
    over6(udpSegment, {}, [
      { id: 10, etherType: 0x9100 },
      { id: 20, etherType: 0x9100 },
    ]),
    {
      ...FLOW6,
      ...UDP,
      vlan: 10,
    },
  ),
  nonIp('three VLAN tags', 'vlan_depth', over4(tcpSegment, {}, [{ id: 1 }, { id: 2 }, { id: 3 }])),
  nonIp('ARP', 'arp', control.arpRequest(ENDS4.src, ENDS4.dst)),
  nonIp('RARP', 'arp', control.rarpRequest()),
  nonIp('LLDP', 'ethertype', control.lldp()),
  nonIp('PAUSE', 'ethertype', control.pause()),
  nonIp('priority flow control', 'ethertype', control.priorityPause(3)),
  nonIp('spanning tree', 'llc', control.spanningTree()),
  nonIp('802.3 length 0x05ff', 'llc', ethernet(0x05ff, Buffer.alloc(46))),
  nonIp('EtherType 0x0600', 'ethertype', ethernet(0x0600, Buffer.alloc(46))),
  nonIp('802.3 behind a VLAN tag', 'llc', ethernet(38, Buffer.alloc(46), [{ id: 5 }])),
  nonIp('MPLS', 'ethertype', control.mpls(16, ipv4(ENDS4, tcpSegment))),
];

/** GIDs of RoCE v1 for IPv4 addresses. */
const GIDS = { src: '::ffff:192.0.2.1', dst: '::ffff:198.51.100.2' };
const FLOW_GIDS = { ...FLOW6, srcIp: '0:0:0:0:0:ffff:c000:201', dstIp: '0:0:0:0:0:ffff:c633:6402' } as const;
const v1 = roce.roceV1Frame(ENDS6, { opcode: 0x0a, destinationQp: QP }, DATA);

const ROCE: readonly FrameVector[] = [
  ether('RoCE v2 over IPv4', over4(writeOnly), { ...FLOW4, ...ROCE_V2 }),
  ether('RoCE v2 over IPv6', over6(writeOnly), { ...FLOW6, ...ROCE_V2 }),
  ether(
    'RoCE v2 with VLAN and IPv4 options',
    over4(writeOnly, { options: Buffer.alloc(8, 1) }, [{ id: 7 }]),
    {
      ...FLOW4,
      ...ROCE_V2,
      vlan: 7,
    },
  ),
  ether('RoCE v2 acknowledgement', over4(roce.roceV2({ opcode: 0x11, destinationQp: QP })), {
    ...FLOW4,
    ...ROCE_V2,
  }),
  ether('CNP', over4(roce.congestionNotification(QP)), { ...FLOW4, ...ROCE_V2 }),
  ether('RoCE v2 in a first fragment', over4(writeOnly, { moreFragments: true }), { ...FLOW4, ...ROCE_V2 }),
  ether('RoCE v2 in a later fragment', over4(writeOnly, { fragmentOffset: 8 }), {
    ...FLOW4,
    ...UDP,
    ...NO_PORTS,
  }),
  ether(
    'port 4791 with BTH version 1',
    over4(roce.roceV2({ opcode: 4, destinationQp: QP, transportVersion: 1 })),
    {
      ...FLOW4,
      ...ROCE_V2_UDP,
    },
  ),
  ether('port 4791 with an unassigned opcode', over4(roce.roceV2({ opcode: 0x18, destinationQp: QP })), {
    ...FLOW4,
    ...ROCE_V2_UDP,
  }),
  ether(
    'port 4791, UDP length 23',
    over4(changedSegment(roce.roceV2({ opcode: 4, destinationQp: QP }), 5, 23)),
    {
      ...FLOW4,
      ...ROCE_V2_UDP,
    },
  ),
  ether('port 4791, BTH cut off by the total length', over4(writeOnly, { totalLength: 39 }), {
    ...FLOW4,
    ...ROCE_V2_UDP,
  }),
  ether('port 4791, BTH ends with the packet', over4(writeOnly, { totalLength: 40 }), {
    ...FLOW4,
    ...ROCE_V2,
  }),
  ether('from port 4791', over4(udp(4791, 443, roce.bth({ opcode: 4, destinationQp: QP }))), {
    ...FLOW4,
    ...ROCE_V2_UDP,
    srcPort: 4791,
    dstPort: 443,
  }),
  ether('from port 4791 to port 4791', over6(roce.roceV2({ opcode: 4, destinationQp: QP }, DATA, 4791)), {
    ...FLOW6,
    ...ROCE_V2,
    srcPort: 4791,
  }),
  ether('TCP to port 4791', over4(tcp(40_000, 4791, writeOnly.bytes)), { ...FLOW4, ...TCP, dstPort: 4791 }),
  ether('RoCE v1', v1, { ...FLOW6, ...ROCE_V1 }),
  ether(
    'RoCE v1 with IPv4 GIDs and VLAN',
    roce.roceV1Frame(GIDS, { opcode: 0x64, destinationQp: 1 }, DATA, [{ id: 9 }]),
    {
      ...FLOW_GIDS,
      ...ROCE_V1,
      vlan: 9,
      qp: 1,
    },
  ),
  malformed('RoCE v1, IPVer 4', 'grh_version', changed(v1, 14, 0x40)),
  malformed('RoCE v1, next header UDP', 'grh_next_header', changed(v1, 20, 17)),
  malformed('RoCE v1, BTH version 2', 'bth_invalid', changed(v1, 55, 2)),
  malformed('RoCE v1, unassigned opcode', 'bth_invalid', changed(v1, 54, 0x56)),
];

function changedSegment(segment: frames.Segment, offset: number, value: number): frames.Segment {
  return { ...segment, bytes: changed(segment.bytes, offset, value) };
}

/** What is the same packet on links of another framing. */
function onLink(framing: Framing, name: string, segment: frames.Segment, expected: ParsedFrame): FrameVector {
  const packet = expected.family === 4 ? ipv4(ENDS4, segment) : ipv6(ENDS6, segment);
  return { name, framing, frame: frames.framed(framing, packet), expected };
}

const { infiniband, l3 } = FRAMING;
const INFINIBAND = { ...NO_PORTS, protocol: 20, kind: KIND.infiniband } as const;

const OTHER_LINKS: readonly FrameVector[] = [
  onLink(infiniband, 'IPoIB: TCP', tcpSegment, { ...FLOW4, ...TCP }),
  onLink(infiniband, 'IPoIB: UDP over IPv6', udpSegment, { ...FLOW6, ...UDP }),
  onLink(infiniband, 'IPoIB: RoCE v2', writeOnly, { ...FLOW4, ...ROCE_V2 }),
  onLink(infiniband, 'IPoIB: ICMP', frames.icmpEcho(DATA), { ...FLOW4, ...INFINIBAND }),
  onLink(infiniband, 'IPoIB: SCTP, without ports', frames.sctp(1, 2), { ...FLOW6, ...INFINIBAND }),
  ...[ETHERTYPE.vlan, ETHERTYPE.roceV1].map((etherType) => ({
    name: `IPoIB: EtherType 0x${etherType.toString(16)} is nothing special`,
    framing: infiniband,
    frame: frames.infiniband(etherType, v1.subarray(14)),
    expected: withoutFlow(KIND.nonIp, 'ethertype'),
  })),
  {
    name: 'IPoIB: ARP',
    framing: infiniband,
    frame: frames.infiniband(ETHERTYPE.arp, Buffer.alloc(56)),
    expected: withoutFlow(KIND.nonIp, 'arp'),
  },
  onLink(l3, 'L3 link: TCP', tcpSegment, { ...FLOW4, ...TCP }),
  onLink(l3, 'L3 link: UDP over IPv6', udpSegment, { ...FLOW6, ...UDP }),
  onLink(l3, 'L3 link: ICMPv6', frames.icmpv6Echo(DATA), other(6, 58, NO_PORTS)),
  onLink(l3, 'L3 link: RoCE v2', writeOnly, { ...FLOW6, ...ROCE_V2 }),
  {
    name: 'L3 link: neither IPv4 nor IPv6',
    framing: l3,
    frame: Buffer.alloc(40, 0x50),
    expected: withoutFlow(KIND.malformed, 'l3_version'),
  },
];

/** Every vector. */
export const FRAME_VECTORS: readonly FrameVector[] = [
  ...TRANSPORTS,
  ...IPV4,
  ...IPV6,
  ...LINK,
  ...ROCE,
  ...OTHER_LINKS,
];
