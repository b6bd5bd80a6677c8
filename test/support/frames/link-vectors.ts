// SPDX-License-Identifier: Apache-2.0
// Frame vectors of what lies before and instead of IP, on all three framings. See frame-vectors.ts.

import { FRAMING, KIND } from '../../../src/abi/kinds.js';
import { withoutFlow } from '../oracle/reference-parser.js';
import * as control from './control-frames.js';
import * as frames from './frames.js';
import { ETHERTYPE, ethernet, ipv4 } from './frames.js';
import {
  DATA,
  ENDS4,
  ether,
  FLOW4,
  FLOW6,
  type FrameVector,
  NO_PORTS,
  nonIp,
  onLink,
  other,
  over4,
  over6,
  ROCE_V2,
  roceV1,
  TCP,
  tcpSegment,
  UDP,
  udpSegment,
  writeOnly,
} from './vector-parts.js';

export const ETHERNET_VECTORS: readonly FrameVector[] = [
  ether('one VLAN tag', over4(tcpSegment, {}, [{ id: 4094, priority: 7 }]), { ...FLOW4, ...TCP, vlan: 4094 }),
  ether('drop eligible tag', over4(tcpSegment, {}, [{ id: 0x1000 | 5 }]), { ...FLOW4, ...TCP, vlan: 5 }),
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
  nonIp('PAUSE', 'pause', control.pause()),
  nonIp('priority flow control', 'pfc', control.priorityPause(3)),
  nonIp('spanning tree', 'llc', control.spanningTree()),
  nonIp('802.3 length 0x05ff', 'llc', ethernet(0x05ff, Buffer.alloc(46))),
  nonIp('EtherType 0x0600', 'ethertype', ethernet(0x0600, Buffer.alloc(46))),
  nonIp('802.3 behind a VLAN tag', 'llc', ethernet(38, Buffer.alloc(46), [{ id: 5 }])),
  nonIp('MPLS', 'ethertype', control.mpls(16, ipv4(ENDS4, tcpSegment))),
];

const { infiniband, l3 } = FRAMING;
const INFINIBAND = { ...NO_PORTS, protocol: 20, kind: KIND.infiniband } as const;

export const OTHER_LINK_VECTORS: readonly FrameVector[] = [
  onLink(infiniband, 'IPoIB: TCP', tcpSegment, { ...FLOW4, ...TCP }),
  onLink(infiniband, 'IPoIB: UDP over IPv6', udpSegment, { ...FLOW6, ...UDP }),
  onLink(infiniband, 'IPoIB: RoCE v2', writeOnly, { ...FLOW4, ...ROCE_V2 }),
  onLink(infiniband, 'IPoIB: ICMP', frames.icmpEcho(DATA), { ...FLOW4, ...INFINIBAND }),
  onLink(infiniband, 'IPoIB: SCTP, without ports', frames.sctp(1, 2), { ...FLOW6, ...INFINIBAND }),
  ...[ETHERTYPE.vlan, ETHERTYPE.roceV1].map((etherType) => ({
    name: `IPoIB: EtherType 0x${etherType.toString(16)} is nothing special`,
    framing: infiniband,
    frame: frames.infiniband(etherType, roceV1.subarray(14)),
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
