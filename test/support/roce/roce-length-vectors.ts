// SPDX-License-Identifier: Apache-2.0
// Lengths of RoCE packets that contradict each other, written out by hand: RFC 768 (a datagram ends where
// its IP packet does, or before), RFC 791, RFC 8200, and annexes A16 and A17 of the InfiniBand
// specification (the packet ends with the ICRC). See roce-count-vectors.ts.

import { ETHERTYPE, ethernet, extension, ipv4, ipv6, payloadOf } from '../frames/frames.js';
import { changed, ENDS4, ENDS6, QP } from '../frames/vector-parts.js';
import {
  type Carrier,
  notBth,
  PAYLOAD,
  type RoceCountVector,
  STREAM_V1,
  STREAM4,
  STREAM6,
  uncounted,
  V1,
  V2_IPV4,
  V2_IPV6,
  vector,
} from './roce-count-parts.js';
import { EXTENDED_CARRIERS, EXTENSION_CHAINS, FIRST_FRAGMENT_CARRIERS } from './roce-extended-carriers.js';
import { roceV1Frame, roceV2 } from './roce-frames.js';

const SEND_ONLY = { opcode: 0x04, destinationQp: QP } as const;
const WRITE_ONLY = { opcode: 0x0a, destinationQp: QP } as const;
/** UDP header, BTH, 100 bytes, ICRC. */
const UDP_BYTES = 8 + 12 + 100 + 4;
const SOUND = { sends: 1, payloadBytes: 100 } as const;
/** The packet is RoCE, and counted as such, but how much it carries is not known. */
const UNSOUND = { sends: 1, lengthMalformed: 1 } as const;

/** A SEND of 100 bytes whose UDP length says otherwise. */
export function withUdpLength(carrier: Carrier, udpLength: number): Buffer {
  const frame = carrier.frame(SEND_ONLY, PAYLOAD);
  frame.writeUInt16BE(udpLength, carrier.headerBytes - 4);
  return frame;
}

/** A whole packet holds its datagram: no byte of payload lies behind the packet's end. */
const BEYOND_THE_PACKET: readonly RoceCountVector[] = [V2_IPV4, V2_IPV6, ...EXTENDED_CARRIERS].flatMap(
  (carrier) => [
    vector(`${carrier.name}, to the byte`, withUdpLength(carrier, UDP_BYTES), carrier.key, SOUND),
    ...[UDP_BYTES + 1, 255, 256, 1024, 65_535].map((udpLength) =>
      vector(`${carrier.name}, ${udpLength}`, withUdpLength(carrier, udpLength), carrier.key, UNSOUND),
    ),
  ],
);

/** 150 bytes on the wire that claim 65,535. */
const DESTINATION_OPTIONS: readonly RoceCountVector[] = [
  vector(
    '150 bytes with destination options, UDP length 65,535',
    (() => {
      const frame = ethernet(
        ETHERTYPE.ipv6,
        ipv6(ENDS6, roceV2(SEND_ONLY, payloadOf(64)), { extensions: [extension(60)] }),
      );
      frame.writeUInt16BE(65_535, 14 + 40 + 8 + 4);
      return frame;
    })(),
    STREAM6,
    UNSOUND,
  ),
];

/** The longest datagram that IP can carry to each of FIRST_FRAGMENT_CARRIERS: 65,535 bytes without its headers. */
const LONGEST: readonly number[] = [65_535 - 20, 65_535 - 28, 65_535, 65_535 - 8];

/** A first fragment speaks for its datagram, which goes on in other packets. */
const FIRST_FRAGMENTS: readonly RoceCountVector[] = FIRST_FRAGMENT_CARRIERS.flatMap((carrier, i) => {
  const longest = LONGEST[i] ?? 0;
  const beyond = longest < 65_535 ? [longest + 1, 65_535] : [];
  return [
    notBth(`${carrier.name}, 23`, 'short', withUdpLength(carrier, 23), carrier.key),
    ...[UDP_BYTES, UDP_BYTES + 1, 4096, longest].map((udpLength) =>
      vector(`${carrier.name}, ${udpLength}`, withUdpLength(carrier, udpLength), carrier.key, {
        sends: 1,
        payloadBytes: udpLength - 24,
      }),
    ),
    ...beyond.map((udpLength) =>
      vector(`${carrier.name}, ${udpLength}`, withUdpLength(carrier, udpLength), carrier.key, UNSOUND),
    ),
  ];
});

