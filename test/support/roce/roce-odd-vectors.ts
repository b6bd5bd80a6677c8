// SPDX-License-Identifier: Apache-2.0
// What odd frames add to RoCE streams, written out by hand: no BTH, lengths that lie (more of them
// in roce-length-vectors.ts), frames cut off, fragments, links without Ethernet. See roce-count-vectors.ts.

import { FRAMING } from '../../../src/abi/kinds.js';
import { ROCE_TRANSPORT } from '../../../src/abi/roce-records.js';
import * as frames from '../frames/frames.js';
import {
  ETHERTYPE,
  ethernet,
  fragmentHeader,
  ipv4,
  ipv6,
  payloadOf,
  type Segment,
} from '../frames/frames.js';
import { changed, changedSegment, ENDS4, ENDS6, QP } from '../frames/vector-parts.js';
import {
  notBth,
  over4,
  over6,
  PAYLOAD,
  type RoceCountVector,
  STREAM_V1,
  STREAM4,
  STREAM6,
  uncounted,
  vector,
} from './roce-count-parts.js';
import { type BthFields, bth, roceV1Frame, roceV2 } from './roce-frames.js';

const { cnp } = ROCE_TRANSPORT;
const of = (opcode: number, more: Partial<BthFields> = {}): BthFields => ({
  opcode,
  destinationQp: QP,
  ...more,
});
const writeOnly = roceV2(of(0x0a), PAYLOAD); // 8 + 12 + 16 + 100 + 4 = 140 bytes
const readRequest = roceV2(of(0x0c));
const acknowledge = roceV2(of(0x11));
const sendOnly = roceV2(of(0x04), PAYLOAD);
const WRITE = { writes: 1, writeMessageBytes: 4096, 'writeSizes+3': 1 } as const;
const SOUND_WRITE = { payloadBytes: 100, ...WRITE } as const;

function withUdpLength(segment: Segment, length: number): Segment {
  return changedSegment(changedSegment(segment, 4, length >> 8), 5, length & 0xff);
}

function withTotalLength(segment: Segment, totalLength: number): Buffer {
  return ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, segment, { totalLength }));
}

const UNASSIGNED: readonly number[] = [
  0x15, 0x18, 0x1b, 0x1e, 0x1f, 0x2c, 0x3c, 0x56, 0x5f, 0x60, 0x63, 0x66, 0x7f, 0x80, 0x82, 0x9f, 0xb5, 0xb8,
  0xbc, 0xbf,
];

/** UDP to port 4791 that is no BTH, and what only looks like it. */
const NOT_BTH: readonly RoceCountVector[] = [
  notBth('UDP length 23', 'short', over4(withUdpLength(writeOnly, 23))),
  notBth('UDP length 0', 'short', over4(withUdpLength(writeOnly, 0))),
  notBth('total length ends within the BTH', 'short', withTotalLength(writeOnly, 39)),
  notBth('total length ends with the BTH', 'short', withTotalLength(writeOnly, 40)),
  notBth('total length ends behind the ports', 'short', withTotalLength(writeOnly, 24)),
  notBth('frame ends within the BTH', 'short', over4(writeOnly).subarray(0, 53)),
  notBth('frame ends behind the ports', 'short', over4(writeOnly).subarray(0, 38)),
  notBth('an empty datagram', 'short', over6(frames.udp(0xc000, 4791)), STREAM6),
  notBth(
    'short, and of another version',
    'short',
    over4(withUdpLength(roceV2(of(4, { transportVersion: 1 })), 23)),
  ),
  ...[1, 8, 15].map((transportVersion) =>
    notBth(`version ${transportVersion}`, 'version', over4(roceV2(of(0x04, { transportVersion }), PAYLOAD))),
  ),
  notBth(
    'version 1 and an unassigned opcode',
    'version',
    over6(roceV2(of(0x18, { transportVersion: 1 }))),
    STREAM6,
  ),
  ...UNASSIGNED.map((opcode) =>
    notBth(`opcode 0x${opcode.toString(16)}`, 'opcode', over4(roceV2(of(opcode), PAYLOAD), 0xff)),
  ),
  notBth('from port 4791 to port 4791', 'opcode', over4(roceV2(of(0x18), PAYLOAD, 4791))),
  uncounted('from port 4791', over4(frames.udp(4791, 443, bth(of(0x04))))),
  uncounted('UDP to another port', over4(frames.udp(0xc000, 4790, writeOnly.bytes.subarray(8)))),
  uncounted('TCP to port 4791', over4(frames.tcp(40_000, 4791, PAYLOAD))),
  uncounted('UDP-Lite to port 4791', over4(frames.udpLite(40_000, 4791, writeOnly.bytes.subarray(8)))),
  uncounted('ports cut off', withTotalLength(writeOnly, 23)),
  uncounted('v1 with IPVer 4', changed(roceV1Frame(ENDS6, of(0x04), PAYLOAD), 14, 0x40)),
  uncounted('v1 with next header UDP', changed(roceV1Frame(ENDS6, of(0x04), PAYLOAD), 20, 17)),
];

