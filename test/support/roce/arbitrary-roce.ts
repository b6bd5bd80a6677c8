// SPDX-License-Identifier: Apache-2.0
// Random RoCE for property tests: sound packets of random fields, on every carrier, mirrored or not;
// then lied about, changed and cut off. Addresses and queue pairs are few, so that packets meet.

import fc from 'fast-check';
import { FRAMING } from '../../../src/abi/kinds.js';
import type { ArbitraryFrame } from '../frames/arbitrary-frames.js';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, type Segment } from '../frames/frames.js';
import { erspan1, erspan2, erspan3, GRE_TYPE, type GreOptions, gre } from '../frames/mirror-frames.js';
import { RUN_FRAME_MIN } from '../kernel/program-under-test.js';
import { CARRIERS } from './roce-count-parts.js';
import { ROCE_COUNT_VECTORS } from './roce-count-vectors.js';
import { EXTENDED_CARRIERS, FIRST_FRAGMENT_CARRIERS } from './roce-extended-carriers.js';
import type { BthFields } from './roce-frames.js';
import { EXTENDED_HEADERS } from './roce-headers.js';
import { ROCE_LENGTH_VECTORS } from './roce-length-vectors.js';
import { MIRROR_VECTORS } from './roce-mirror-vectors.js';
import { ROCE_ODD_VECTORS } from './roce-odd-vectors.js';

const byte = fc.integer({ min: 0, max: 0xff });
const word = fc.integer({ min: 0, max: 0xffff });
const seldom = fc.integer({ min: 0, max: 7 }).map((n) => n === 0);

/** Where to cut off, or mostly null: nowhere. */
function mostlyWhole(cut: fc.Arbitrary<number>): fc.Arbitrary<number | null> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: cut });
}

const opcode = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...EXTENDED_HEADERS.keys()) },
  { weight: 6, arbitrary: fc.constantFrom(0x00, 0x01, 0x02, 0x06, 0x07, 0x08, 0x0c, 0x0d, 0x0e, 0x0f, 0x11) },
  { weight: 1, arbitrary: byte },
);

const messageBytes = fc.oneof(
  fc.nat({ max: 12 }).chain((n) => fc.integer({ min: -1, max: 1 }).map((by) => 64 * 4 ** n + by)),
  fc.integer({ min: 0, max: 0xffffffff }),
);

const fields: fc.Arbitrary<BthFields> = fc.record({
  opcode,
  destinationQp: fc.constantFrom(1, 2, 0xffffff),
  sequenceNumber: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0xfffffc, max: 0x1000004 }).map((psn) => psn & 0xffffff) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffff }) },
  ),
  transportVersion: fc.oneof(
    { weight: 20, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat({ max: 15 }) },
  ),
  acknowledgeRequest: fc.boolean(),
  solicitedEvent: seldom,
  forwardCongestion: seldom,
  backwardCongestion: seldom,
  partitionKey: fc.constantFrom(0xffff, 0x7fff, 0x8001),
  extended: fc.record({ dmaLengthBytes: messageBytes, syndrome: byte }),
});

const carrier = fc.oneof(
  fc.constantFrom(...CARRIERS),
  fc.constantFrom(...EXTENDED_CARRIERS, ...FIRST_FRAGMENT_CARRIERS),
);

const packet = fc.record({
  carrier,
  fields,
  payloadBytes: fc.nat({ max: 40 }),
  trafficClass: fc.oneof(fc.constantFrom(0, 0x69, 0x6b, 0xc0), byte),
});

/** A packet as a sender of good will makes it. */
const sound: fc.Arbitrary<Buffer> = packet.map(
  ({ carrier: { frame }, fields: given, payloadBytes, trafficClass }) =>
    frame(given, payloadOf(payloadBytes), trafficClass),
);

/** Where lengths lie: IPv4 total length, IPv6 payload length, UDP length, GRH payload length. */
const LENGTH_PLACES: readonly ((headerBytes: number) => number)[] = [
  () => 16,
  () => 18,
  (headerBytes) => headerBytes - 4,
  (headerBytes) => headerBytes - 36,
];

/** Another length: any, a short one, a hair beside the true one, or one near the end of the range. */
const otherLength: fc.Arbitrary<(length: number) => number> = fc.oneof(
  fc.nat({ max: 160 }).map((length) => () => length),
  word.map((length) => () => length),
  fc.integer({ min: 65_480, max: 65_535 }).map((length) => () => length),
  fc.integer({ min: -30, max: 30 }).map((by) => (length: number) => (length + by) & 0xffff),
);