/** Where IP states no length, the frame ends the packet. */
const NO_IP_LENGTH: readonly RoceCountVector[] = [
  { carrier: V2_IPV4, place: 16 },
  { carrier: V2_IPV6, place: 18 },
  ...EXTENDED_CARRIERS.map((carrier) => ({ carrier, place: carrier.key === STREAM4 ? 16 : 18 })),
].flatMap(({ carrier, place }) =>
  [
    { udpLength: UDP_BYTES, cells: SOUND },
    { udpLength: UDP_BYTES + 1, cells: UNSOUND },
    { udpLength: 65_535, cells: UNSOUND },
  ].map(({ udpLength, cells }) => {
    const frame = withUdpLength(carrier, udpLength);
    frame.writeUInt16BE(0, place);
    return vector(`${carrier.name}, IP length 0, UDP length ${udpLength}`, frame, carrier.key, cells);
  }),
);

/** Where the IP packet ends before BTH and ICRC can, it holds no RoCE, whatever UDP says. */
const SHORT_BY_IP: readonly RoceCountVector[] = [20, 21, 22, 23].flatMap((left) => {
  const segment = roceV2(WRITE_ONLY, payloadOf(48)); // UDP length 88
  return [
    notBth(
      `IPv4 total length ${20 + left}`,
      'short',
      ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, segment, { totalLength: 20 + left })),
    ),
    notBth(
      `IPv4 total length ${32 + left} with options`,
      'short',
      ethernet(
        ETHERTYPE.ipv4,
        ipv4(ENDS4, segment, { totalLength: 32 + left, options: Buffer.alloc(12, 1) }),
      ),
    ),
    notBth(
      `IPv6 payload length ${left}`,
      'short',
      ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, segment, { payloadLength: left })),
      STREAM6,
    ),
    ...Object.entries(EXTENSION_CHAINS).map(([name, extensions]) => {
      const payloadLength = left + extensions.reduce((sum, one) => sum + one.bytes.length, 0);
      return notBth(
        `IPv6 payload length with ${left} bytes left behind ${name}`,
        'short',
        ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, segment, { payloadLength, extensions })),
        STREAM6,
      );
    }),
  ];
});

/** With room for BTH and ICRC, the packet is RoCE; UDP's length is still beyond it. */
const ROOM_BY_IP: readonly RoceCountVector[] = [
  vector(
    'IPv4 total length 44',
    ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, roceV2(SEND_ONLY, PAYLOAD), { totalLength: 44 })),
    STREAM4,
    UNSOUND,
  ),
  vector(
    'IPv6 payload length 24',
    ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, roceV2(SEND_ONLY, PAYLOAD), { payloadLength: 24 })),
    STREAM6,
    UNSOUND,
  ),
];

const v1 = (payloadLength: number): Buffer => roceV1Frame(ENDS6, SEND_ONLY, PAYLOAD, [], { payloadLength });

/** What follows a GRH and is no RoCE. */
const BEHIND_A_GRH: readonly RoceCountVector[] = [
  ...[0, 1, 11, 12, 15].map((length) =>
    notBth(`GRH payload length ${length}`, 'short', v1(length), STREAM_V1),
  ),
  vector('GRH payload length 16', v1(16), STREAM_V1, { sends: 1 }),
  vector('GRH payload length 17', v1(17), STREAM_V1, { sends: 1, payloadBytes: 1 }),
  notBth('GRH payload length 0 and version 1', 'short', changed(v1(0), 55, 1), STREAM_V1),
  ...[1, 8, 15].map((transportVersion) =>
    notBth(
      `version ${transportVersion}`,
      'version',
      V1.frame({ ...SEND_ONLY, transportVersion }, PAYLOAD),
      STREAM_V1,
    ),
  ),
  ...[0x15, 0x18, 0x1f, 0x2c, 0x56, 0x66, 0x80, 0xb5, 0xbf].map((opcode) =>
    notBth(
      `opcode 0x${opcode.toString(16)}`,
      'opcode',
      V1.frame({ opcode, destinationQp: QP }, PAYLOAD),
      STREAM_V1,
    ),
  ),
  notBth('the frame ends within the BTH', 'short', v1(116).subarray(0, 65), STREAM_V1),
  notBth('the frame ends with the GRH', 'short', v1(116).subarray(0, 54), STREAM_V1),
  uncounted('the frame ends within the GRH', v1(116).subarray(0, 53)),
  uncounted('IPVer 4, and the frame ends within the BTH', changed(v1(116), 14, 0x40).subarray(0, 65)),
  uncounted('next header UDP, and the frame ends within the BTH', changed(v1(116), 20, 17).subarray(0, 65)),
];

/** By what they are about. */
export const ROCE_LENGTH_VECTORS: Readonly<Record<string, readonly RoceCountVector[]>> = {
  'UDP lengths of whole packets': [...BEYOND_THE_PACKET, ...DESTINATION_OPTIONS],
  'UDP lengths of first fragments': FIRST_FRAGMENTS,
  'IP packets without a length': NO_IP_LENGTH,
  'IP packets too short for BTH and ICRC': SHORT_BY_IP,
  'IP packets just long enough': ROOM_BY_IP,
  'what follows a GRH': BEHIND_A_GRH,
};