/** Lengths decide, not the frame's; and where they contradict each other, nothing behind the BTH is read. */
const LENGTHS: readonly RoceCountVector[] = [
  vector('UDP length one too long', over4(withUdpLength(writeOnly, 141)), STREAM4, {
    lengthMalformed: 1,
    writes: 1,
  }),
  vector('UDP length one too long, IPv6', over6(withUdpLength(writeOnly, 141)), STREAM6, {
    lengthMalformed: 1,
    writes: 1,
  }),
  vector('UDP length four short', over4(withUdpLength(writeOnly, 136)), STREAM4, {
    payloadBytes: 96,
    ...WRITE,
  }),
  vector('room for RETH and ICRC alone', over4(withUdpLength(writeOnly, 40)), STREAM4, WRITE),
  vector('no room for the ICRC', over4(withUdpLength(writeOnly, 39)), STREAM4, {
    lengthMalformed: 1,
    writes: 1,
  }),
  vector('no room for the padding', over4(withUdpLength(roceV2(of(0x04), payloadOf(1)), 26)), STREAM4, {
    lengthMalformed: 1,
    sends: 1,
  }),
  vector('READ request without RETH', over4(withUdpLength(readRequest, 24)), STREAM4, {
    lengthMalformed: 1,
    reads: 1,
  }),
  vector(
    'acknowledgement without AETH',
    over4(withUdpLength(acknowledge, 24)),
    { ...STREAM4, detail: 1 },
    {
      lengthMalformed: 1,
    },
  ),
  vector('ICRC of nothing ends with the total length', withTotalLength(writeOnly, 44), STREAM4, {
    lengthMalformed: 1,
    writes: 1,
  }),
  vector('total length 0, as with TSO', withTotalLength(writeOnly, 0), STREAM4, SOUND_WRITE),
  vector('total length beyond the frame', withTotalLength(writeOnly, 9000), STREAM4, SOUND_WRITE),
  vector(
    'IPv6 payload length 0',
    ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, writeOnly, { payloadLength: 0 })),
    STREAM6,
    SOUND_WRITE,
  ),
  vector(
    'Ethernet padding',
    Buffer.concat([over4(acknowledge), Buffer.alloc(18, 0xa5)]),
    { ...STREAM4, detail: 1 },
    {
      acks: 1,
    },
  ),
  vector(
    'IPv4 options',
    ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, writeOnly, { options: Buffer.alloc(12, 1) })),
    STREAM4,
    {
      ...SOUND_WRITE,
    },
  ),
  vector(
    'CNP without all its reserved bytes',
    over4(withUdpLength(roceV2(of(0x81)), 39)),
    { ...STREAM4, transport: cnp },
    { lengthMalformed: 1 },
  ),
  vector('CNP with more', over4(roceV2(of(0x81), PAYLOAD)), { ...STREAM4, transport: cnp }, {}),
  vector(
    'v1, payload length 16',
    roceV1Frame(ENDS6, of(0x0a), PAYLOAD, [], { payloadLength: 16 }),
    STREAM_V1,
    { lengthMalformed: 1, writes: 1 },
  ),
  vector(
    'v1, payload length 31',
    roceV1Frame(ENDS6, of(0x0a), PAYLOAD, [], { payloadLength: 31 }),
    STREAM_V1,
    {
      lengthMalformed: 1,
      writes: 1,
    },
  ),
  vector(
    'v1, payload length 32',
    roceV1Frame(ENDS6, of(0x0a), PAYLOAD, [], { payloadLength: 32 }),
    STREAM_V1,
    WRITE,
  ),
];

