// SPDX-License-Identifier: Apache-2.0
// What vectors of RoCE counts are made of: keys, expectations, packets over IPv4, IPv6 and GRH. No
// vectors here. Expectations are written out by hand, never computed by the reference.

import { FRAMING, type Framing } from '../../../src/abi/kinds.js';
import { ROCE_MALFORMED, ROCE_TRANSPORT } from '../../../src/abi/roce-records.js';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, type Segment, type VlanTag } from '../frames/frames.js';
import { ENDS4, ENDS6, QP } from '../frames/vector-parts.js';
import type { RoceKey } from '../oracle/reference-roce.js';
import { type BthFields, roceV1Frame, roceV2 } from './roce-frames.js';
import { type NamedCells, streamName } from './roce-sums.js';

export interface RoceCountVector {
  readonly name: string;
  readonly framing: Framing;
  readonly frame: Buffer;
  /** By streamName(): what the frame adds. */
  readonly expected: Readonly<Record<string, NamedCells>>;
}

/** A stream whose packets all have one source port. */
export interface SentStream extends RoceKey {
  /** UDP's; undefined where there is no UDP, and where nothing behind it can be read. */
  readonly srcPort: number | undefined;
}

/** Over IPv4: addresses of ENDS4. */
export const STREAM4: SentStream = {
  srcIp: '0:0:0:0:0:ffff:c000:201',
  dstIp: '0:0:0:0:0:ffff:c633:6402',
  qp: QP,
  srcPort: 0xc000,
  pkey: 0xffff,
  version: 2,
  transport: ROCE_TRANSPORT.rc,
  dscp: 0,
  detail: 0,
};
export const STREAM6: SentStream = {
  ...STREAM4,
  srcIp: '2001:db8:0:0:0:0:0:1',
  dstIp: '2001:db8:0:1:0:0:0:2',
};
export const STREAM_V1: SentStream = { ...STREAM6, version: 1, srcPort: undefined };

/** A packet of its own: cells beside packets, bytes, not-ECT and its source port, which each has. */
export function vector(name: string, frame: Buffer, key: SentStream, cells: NamedCells): RoceCountVector {
  const port = key.srcPort === undefined ? 0 : 0x10000 + key.srcPort;
  const expected = { packets: 1, bytes: frame.length, ecn: 1, port, ...cells };
  return { name, framing: FRAMING.ethernet, frame, expected: { [streamName(key)]: nonZero(expected) } };
}

/** A frame that adds nothing. */
export function uncounted(name: string, frame: Buffer, framing: Framing = FRAMING.ethernet): RoceCountVector {
  return { name, framing, frame, expected: {} };
}

/** UDP to port 4791 that is no BTH. */
export function notBth(
  name: string,
  reason: keyof typeof ROCE_MALFORMED,
  frame: Buffer,
  key: SentStream = STREAM4,
): RoceCountVector {
  const what = { transport: ROCE_TRANSPORT.malformed, detail: ROCE_MALFORMED[reason] };
  const nothing = { qp: 0, srcPort: undefined, pkey: 0, dscp: 0 };
  return vector(name, frame, { ...key, ...nothing, ...what }, { ecn: 0 });
}

/** How a packet travels: its stream's key, and the frame. */
export interface Carrier {
  readonly name: string;
  readonly key: SentStream;
  /** Bytes before the BTH. */
  readonly headerBytes: number;
  frame(fields: BthFields, payload?: Buffer, trafficClass?: number): Buffer;
}

const VLAN: readonly VlanTag[] = [{ id: 7, priority: 3 }];
const QINQ: readonly VlanTag[] = [{ id: 10, etherType: ETHERTYPE.vlanService }, { id: 20 }];

export function over4(segment: Segment, trafficClass = 0, tags: readonly VlanTag[] = []): Buffer {
  return ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, segment, { trafficClass }), tags);
}

export function over6(segment: Segment, trafficClass = 0, tags: readonly VlanTag[] = []): Buffer {
  return ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, segment, { trafficClass }), tags);
}

export const V2_IPV4: Carrier = {
  name: 'v2 over IPv4',
  key: STREAM4,
  headerBytes: 42,
  frame: (fields, payload, trafficClass) => over4(roceV2(fields, payload), trafficClass),
};
export const V2_IPV6: Carrier = {
  name: 'v2 over IPv6',
  key: STREAM6,
  headerBytes: 62,
  frame: (fields, payload, trafficClass) => over6(roceV2(fields, payload), trafficClass),
};
export const V1: Carrier = {
  name: 'v1',
  key: STREAM_V1,
  headerBytes: 54,
  frame: (fields, payload, trafficClass = 0) => roceV1Frame(ENDS6, fields, payload, [], { trafficClass }),
};
export const CARRIERS: readonly Carrier[] = [
  V2_IPV4,
  V2_IPV6,
  V1,
  {
    name: 'v2 over IPv4 with a VLAN tag',
    key: STREAM4,
    headerBytes: 46,
    frame: (fields, payload, trafficClass) => over4(roceV2(fields, payload), trafficClass, VLAN),
  },
  {
    name: 'v2 over IPv6 with two VLAN tags',
    key: STREAM6,
    headerBytes: 70,
    frame: (fields, payload, trafficClass) => over6(roceV2(fields, payload), trafficClass, QINQ),
  },
  {
    name: 'v1 with a VLAN tag',
    key: STREAM_V1,
    headerBytes: 58,
    frame: (fields, payload, trafficClass = 0) => roceV1Frame(ENDS6, fields, payload, VLAN, { trafficClass }),
  },
];

/** A multiple of 4 bytes: no padding. */
export const PAYLOAD = payloadOf(100);

/** As program runs and references give them: without zeros. */
export function nonZero(cells: NamedCells): NamedCells {
  return Object.fromEntries(Object.entries(cells).filter(([, amount]) => amount !== 0));
}
