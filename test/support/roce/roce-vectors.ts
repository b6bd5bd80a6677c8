// SPDX-License-Identifier: Apache-2.0
// Frame vectors of RoCE roceV1 and v2, sound and not. See frame-vectors.ts.

import { tcp, udp } from '../frames/frames.js';
import {
  changed,
  changedSegment,
  DATA,
  ether,
  FLOW4,
  FLOW6,
  type FrameVector,
  malformed,
  NO_PORTS,
  over4,
  over6,
  QP,
  ROCE_V1,
  ROCE_V2,
  ROCE_V2_UDP,
  roceV1,
  TCP,
  UDP,
  writeOnly,
} from '../frames/vector-parts.js';
import * as roce from './roce-frames.js';

/** GIDs of RoCE roceV1 for IPv4 addresses. */
const GIDS = { src: '::ffff:192.0.2.1', dst: '::ffff:198.51.100.2' };
const FLOW_GIDS = { ...FLOW6, srcIp: '0:0:0:0:0:ffff:c000:201', dstIp: '0:0:0:0:0:ffff:c633:6402' } as const;

export const ROCE_VECTORS: readonly FrameVector[] = [
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
  ether(
    'port 4791 with BTH version 8',
    over4(roce.roceV2({ opcode: 4, destinationQp: QP, transportVersion: 8 })),
    { ...FLOW4, ...ROCE_V2_UDP },
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
    ...ROCE_V2_UDP,
  }),
  ether('port 4791, the ICRC ends behind the packet', over4(writeOnly, { totalLength: 43 }), {
    ...FLOW4,
    ...ROCE_V2_UDP,
  }),
  ether('port 4791, room for BTH and ICRC alone', over4(writeOnly, { totalLength: 44 }), {
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
  ether('RoCE v1', roceV1, { ...FLOW6, ...ROCE_V1 }),
  ether(
    'RoCE roceV1 with IPv4 GIDs and VLAN',
    roce.roceV1Frame(GIDS, { opcode: 0x64, destinationQp: 1 }, DATA, [{ id: 9 }]),
    {
      ...FLOW_GIDS,
      ...ROCE_V1,
      vlan: 9,
      qp: 1,
    },
  ),
  malformed('RoCE roceV1, IPVer 4', 'grh_version', changed(roceV1, 14, 0x40)),
  malformed('RoCE roceV1, next header UDP', 'grh_next_header', changed(roceV1, 20, 17)),
  malformed('RoCE roceV1, payload length 15', 'grh_payload_length', changed(roceV1, 19, 15)),
  malformed(
    'RoCE roceV1, payload length 0, unassigned opcode',
    'grh_payload_length',
    changed(changed(roceV1, 19, 0), 54, 0x56),
  ),
  ether('RoCE roceV1, payload length 16', changed(roceV1, 19, 16), { ...FLOW6, ...ROCE_V1 }),
  malformed('RoCE roceV1, BTH version 2', 'bth_invalid', changed(roceV1, 55, 2)),
  malformed('RoCE roceV1, unassigned opcode', 'bth_invalid', changed(roceV1, 54, 0x56)),
];
