// SPDX-License-Identifier: Apache-2.0
// Frame vectors of IPv4, IPv6 and what they carry, but for RoCE. See frame-vectors.ts.

import * as frames from './frames.js';
import { authentication, extension, fragmentHeader, tcp, udp } from './frames.js';
import {
  changed,
  DATA,
  ether,
  FLOW4,
  FLOW6,
  type FrameVector,
  malformed,
  NO_PORTS,
  other,
  over4,
  over6,
  PORTS,
  TCP,
  tcpSegment,
  UDP,
  udpSegment,
} from './vector-parts.js';

export const TRANSPORT_VECTORS: readonly FrameVector[] = [
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

export const IPV4_VECTORS: readonly FrameVector[] = [
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
  ether('fragment at 32,768, one bit set', over4(udpSegment, { fragmentOffset: 32_768 }), {
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

export const IPV6_VECTORS: readonly FrameVector[] = [
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
