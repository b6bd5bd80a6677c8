// SPDX-License-Identifier: Apache-2.0
// Frames of every sort that an Ethernet interface meets, in many flows. For tests only.

import { FRAMING } from '../../../src/abi/kinds.js';
import { ROCE_PORT, roceV1Frame, roceV2 } from '../roce/roce-frames.js';
import { FRAME_VECTORS } from './frame-vectors.js';
import {
  type Addresses,
  dccp,
  ETHERTYPE,
  ethernet,
  extension,
  icmpEcho,
  icmpv6Echo,
  ipv4,
  ipv4Fragments,
  ipv6,
  ipv6Fragments,
  opaque,
  PROTOCOL,
  payloadOf,
  type Segment,
  sctp,
  tcp,
  udp,
  udpLite,
  type VlanTag,
} from './frames.js';

const VLAN: readonly VlanTag[] = [{ id: 100 }];
const QINQ: readonly VlanTag[] = [{ id: 200, etherType: ETHERTYPE.vlanService }, { id: 7 }];

/**
 * One frame for each header there is, right and wrong ones: the vectors that the parsers are held to.
 * Only those that a packet socket can send.
 */
export function everyHeader(): Buffer[] {
  return FRAME_VECTORS.filter(({ framing, frame }) => framing === FRAMING.ethernet && frame.length >= 14).map(
    ({ frame }) => frame,
  );
}

/**
 * For each host from 1 to `hosts` a handful of flows: IPv4 and IPv6, TCP, UDP, RoCE v1 and v2 with and
 * without a valid BTH, tagged and not, fragmented, and protocols with ports and without.
 *
 * @param net second byte of the addresses; lists of different nets share no flow
 */
export function mixedFlows(net: number, hosts: number): Buffer[] {
  return Array.from({ length: hosts }, (_, i) => hostFrames(net, i + 1)).flat();
}

/** Frames beyond a page, which reach XDP in several buffers; up to 9,014 bytes. */
export function jumboFrames(net: number): Buffer[] {
  return [3000, 3600, 4082, 4096, 6000, 8900].flatMap((length, i) => [
    over(ends4(net, i), tcp(40_000, 443, payloadOf(length))),
    over(ends6(net, i), udp(40_000, 443, payloadOf(length)), VLAN),
  ]);
}

/** As many UDP flows, one frame each, alternately IPv4 and IPv6. */
export function udpFlows(net: number, flows: number): Buffer[] {
  return Array.from({ length: flows }, (_, i) => {
    const ends = i % 2 === 0 ? ends4(net, i >> 1) : ends6(net, i >> 1);
    return over(ends, udp(1024 + (i % 50_000), 53, payloadOf(i % 64)));
  });
}

export function ends4(net: number, host: number): Addresses {
  return { src: `10.${net}.${host >> 8}.${host & 0xff}`, dst: `10.${net}.255.254` };
}

export function ends6(net: number, host: number): Addresses {
  return {
    src: `2001:db8:${net.toString(16)}::${host.toString(16)}`,
    dst: `2001:db8:${net.toString(16)}::ffff`,
  };
}

/** A segment in one Ethernet frame. */
export function over(ends: Addresses, segment: Segment, tags: readonly VlanTag[] = []): Buffer {
  return ends.src.includes(':')
    ? ethernet(ETHERTYPE.ipv6, ipv6(ends, segment), tags)
    : ethernet(ETHERTYPE.ipv4, ipv4(ends, segment), tags);
}

function hostFrames(net: number, host: number): Buffer[] {
  const [a, b] = [ends4(net, host), ends6(net, host)];
  const data = payloadOf((host * 37) % 1200);
  const port = 40_000 + host;
  const write = roceV2({ opcode: 0x0a, destinationQp: host }, data, port);
  const badBth = udp(port, ROCE_PORT, Buffer.alloc(32, 0x1f));
  const fromRocePort = udp(ROCE_PORT, port, data);
  return [
    over(a, tcp(port, 443, data)),
    over(b, tcp(port, 443, data)),
    over(a, tcp(port, 443)), // the same flow, of another size
    over(a, udp(port, 8472, data)),
    over(b, udp(port, 8472, data)),
    over(a, write),
    over(b, write),
    over(a, badBth),
    over(b, fromRocePort),
    roceV1Frame({ src: `::ffff:${a.src}`, dst: `::ffff:${a.dst}` }, { opcode: 4, destinationQp: host }, data),
    roceV1Frame(
      { src: `fe80::${host}`, dst: `fe80::${net}:1` },
      { opcode: 0x64, destinationQp: host },
      data,
      VLAN,
    ),
    over(a, tcp(port, 80, data), VLAN),
    over(b, udp(port, 80, data), VLAN),
    over(a, tcp(port, 8080, data), QINQ),
    over(b, write, QINQ),
    ...ipv4Fragments(a, udp(port, 2049, payloadOf(300)), 128).map((one) => ethernet(ETHERTYPE.ipv4, one)),
    ...ipv6Fragments(b, tcp(port, 2049, payloadOf(300)), 128).map((one) => ethernet(ETHERTYPE.ipv6, one)),
    ethernet(ETHERTYPE.ipv4, ipv4(a, udp(port, 123), { options: Buffer.alloc(8, 1) })),
    ethernet(ETHERTYPE.ipv6, ipv6(b, tcp(port, 25), { extensions: [extension(0), extension(60, 2)] })),
    over(a, icmpEcho(data)),
    over(b, icmpv6Echo(data)),
    over(a, sctp(port, 36_412, data)),
    over(b, udpLite(port, 5004, data)),
    over(a, dccp(port, 5005, data)),
    over(b, opaque(PROTOCOL.gre)),
  ];
}