const jumbo = roceV2(of(0x0a), payloadOf(1024));

/** Copies of a mirror port, cut off: lengths and headers still say what was sent. */
const CUT_OFF: readonly RoceCountVector[] = [
  vector('cut off behind the RETH', over4(jumbo).subarray(0, 70), STREAM4, { ...WRITE, payloadBytes: 1024 }),
  vector('cut off in the RETH', over4(jumbo).subarray(0, 69), STREAM4, { writes: 1, payloadBytes: 1024 }),
  vector('cut off behind the BTH', over4(jumbo).subarray(0, 54), STREAM4, { writes: 1, payloadBytes: 1024 }),
  vector(
    'cut off behind the AETH',
    over4(acknowledge).subarray(0, 58),
    { ...STREAM4, detail: 1 },
    { acks: 1 },
  ),
  vector('cut off in the AETH', over4(acknowledge).subarray(0, 54), { ...STREAM4, detail: 1 }, {}),
  vector('v1 cut off behind the BTH', roceV1Frame(ENDS6, of(0x0a), PAYLOAD).subarray(0, 66), STREAM_V1, {
    writes: 1,
    payloadBytes: 100,
  }),
];

const [first4 = Buffer.alloc(0), ...later4] = frames.ipv4Fragments(ENDS4, jumbo, 512);
const [first6 = Buffer.alloc(0), ...later6] = frames.ipv6Fragments(ENDS6, jumbo, 512);

/** A first fragment has all headers, and speaks for the whole datagram. */
const FRAGMENTS: readonly RoceCountVector[] = [
  vector('first fragment', ethernet(ETHERTYPE.ipv4, first4), STREAM4, { ...WRITE, payloadBytes: 1024 }),
  vector('first fragment, IPv6', ethernet(ETHERTYPE.ipv6, first6), STREAM6, { ...WRITE, payloadBytes: 1024 }),
  ...later4.map((packet, i) => uncounted(`later fragment ${i}`, ethernet(ETHERTYPE.ipv4, packet))),
  ...later6.map((packet, i) => uncounted(`later fragment ${i}, IPv6`, ethernet(ETHERTYPE.ipv6, packet))),
  vector(
    'atomic fragment',
    ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, sendOnly, { extensions: [fragmentHeader(0, false)] })),
    STREAM6,
    { sends: 1, payloadBytes: 100 },
  ),
  vector(
    'behind hop-by-hop options',
    ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, writeOnly, { extensions: [frames.extension(0)] })),
    STREAM6,
    SOUND_WRITE,
  ),
];

const LINKS: readonly RoceCountVector[] = [FRAMING.infiniband, FRAMING.l3].flatMap((framing) => [
  {
    ...vector(`framing ${framing}`, frames.framed(framing, ipv4(ENDS4, writeOnly)), STREAM4, SOUND_WRITE),
    framing,
  },
  {
    ...vector(
      `framing ${framing}, IPv6`,
      frames.framed(framing, ipv6(ENDS6, writeOnly)),
      STREAM6,
      SOUND_WRITE,
    ),
    framing,
  },
]);

/** By what they are about. */
export const ROCE_ODD_VECTORS: Readonly<Record<string, readonly RoceCountVector[]>> = {
  'no BTH': NOT_BTH,
  'lengths that lie': LENGTHS,
  'frames cut off': CUT_OFF,
  fragments: FRAGMENTS,
  'links without Ethernet': LINKS,
};