/** A packet with one or two of its lengths made wrong. */
const lied: fc.Arbitrary<Buffer> = fc
  .record({
    packet,
    lies: fc.array(fc.record({ placeOf: fc.constantFrom(...LENGTH_PLACES), otherLength }), {
      minLength: 1,
      maxLength: 2,
    }),
  })
  .map(({ packet: { carrier: way, fields: given, payloadBytes, trafficClass }, lies }) => {
    const frame = way.frame(given, payloadOf(payloadBytes), trafficClass);
    for (const lie of lies) {
      const place = lie.placeOf(way.headerBytes);
      frame.writeUInt16BE(lie.otherLength(frame.readUInt16BE(place)), place);
    }
    return frame;
  });

const greOptions: fc.Arbitrary<GreOptions> = fc.record({
  withChecksum: fc.boolean(),
  withKey: fc.boolean(),
  withSequence: fc.boolean(),
  flags: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constantFrom(1, 7, 8, 0x80, 0x200, 0x400, 0x800, 0x4000) },
  ),
});

const ENDS4 = { src: '203.0.113.1', dst: '203.0.113.2' };
const ENDS6 = { src: '2001:db8:f::1', dst: '2001:db8:f::2' };

/** A frame inside GRE; `withSequence` decides between ERSPAN of types I and II. */
const mirrored: fc.Arbitrary<Buffer> = fc
  .record({
    inner: fc.oneof({ weight: 3, arbitrary: sound }, { weight: 1, arbitrary: lied }),
    innerCut: mostlyWhole(fc.nat({ max: 150 })),
    form: fc.constantFrom('erspan1', 'erspan2', 'erspan3', 'erspan3 with subheader', 'ethernet', 'mellanox'),
    options: greOptions,
    tags: fc.constantFrom([], [{ id: 5 }]),
    overIpv6: fc.boolean(),
    trailer: fc.constantFrom(0, 0, 18),
  })
  .map(({ inner, innerCut, form, options, tags, overIpv6, trailer }) => {
    const frame = innerCut === null ? inner : inner.subarray(0, innerCut);
    const segment = wrapped(form, frame, options);
    const packet = overIpv6 ? ipv6(ENDS6, segment) : ipv4(ENDS4, segment);
    const whole = ethernet(overIpv6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4, packet, tags);
    return Buffer.concat([whole, Buffer.alloc(trailer, 0x11)]);
  });

function wrapped(form: string, frame: Buffer, options: GreOptions): Segment {
  switch (form) {
    case 'erspan1':
      return erspan1(frame, { ...options, withSequence: false });
    case 'erspan2':
      return erspan2(frame, { ...options, withSequence: true });
    case 'erspan3':
      return erspan3(frame, false, options);
    case 'erspan3 with subheader':
      return erspan3(frame, true, options);
    case 'mellanox':
      return gre(GRE_TYPE.mellanox, frame, options);
    default:
      return gre(GRE_TYPE.ethernet, frame, options);
  }
}

const VECTORS = Object.values({
  ...ROCE_COUNT_VECTORS,
  ...ROCE_ODD_VECTORS,
  ...ROCE_LENGTH_VECTORS,
  ...MIRROR_VECTORS,
}).flat();

/** A frame with a few bytes changed, cut off or drawn out. */
const mutated: fc.Arbitrary<ArbitraryFrame> = fc
  .record({
    origin: fc.oneof(
      fc.constantFrom(...VECTORS).map(({ framing, frame }) => ({ framing, frame })),
      fc.oneof(sound, mirrored).map((frame) => ({ framing: FRAMING.ethernet, frame })),
    ),
    changes: fc.array(fc.record({ place: fc.nat({ max: 9999 }), value: byte }), { maxLength: 3 }),
    cut: mostlyWhole(fc.nat({ max: 9999 })),
    tailBytes: fc.constantFrom(0, 0, 4, 30),
  })
  .map(({ origin, changes, cut, tailBytes }) => {
    const whole = Buffer.concat([origin.frame, Buffer.alloc(tailBytes, 0xa5)]);
    for (const { place, value } of changes) {
      // Most headers lie in the first 130 bytes.
      whole[place % Math.min(whole.length, 130)] = value;
    }
    return {
      framing: origin.framing,
      frame: cut === null ? whole : whole.subarray(0, cut % (whole.length + 1)),
    };
  });

function onEthernet(frames: fc.Arbitrary<Buffer>): fc.Arbitrary<ArbitraryFrame> {
  return frames.map((frame) => ({ framing: FRAMING.ethernet, frame }));
}

function longEnough({ framing, frame }: ArbitraryFrame): ArbitraryFrame {
  return {
    framing,
    frame: frame.length >= RUN_FRAME_MIN ? frame : Buffer.concat([frame, Buffer.alloc(RUN_FRAME_MIN)]),
  };
}

/** By what makes them. */
export const ARBITRARY_ROCE: Readonly<
  Record<'sound' | 'lied' | 'mirrored' | 'mutated', fc.Arbitrary<ArbitraryFrame>>
> = {
  sound: onEthernet(sound),
  lied: onEthernet(lied),
  mirrored: onEthernet(mirrored),
  mutated: mutated.map(longEnough),
};
