// SPDX-License-Identifier: Apache-2.0
// Random frames for property tests: noise, known frames with a few bytes changed, and frames of
// sound structure with hostile fields. Each with the framing it arrives on.

import fc from 'fast-check';
import { FRAMING, type Framing } from '../../../src/abi/kinds.js';
import { RUN_FRAME_MIN } from '../kernel/program-under-test.js';
import { FRAME_VECTORS } from './frame-vectors.js';
import { ethernet, infiniband, u16, type VlanTag } from './frames.js';

export interface ArbitraryFrame {
  readonly framing: Framing;
  readonly frame: Buffer;
}

const framings = fc.constantFrom(FRAMING.ethernet, FRAMING.infiniband, FRAMING.l3);
const byte = fc.integer({ min: 0, max: 0xff });
const word = fc.integer({ min: 0, max: 0xffff });
/** A port, often the one of RoCE. */
const port = fc.oneof(word, fc.constantFrom(0, 4791, 4791, 0xb712));
// Without a size, fast-check stays near 10 bytes.
const bytesOf = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: 0, maxLength, size: 'max' }).map((bytes) => Buffer.from(bytes));

/** Mostly undefined, for the true value of a field; sometimes what is given. */
function mostlyTrue<T>(lie: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: lie });
}

/** At least what a program run takes. */
function longEnough(frame: Buffer): Buffer {
  return frame.length >= RUN_FRAME_MIN ? frame : Buffer.concat([frame, Buffer.alloc(RUN_FRAME_MIN)]);
}

/** Bytes without meaning. */
const noise: fc.Arbitrary<ArbitraryFrame> = fc.record({
  framing: framings,
  frame: bytesOf(160).map(longEnough),
});

/** A frame vector with a few bytes changed, cut off or drawn out, perhaps on a link of another framing. */
const mutated: fc.Arbitrary<ArbitraryFrame> = fc
  .record({
    vector: fc.constantFrom(...FRAME_VECTORS),
    elsewhere: fc.option(framings, { freq: 8 }),
    changes: fc.array(fc.record({ place: fc.nat({ max: 9999 }), value: byte }), { maxLength: 4 }),
    cut: fc.option(fc.nat({ max: 9999 }), { freq: 4 }),
    tail: fc.oneof(fc.constant(Buffer.alloc(0)), bytesOf(40)),
  })
  .map(({ vector, elsewhere, changes, cut, tail }) => {
    const whole = Buffer.concat([vector.frame, tail]);
    for (const { place, value } of changes) {
      // Most headers lie in the first 80 bytes.
      whole[place % Math.min(whole.length, 80)] = value;
    }
    const frame = cut === null ? whole : whole.subarray(0, cut % (whole.length + 1));
    return { framing: elsewhere ?? vector.framing, frame: longEnough(frame) };
  });

const transport: fc.Arbitrary<Buffer> = fc
  .record({
    ports: fc.tuple(port, port),
    udpLength: mostlyTrue(fc.oneof(word, fc.integer({ min: 20, max: 28 }))),
    opcode: byte,
    version: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: byte }),
    rest: bytesOf(24),
  })
  .map(({ ports, udpLength, opcode, version, rest }) =>
    Buffer.concat([u16(...ports, udpLength ?? 10 + rest.length, 0), Buffer.from([opcode, version]), rest]),
  );

const protocol = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(6, 17, 17, 17, 17, 1, 33, 58, 132, 136, 47) },
  { weight: 1, arbitrary: byte },
);

const ipv4Packet: fc.Arbitrary<Buffer> = fc
  .record({
    first: mostlyTrue(fc.oneof(fc.integer({ min: 0x40, max: 0x4f }), byte)),
    totalLength: mostlyTrue(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant(0), word)),
    fragment: fc.oneof(fc.constantFrom(0, 0, 0x4000, 0x2000, 0x8000, 1, 0x2001, 0x1fff), word),
    protocol,
    addresses: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    optionWords: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10 })),
    transport,
  })
  .map(({ optionWords, ...fields }) => {
    const length = 20 + 4 * optionWords;
    return Buffer.concat([
      Buffer.from([fields.first ?? 0x40 + length / 4, 0]),
      u16(fields.totalLength ?? length + fields.transport.length, 0, fields.fragment),
      Buffer.from([64, fields.protocol, 0, 0]),
      fields.addresses,
      Buffer.alloc(4 * optionWords, 1),
      fields.transport,
    ]);
  });

