// SPDX-License-Identifier: Apache-2.0
// Mirrored RoCE: what it adds to streams and under which flow it counts where mirrors are unwrapped,
// written out by hand. See roce-count-vectors.ts.

import * as frames from '../frames/frames.js';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, type Segment } from '../frames/frames.js';
import { erspan1, erspan2, erspan3, GRE_TYPE, gre } from '../frames/mirror-frames.js';
import {
  changed,
  changedSegment,
  ENDS6,
  FLOW4,
  FLOW6,
  other,
  QP,
  ROCE_V1,
  ROCE_V2,
} from '../frames/vector-parts.js';
import type { ParsedFrame } from '../oracle/reference-parser.js';
import {
  CARRIERS,
  over4,
  PAYLOAD,
  type RoceCountVector,
  STREAM4,
  STREAM6,
  uncounted,
  vector,
} from './roce-count-parts.js';
import { roceV1Frame, roceV2 } from './roce-frames.js';

export interface MirrorVector extends RoceCountVector {
  /** The flow under which the frame counts, whole. */
  readonly flow: ParsedFrame;
}

/** Between the switch and the monitor. */
const MIRROR4 = { src: '203.0.113.1', dst: '203.0.113.2' };
const MIRROR6 = { src: '2001:db8:f::1', dst: '2001:db8:f::2' };
const OUTER4: ParsedFrame = {
  ...other(4, 47, { srcPort: 0, dstPort: 0 }),
  srcIp: MIRROR4.src,
  dstIp: MIRROR4.dst,
};
const OUTER6: ParsedFrame = {
  ...other(6, 47, { srcPort: 0, dstPort: 0 }),
  srcIp: '2001:db8:f:0:0:0:0:1',
  dstIp: '2001:db8:f:0:0:0:0:2',
};

const EVERY = { withChecksum: true, withKey: true, withSequence: true };
/** Ways to wrap a frame. */
const FORMS: Readonly<Record<string, (frame: Buffer) => Segment>> = {
  'ERSPAN I': (frame) => erspan1(frame),
  'ERSPAN I with key': (frame) => erspan1(frame, { withKey: true }),
  'ERSPAN I with checksum': (frame) => erspan1(frame, { withChecksum: true }),
  'ERSPAN II': (frame) => erspan2(frame),
  'ERSPAN II with key': (frame) => erspan2(frame, { withKey: true }),
  'ERSPAN II with checksum and key': (frame) => erspan2(frame, EVERY),
  'ERSPAN III': (frame) => erspan3(frame),
  'ERSPAN III with subheader': (frame) => erspan3(frame, true),
  'ERSPAN III with subheader, checksum and key': (frame) => erspan3(frame, true, EVERY),
  'Ethernet in GRE': (frame) => gre(GRE_TYPE.ethernet, frame),
  'Ethernet in GRE with key': (frame) => gre(GRE_TYPE.ethernet, frame, { withKey: true }),
  'Ethernet in GRE with all fields': (frame) => gre(GRE_TYPE.ethernet, frame, EVERY),
  'Ethernet in GRE of 0x8949': (frame) => gre(GRE_TYPE.mellanox, frame),
  'Ethernet in GRE, reserved bits 6-12': (frame) => gre(GRE_TYPE.ethernet, frame, { flags: 0x03f8 }),
};

function mirror4(
  segment: Segment,
  given: frames.Ipv4Options = {},
  tags: readonly frames.VlanTag[] = [],
): Buffer {
  return ethernet(ETHERTYPE.ipv4, ipv4(MIRROR4, segment, given), tags);
}

function mirror6(segment: Segment, given: frames.Ipv6Options = {}): Buffer {
  return ethernet(ETHERTYPE.ipv6, ipv6(MIRROR6, segment, given));
}

/** Outer headers, each with the flow of the mirror itself. */
const OUTERS: Readonly<Record<string, readonly [wrap: (segment: Segment) => Buffer, flow: ParsedFrame]>> = {
  IPv4: [(segment) => mirror4(segment), OUTER4],
  'IPv4 with VLAN and options': [
    (segment) => mirror4(segment, { options: Buffer.alloc(8, 1) }, [{ id: 99 }]),
    { ...OUTER4, vlan: 99 },
  ],
  IPv6: [(segment) => mirror6(segment), OUTER6],
  'IPv6 with options': [(segment) => mirror6(segment, { extensions: [frames.extension(60)] }), OUTER6],
};

/** Flow of what CARRIERS carry, in their order. */
const INNER_FLOWS: readonly ParsedFrame[] = [
  { ...FLOW4, ...ROCE_V2 },
  { ...FLOW6, ...ROCE_V2 },
  { ...FLOW6, ...ROCE_V1 },
  { ...FLOW4, ...ROCE_V2, vlan: 7 },
  { ...FLOW6, ...ROCE_V2, vlan: 10 },
  { ...FLOW6, ...ROCE_V1, vlan: 7 },
];

