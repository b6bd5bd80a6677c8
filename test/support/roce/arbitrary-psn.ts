// SPDX-License-Identifier: Apache-2.0
// Random streams of RoCE packets for property tests: what a lossy, reordering network makes of sound
// senders, and packets that leap about as no sender would. Several streams at once, in both directions.

import fc from 'fast-check';
import { type Carrier, V1, V2_IPV4, V2_IPV6 } from './roce-count-parts.js';

/** A packet, or a pause of so many refreshes. */
export type PsnEvent =
  | { readonly what: 'packet'; readonly frame: Buffer }
  | { readonly what: 'pause'; readonly refreshes: number };

const RING = 2 ** 24;

/** What shares an order of PSNs, and what does not. Streams 0 and 1 differ by direction alone. */
interface Stream {
  readonly carrier: Carrier;
  readonly destinationQp: number;
  /** Opcodes of a whole message, from the first packet to the last; more than three repeat the middle. */
  readonly message: readonly [first: number, middle: number, last: number];
}

const STREAMS: readonly Stream[] = [
  { carrier: V2_IPV4, destinationQp: 0x11, message: [0x06, 0x07, 0x08] }, // RC WRITE
  { carrier: V2_IPV4, destinationQp: 0x11, message: [0x0d, 0x0e, 0x0f] }, // RC READ response
  { carrier: V2_IPV4, destinationQp: 0x12, message: [0x00, 0x01, 0x02] }, // RC SEND
  { carrier: V2_IPV6, destinationQp: 0x11, message: [0x20, 0x21, 0x22] }, // UC SEND
  { carrier: V1, destinationQp: 0x13, message: [0xa6, 0xa7, 0xa8] }, // XRC WRITE
  { carrier: V2_IPV6, destinationQp: 0x14, message: [0x0c, 0x0c, 0x0a] }, // RC READ requests and a WRITE
];
/** Of the same queue pairs, but without an order that is followed. */
const UNORDERED: readonly number[] = [0x11, 0x12, 0x64, 0x81, 0x44, 0xc4];

const streamIndex = fc.nat({ max: STREAMS.length - 1 });
/** Near the wrap, near 0, and anywhere. */
const start = fc.oneof(
  fc.integer({ min: RING - 40, max: RING - 1 }),
  fc.nat({ max: 40 }),
  fc.nat({ max: RING - 1 }),
);

function frameOf(index: number, opcode: number, psn: number, trafficClass = 0): Buffer {
  const { carrier, destinationQp } = STREAMS[index] ?? { carrier: V2_IPV4, destinationQp: 0 };
  const sequenceNumber = ((psn % RING) + RING) % RING;
  return carrier.frame({ opcode, destinationQp, sequenceNumber }, undefined, trafficClass);
}

/** What the network does to one packet. */
const fate = fc.oneof(
  { weight: 12, arbitrary: fc.constant('arrives') },
  { weight: 2, arbitrary: fc.constant('lost') },
  { weight: 1, arbitrary: fc.constant('twice') },
  { weight: 1, arbitrary: fc.constant('late') },
);

/** Messages of one sender that goes back to the lost packet when it hears of it. */
const sender: fc.Arbitrary<Buffer[]> = fc
  .record({
    index: streamIndex,
    from: start,
    fates: fc.array(fate, { minLength: 1, maxLength: 40, size: 'max' }),
    messagePackets: fc.integer({ min: 2, max: 9 }),
    /** Packets on their way when the loss is heard of; none: it never is. */
    inFlight: fc.option(fc.integer({ min: 1, max: 8 })),
    trafficClasses: fc.constantFrom([0], [0, 3]),
  })
  .map(({ index, from, fates, messagePackets, inFlight, trafficClasses }) => {
    const [first, middle, last] = STREAMS[index]?.message ?? [0, 0, 0];
    const arrived: Buffer[] = [];
    const late: Buffer[] = [];
    let resumeAt: number | undefined;
    let resumeIn = 0;
    let psn = 0;
    for (const [turn, what] of fates.entries()) {
      if (resumeAt !== undefined && resumeIn-- === 0) {
        psn = resumeAt;
        resumeAt = undefined;
      }
      const place = psn % messagePackets;
      const opcode = place === 0 ? first : place === messagePackets - 1 ? last : middle;
      const frame = frameOf(index, opcode, from + psn, trafficClasses[turn % trafficClasses.length]);
      if (what === 'lost' && resumeAt === undefined && inFlight !== null) {
        [resumeAt, resumeIn] = [psn, inFlight];
      }
      if (what === 'late') {
        late.push(frame);
      } else {
        arrived.push(
          ...(what === 'lost' ? [] : what === 'twice' ? [frame, frame] : [frame]),
          ...late.splice(0),
        );
      }
      psn++;
    }
    return [...arrived, ...late];
  });

const pause: fc.Arbitrary<PsnEvent> = fc
  .integer({ min: 1, max: 5 })
  .map((refreshes) => ({ what: 'pause', refreshes }));

/** Several senders at once, with pauses between. */
export const networkEvents: fc.Arbitrary<PsnEvent[]> = fc
  .record({
    senders: fc.array(sender, { minLength: 1, maxLength: 4 }),
    turns: fc.array(fc.nat({ max: 3 }), { maxLength: 160, size: 'max' }),
    pauses: fc.array(fc.record({ at: fc.nat({ max: 160 }), pause }), { maxLength: 3 }),
  })
  .map(({ senders, turns, pauses }) => {
    const queues = senders.map((frames) => [...frames]);
    const frames = turns.flatMap((turn) => queues[turn % queues.length]?.splice(0, 1) ?? []);
    const events: PsnEvent[] = [...frames, ...queues.flat()].map((frame) => ({ what: 'packet', frame }));
    for (const { at, pause: silence } of pauses) {
      events.splice(Math.min(at, events.length), 0, silence);
    }
    return events;
  });

/** Leaps around every bound of the rules. */
const leap = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: -5, max: 5 }) },
  {
    weight: 2,
    arbitrary: fc
      .record({
        bound: fc.constantFrom(131_072, -131_072, 2 ** 23, -(2 ** 23), 65_536),
        by: fc.integer({ min: -2, max: 2 }),
      })
      .map(({ bound, by }) => bound + by),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: RING - 1 }) },
);

/** Packets that leap, each seen from the one before it in its stream; any opcode. */
export const leapingEvents: fc.Arbitrary<PsnEvent[]> = fc
  .record({
    starts: fc.array(start, { minLength: STREAMS.length, maxLength: STREAMS.length }),
    steps: fc.array(
      fc.oneof(
        {
          weight: 12,
          arbitrary: fc.record({
            index: streamIndex,
            by: leap,
            of: fc.nat({ max: 2 }),
            unordered: fc.constantFrom(...Array<null>(60).fill(null), ...UNORDERED),
          }),
        },
        { weight: 1, arbitrary: pause },
      ),
      { minLength: 1, maxLength: 80, size: 'max' },
    ),
  })
  .map(({ starts, steps }) => {
    const next = [...starts];
    return steps.map((step): PsnEvent => {
      if ('what' in step) return step;
      const { index, by, of, unordered } = step;
      const psn = (next[index] ?? 0) + by;
      if (unordered !== null) return { what: 'packet', frame: frameOf(index, unordered, psn) };
      next[index] = psn + 1;
      return { what: 'packet', frame: frameOf(index, STREAMS[index]?.message[of] ?? 0, psn) };
    });
  });