const extensionProtocol = fc.constantFrom(0, 43, 44, 51, 60, 135, 139, 140);
const extensionHeader = fc.record({
  protocol: extensionProtocol,
  length: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 3 }) }, { weight: 1, arbitrary: byte }),
  offset: fc.constantFrom(0, 0, 1, 7, 8, 0xfff8),
});

const ipv6Packet: fc.Arbitrary<Buffer> = fc
  .record({
    first: fc.oneof({ weight: 8, arbitrary: fc.constant(0x60) }, { weight: 1, arbitrary: byte }),
    payloadLength: mostlyTrue(fc.oneof(fc.integer({ min: 0, max: 200 }), fc.constant(0), word)),
    addresses: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    extensions: fc.oneof(
      fc.array(extensionHeader, { maxLength: 3 }),
      fc.array(extensionHeader, { minLength: 7, maxLength: 10 }),
    ),
    protocol: fc.oneof({ weight: 8, arbitrary: protocol }, { weight: 1, arbitrary: extensionProtocol }),
    transport,
  })
  .map(({ first, payloadLength, addresses, extensions, protocol: last, transport: payload }) => {
    const next = (i: number): number => extensions[i]?.protocol ?? last;
    const chain = extensions.map(({ protocol: own, length, offset }, i) => {
      // As long as the header says, up to a point, so that the walk goes on behind it.
      const size = own === 44 ? 8 : own === 51 ? (length + 2) * 4 : (length + 1) * 8;
      const header = Buffer.alloc(Math.min(size, 40));
      header[0] = next(i + 1);
      header[1] = length;
      header.writeUInt16BE(offset, 2);
      return header;
    });
    const body = Buffer.concat([...chain, payload]);
    const fixed = [
      Buffer.from([first, 0, 0, 0]),
      u16(payloadLength ?? body.length),
      Buffer.from([next(0), 64]),
      addresses,
    ];
    return Buffer.concat([...fixed, body]);
  });

const grh: fc.Arbitrary<Buffer> = fc
  .record({
    first: fc.constantFrom(0x60, 0x6f, 0x40),
    payloadLength: mostlyTrue(fc.oneof(fc.integer({ min: 0, max: 32 }), word)),
    nextHeader: fc.constantFrom(0x1b, 0x1b, 17),
    opcode: byte,
    version: fc.constantFrom(0, 0x40, 1),
    rest: bytesOf(60),
  })
  .map(({ first, payloadLength, nextHeader, opcode, version, rest }) => {
    const start = [Buffer.from([first, 0, 0, 0]), u16(payloadLength ?? 2 + rest.length)];
    return Buffer.concat([
      ...start,
      Buffer.from([nextHeader]),
      Buffer.alloc(33, 7),
      Buffer.from([opcode, version]),
      rest,
    ]);
  });

const etherType = fc.oneof(fc.constantFrom(0x0800, 0x86dd, 0x8915, 0x0806, 0x05ff, 0x0600, 0x8100), word);
const tag = fc.record({
  id: fc.integer({ min: 0, max: 0xfff }),
  etherType: fc.constantFrom(0x8100, 0x88a8, 0x9100),
});

/** Sound structure, hostile fields. */
const structured: fc.Arbitrary<ArbitraryFrame> = fc
  .record({
    framing: fc.oneof(
      { weight: 3, arbitrary: fc.constant(FRAMING.ethernet) },
      { weight: 2, arbitrary: framings },
    ),
    tags: fc.oneof(fc.constant([]), fc.array(tag, { maxLength: 2 }), fc.array(tag, { maxLength: 3 })),
    content: fc.oneof(
      { weight: 6, arbitrary: ipv4Packet.map((packet): [number, Buffer] => [0x0800, packet]) },
      { weight: 6, arbitrary: ipv6Packet.map((packet): [number, Buffer] => [0x86dd, packet]) },
      { weight: 2, arbitrary: grh.map((packet): [number, Buffer] => [0x8915, packet]) },
      { weight: 1, arbitrary: fc.tuple(etherType, bytesOf(60)) },
    ),
  })
  .map(({ framing, tags, content: [type, packet] }) => ({
    framing,
    frame: longEnough(onLink(framing, type, packet, tags)),
  }));

function onLink(framing: Framing, type: number, packet: Buffer, tags: readonly VlanTag[]): Buffer {
  switch (framing) {
    case FRAMING.ethernet:
      return ethernet(type, packet, tags);
    case FRAMING.infiniband:
      return infiniband(type, packet);
    case FRAMING.l3:
      return packet;
  }
}

/** By what makes them. */
export const ARBITRARY_FRAMES = { noise, mutated, structured } as const;