/** Every way to wrap, outside and inside. */
const UNWRAPPED: readonly MirrorVector[] = Object.entries(OUTERS).flatMap(([outer, [wrap]]) =>
  Object.entries(FORMS).flatMap(([form, enclose]) =>
    CARRIERS.map((carrier, i): MirrorVector => {
      const inner = carrier.frame({ opcode: 0x0a, destinationQp: QP }, PAYLOAD, 0x69);
      const cells = { payloadBytes: 100, writes: 1, writeMessageBytes: 4096, 'writeSizes+3': 1 };
      return {
        ...vector(
          `${carrier.name} in ${form} over ${outer}`,
          wrap(enclose(inner)),
          { ...carrier.key, dscp: 26 },
          {
            ...cells,
            ecn: 0,
            'ecn+1': 1,
          },
        ),
        flow: { ...(INNER_FLOWS[i] ?? OUTER4), dscp: 26 },
      };
    }),
  ),
);

const inner = over4(roceV2({ opcode: 0x04, destinationQp: QP }, payloadOf(1024)));
const SEND = { sends: 1, payloadBytes: 1024 } as const;

/** Cut off, as mirrors are told to; the mirror's own lengths are right. */
const CUT: readonly MirrorVector[] = [54, 60, 128, 500].map((bytes) => ({
  ...vector(
    `${bytes} bytes of a frame in ERSPAN II`,
    mirror4(erspan2(inner.subarray(0, bytes))),
    STREAM4,
    SEND,
  ),
  flow: { ...FLOW4, ...ROCE_V2 },
}));

/** What stays the mirror's packet. */
const LEFT_ALONE: readonly MirrorVector[] = Object.entries({
  'TCP inside': erspan2(over4(frames.tcp(40_000, 4791, PAYLOAD))),
  'UDP inside': erspan1(over4(frames.udp(40_000, 443, PAYLOAD))),
  'from port 4791 inside': erspan1(over4(frames.udp(4791, 443, PAYLOAD))),
  'no BTH inside': erspan2(over4(roceV2({ opcode: 0x18, destinationQp: QP }, PAYLOAD))),
  'BTH of version 1 inside': erspan2(over4(roceV2({ opcode: 0x04, destinationQp: QP, transportVersion: 1 }))),
  'BTH cut off': erspan2(inner.subarray(0, 53)),
  'GRH cut off': erspan2(roceV1Frame(MIRROR6, { opcode: 4, destinationQp: 1 }).subarray(0, 60)),
  'v1 with an unassigned opcode': erspan2(roceV1Frame(MIRROR6, { opcode: 0x18, destinationQp: 1 })),
  'later fragment inside': erspan2(
    ethernet(ETHERTYPE.ipv4, ipv4(MIRROR4, roceV2({ opcode: 4, destinationQp: 1 }), { fragmentOffset: 8 })),
  ),
  'three tags inside': erspan2(
    ethernet(ETHERTYPE.ipv4, ipv4(MIRROR4, roceV2({ opcode: 4, destinationQp: 1 })), [
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ]),
  ),
  'a mirror inside a mirror': erspan2(mirror4(erspan2(inner))),
  'nothing inside': erspan2(Buffer.alloc(0)),
  'ERSPAN II cut off': changedSegment(gre(GRE_TYPE.erspan, Buffer.alloc(4), { withSequence: true }), 0, 0x10),
  'ERSPAN III cut off': gre(GRE_TYPE.erspan3, Buffer.alloc(11), { withSequence: true }),
  'GRE of 3 bytes': { protocol: 47, bytes: Buffer.from('008865', 'hex') },
  'GRE, optional fields cut off': { protocol: 47, bytes: Buffer.from('b0006558', 'hex') },
  'IPv4 in GRE': gre(0x0800, inner.subarray(14)),
  'GRE version 1': gre(GRE_TYPE.ethernet, inner, { flags: 1 }),
  'GRE with routing': gre(GRE_TYPE.ethernet, inner, { flags: 0x4000 }),
  // RFC 2784 section 2.3: a receiver that does not implement RFC 1701 must discard bits 4 and 5, too.
  'GRE with strict source route': gre(GRE_TYPE.ethernet, inner, { flags: 0x0800 }),
  'GRE with recursion control': gre(GRE_TYPE.ethernet, inner, { flags: 0x0400 }),
  'GRE of another type': gre(0x6559, inner),
}).flatMap(([name, segment]) => [
  { ...uncounted(`${name}, over IPv4`, mirror4(segment)), flow: OUTER4 },
  { ...uncounted(`${name}, over IPv6`, mirror6(segment)), flow: OUTER6 },
]);

const wrapped = erspan2(inner);
/** The mirror's packet itself in fragments. */
const FRAGMENTED: readonly MirrorVector[] = [
  {
    ...vector('first fragment of a mirror', mirror4(wrapped, { moreFragments: true }), STREAM4, SEND),
    flow: { ...FLOW4, ...ROCE_V2 },
  },
  { ...uncounted('later fragment of a mirror', mirror4(wrapped, { fragmentOffset: 8 })), flow: OUTER4 },
];

/** Behind the end of the mirror's packet lies padding, or a trailer of the switch: nothing of the frame inside. */
const BEYOND_THE_END: readonly MirrorVector[] = [
  {
    ...uncounted('BTH in the padding', mirror4(erspan2(inner), { totalLength: 20 + 16 + 53 })),
    flow: OUTER4,
  },
  {
    ...uncounted('BTH in the padding, IPv6', mirror6(erspan2(inner), { payloadLength: 16 + 53 })),
    flow: OUTER6,
  },
  {
    ...vector('BTH up to the end', mirror4(erspan2(inner), { totalLength: 20 + 16 + 54 }), STREAM4, SEND),
    flow: { ...FLOW4, ...ROCE_V2 },
  },
];

/** A SEND of 1,024 bytes over IPv6 behind destination options, whose UDP length claims 65,535. */
const claiming = ethernet(
  ETHERTYPE.ipv6,
  ipv6(
    ENDS6,
    changedSegment(
      changedSegment(roceV2({ opcode: 0x04, destinationQp: QP }, payloadOf(1024)), 4, 0xff),
      5,
      0xff,
    ),
    { extensions: [frames.extension(60)] },
  ),
);
/** The SEND of `inner`, with an IPv4 total length of 0 and one byte more in UDP than there is. */
const unended = changed(changed(changed(inner, 16, 0), 17, 0), 39, (inner[39] ?? 0) + 1);
const UNSOUND = { sends: 1, lengthMalformed: 1 } as const;

/** Lengths inside that contradict each other: see roce-length-vectors.ts. */
const LYING: readonly MirrorVector[] = [
  {
    ...vector('UDP length beyond the packet inside', mirror4(erspan2(claiming)), STREAM6, UNSOUND),
    flow: { ...FLOW6, ...ROCE_V2 },
  },
  {
    ...vector('UDP length beyond the frame inside', mirror4(erspan2(unended)), STREAM4, UNSOUND),
    flow: { ...FLOW4, ...ROCE_V2 },
  },
  {
    ...vector(
      'UDP length into the trailer of the mirror',
      Buffer.concat([mirror4(erspan2(unended)), Buffer.alloc(18)]),
      STREAM4,
      UNSOUND,
    ),
    flow: { ...FLOW4, ...ROCE_V2 },
  },
  {
    ...vector(
      'UDP length up to the trailer of the mirror',
      Buffer.concat([mirror4(erspan2(changed(unended, 39, inner[39] ?? 0))), Buffer.alloc(18)]),
      STREAM4,
      SEND,
    ),
    flow: { ...FLOW4, ...ROCE_V2 },
  },
  ...Object.entries({
    'no room for the ICRC inside': changed(changed(inner, 16, 0), 17, 43),
    'v1 without room for BTH and ICRC': changed(
      changed(roceV1Frame(MIRROR6, { opcode: 4, destinationQp: 1 }), 18, 0),
      19,
      15,
    ),
  }).map(([name, frame]) => ({ ...uncounted(name, mirror4(erspan2(frame))), flow: OUTER4 })),
];

/** With mirrors unwrapped. */
export const MIRROR_VECTORS: Readonly<Record<string, readonly MirrorVector[]>> = {
  'every form': UNWRAPPED,
  'frames cut off': CUT,
  'left alone': LEFT_ALONE,
  fragments: FRAGMENTED,
  'beyond the end of the mirror': BEYOND_THE_END,
  'lengths that lie': LYING,
};

/** The same frames and their flows where mirrors are left alone: nothing is added to streams. */
export const WRAPPED_FLOWS: readonly {
  readonly name: string;
  readonly frame: Buffer;
  readonly flow: ParsedFrame;
}[] = Object.entries(OUTERS).flatMap(([outer, [wrap, flow]]) =>
  Object.entries(FORMS).map(([form, enclose]) => ({
    name: `${form} over ${outer}`,
    frame: wrap(enclose(inner)),
    flow,
  })),
);

/** For cutting and changing: one of each sort. */
export const MIRROR_SAMPLES: readonly Buffer[] = [
  mirror4(erspan1(inner)),
  mirror4(erspan2(CARRIERS[4]?.frame({ opcode: 0x0a, destinationQp: QP }, PAYLOAD) ?? inner)),
  mirror6(erspan3(roceV1Frame(MIRROR6, { opcode: 0x11, destinationQp: 1 }), true, EVERY)),
  mirror4(gre(GRE_TYPE.ethernet, over4(roceV2({ opcode: 0x11, destinationQp: QP })), EVERY)),
  changed(mirror4(gre(GRE_TYPE.mellanox, inner)), 15, 3),
  mirror4(erspan2(claiming)),
];
