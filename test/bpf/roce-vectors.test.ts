// SPDX-License-Identifier: Apache-2.0
// The BPF programs on RoCE, frame by frame: what each adds to its stream, against expectations written
// out by hand; and every opcode, length, cut and mirrored form against the reference.

import assert from 'node:assert/strict';
import { FRAMING, type Framing, KIND } from '../../src/abi/kinds.js';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf } from '../support/frames/frames.js';
import { ENDS4, ENDS6, QP } from '../support/frames/vector-parts.js';
import { kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import {
  ProgramUnderTest,
  type ProgramUnderTestOptions,
  RUN_FRAME_MIN,
} from '../support/kernel/program-under-test.js';
import { type ParseOptions, parseFrame } from '../support/oracle/reference-parser.js';
import { readRoce } from '../support/oracle/reference-roce.js';
import { CARRIERS, PAYLOAD, STREAM4, V1, V2_IPV4, V2_IPV6 } from '../support/roce/roce-count-parts.js';
import { ROCE_COUNT_VECTORS } from '../support/roce/roce-count-vectors.js';
import { EXTENDED_CARRIERS, FIRST_FRAGMENT_CARRIERS } from '../support/roce/roce-extended-carriers.js';
import { ASSIGNED_OPCODES, roceV1Frame, roceV2 } from '../support/roce/roce-frames.js';
import { ROCE_LENGTH_VECTORS } from '../support/roce/roce-length-vectors.js';
import { MIRROR_SAMPLES, MIRROR_VECTORS, WRAPPED_FLOWS } from '../support/roce/roce-mirror-vectors.js';
import { ROCE_ODD_VECTORS } from '../support/roce/roce-odd-vectors.js';
import { readingSnapshot } from '../support/roce/roce-sums.js';

/** Every program that may be attached to an interface. */
const VARIANTS: Readonly<Record<string, ProgramUnderTestOptions>> = {
  frags: { flavour: 'frags' },
  'frags, portable': { flavour: 'frags', objectPath: PORTABLE_OBJECT_PATH },
  plain: { flavour: 'plain' },
};

const BY_HAND = { ...ROCE_COUNT_VECTORS, ...ROCE_ODD_VECTORS, ...ROCE_LENGTH_VECTORS };

/** A program in which every refresh lets all streams of PSNs begin anew. */
function start(t: { after(fn: () => void): void }, options: ProgramUnderTestOptions = {}): ProgramUnderTest {
  const program = new ProgramUnderTest({ ...options, roce: { psnIdleMaxRefreshes: 0, ...options.roce } });
  t.after(() => program.close());
  return program;
}

/** What one frame adds as the first of its stream: PSNs add nothing. */
function alone(program: ProgramUnderTest, frame: Buffer, framing: Framing = FRAMING.ethernet) {
  program.passRefreshes(1);
  return program.countRoce(frame, framing);
}

function assertLikeReference(
  program: ProgramUnderTest,
  frame: Buffer,
  options: ParseOptions,
  name: string,
): void {
  const expected = readingSnapshot(readRoce(frame, FRAMING.ethernet, options));
  assert.deepEqual(alone(program, frame), expected, `${name}: ${frame.toString('hex')}`);
}

for (const [variant, options] of Object.entries(VARIANTS)) {
  kernelTest(`${variant}: what RoCE packets add to their streams`, async (t) => {
    const program = start(t, options);
    for (const [group, vectors] of Object.entries(BY_HAND)) {
      await t.test(group, () => {
        for (const { name, framing, frame, expected } of vectors) {
          assert.deepEqual(alone(program, frame, framing), expected, name);
        }
      });
    }
  });

  kernelTest(`${variant}: mirrored RoCE counts as what it was`, async (t) => {
    const program = start(t, { ...options, roce: { decapMirror: true } });
    for (const [group, vectors] of Object.entries(MIRROR_VECTORS)) {
      await t.test(group, () => {
        program.takeSlots();
        for (const { name, framing, frame, expected, flow } of vectors) {
          assert.deepEqual(alone(program, frame, framing), expected, name);
          const [counted, ...more] = program.takeSlots();
          assert.deepEqual(
            [counted?.key, counted?.packets, counted?.bytes, more.length],
            [flow, 1, frame.length, 0],
            name,
          );
        }
      });
    }
  });
}

kernelTest('mirrors left alone are GRE', (t) => {
  const program = start(t);
  for (const { name, frame, flow } of WRAPPED_FLOWS) {
    assert.deepEqual(program.count(frame).key, flow, name);
    assert.deepEqual(program.takeRoce(), {}, name);
  }
});

kernelTest('every opcode, on every carrier', (t) => {
  const program = start(t);
  for (const carrier of CARRIERS) {
    for (let opcode = 0; opcode <= 0xff; opcode++) {
      for (const payload of [Buffer.alloc(0), payloadOf(1), PAYLOAD]) {
        const frame = carrier.frame({ opcode, destinationQp: QP, acknowledgeRequest: true }, payload);
        assertLikeReference(program, frame, {}, `opcode 0x${opcode.toString(16)}, ${carrier.name}`);
      }
    }
  }
});

/** All that are assigned, and one of the vendors'. */
const EVERY_OPCODE = [...ASSIGNED_OPCODES.keys()].filter((opcode) => opcode <= 0xc0);

kernelTest('every opcode with every length near its headers', (t) => {
  const program = start(t);
  for (const opcode of EVERY_OPCODE) {
    const fields = { opcode, destinationQp: QP };
    const whole = ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, roceV2(fields, payloadOf(9))));
    const v1 = roceV1Frame(ENDS6, fields, payloadOf(9));
    for (let length = 0; length <= 68; length++) {
      const udp = Buffer.from(whole);
      udp.writeUInt16BE(length, 38);
      assertLikeReference(program, udp, {}, `UDP length ${length}`);
      const grh = Buffer.from(v1);
      grh.writeUInt16BE(length, 18);
      assertLikeReference(program, grh, {}, `GRH payload length ${length}`);
    }
  }
});

/** IPv6 extension headers, IPv4 options, first fragments. */
const FURTHER_CARRIERS = [...EXTENDED_CARRIERS, ...FIRST_FRAGMENT_CARRIERS];

kernelTest('UDP lengths near headers and ends of packets, behind every extension header', (t) => {
  const program = start(t);
  for (const carrier of FURTHER_CARRIERS) {
    for (const opcode of [0x04, 0x0a, 0x11, 0x46, 0x81, 0xc0]) {
      const whole = carrier.frame({ opcode, destinationQp: QP }, payloadOf(9));
      for (let length = 0; length <= 84; length++) {
        const frame = Buffer.from(whole);
        frame.writeUInt16BE(length < 76 ? length : 65_535 + 76 - length, carrier.headerBytes - 4);
        assertLikeReference(program, frame, {}, `UDP length ${length}, ${carrier.name}`);
      }
    }
  }
});

/** One packet for each way of reading. */
const SAMPLES: readonly Buffer[] = [
  ...[V2_IPV4, V2_IPV6, V1, ...CARRIERS.slice(4)].flatMap((carrier) =>
    [0x06, 0x0c, 0x11, 0x1c, 0x46, 0x51, 0x64, 0x81, 0xab, 0xb1, 0xc0].map((opcode) =>
      carrier.frame({ opcode, destinationQp: QP, extended: { syndrome: 0x25 } }, payloadOf(5), 0x69),
    ),
  ),
  ...FURTHER_CARRIERS.map((carrier) => carrier.frame({ opcode: 0x0c, destinationQp: QP }, payloadOf(5))),
  ...Object.values(ROCE_LENGTH_VECTORS)
    .flatMap((group) => group.filter((_, i) => i % 7 === 0))
    .map(({ frame }) => frame),
];

kernelTest('frames cut off at every length', (t) => {
  const program = start(t);
  for (const frame of SAMPLES) {
    for (let length = RUN_FRAME_MIN; length < frame.length; length++) {
      assertLikeReference(program, frame.subarray(0, length), {}, `${length} of ${frame.length} bytes`);
    }
  }
});

kernelTest('packets of every total length', (t) => {
  const program = start(t);
  for (const opcode of [0x0a, 0x11, 0x55, 0x81, 0xab]) {
    const segment = roceV2({ opcode, destinationQp: QP }, payloadOf(5));
    for (const moreFragments of [false, true]) {
      for (let totalLength = 0; totalLength <= 20 + segment.bytes.length + 8; totalLength++) {
        const frame = ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, segment, { totalLength, moreFragments }));
        assertLikeReference(program, frame, {}, `total length ${totalLength}`);
      }
    }
    for (let payloadLength = 0; payloadLength <= segment.bytes.length + 8; payloadLength++) {
      const frame = ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, segment, { payloadLength }));
      assertLikeReference(program, frame, {}, `payload length ${payloadLength}`);
    }
    for (const { name, key, frame } of FURTHER_CARRIERS) {
      const whole = frame({ opcode, destinationQp: QP }, payloadOf(5));
      for (let length = 0; length <= whole.length - 14 + 8; length++) {
        const changed = Buffer.from(whole);
        changed.writeUInt16BE(length, key === STREAM4 ? 16 : 18);
        assertLikeReference(program, changed, {}, `IP length ${length}, ${name}`);
      }
    }
  }
});

kernelTest('mirrored frames cut off at every length', (t) => {
  const program = start(t, { roce: { decapMirror: true } });
  for (const frame of MIRROR_SAMPLES) {
    for (let length = RUN_FRAME_MIN; length < Math.min(frame.length, 260); length++) {
      const cut = frame.subarray(0, length);
      program.takeSlots();
      assertLikeReference(program, cut, { decapMirror: true }, `${length} of ${frame.length} bytes`);
      assert.deepEqual(
        program.takeSlots().map(({ key }) => key),
        [parseFrame(cut, FRAMING.ethernet, { decapMirror: true })],
        `${length} of ${frame.length} bytes`,
      );
    }
  }
});

kernelTest('a packet of several buffers counts whole', (t) => {
  const program = start(t);
  for (const bytes of [1024, 4096, 8960]) {
    for (const { name, frame } of [V2_IPV4, V1]) {
      const sound = frame({ opcode: 0x0a, destinationQp: QP }, payloadOf(bytes));
      assertLikeReference(program, sound, {}, `${bytes} bytes of payload, ${name}`);
      const noOpcode = frame({ opcode: 0x18, destinationQp: QP }, payloadOf(bytes));
      assertLikeReference(program, noOpcode, {}, `${bytes} bytes behind no opcode, ${name}`);
    }
  }
});

kernelTest('nothing is read where RoCE is switched off', (t) => {
  const program = start(t, { roce: { isEnabled: false } });
  for (const { name, frame } of Object.values(BY_HAND).flatMap((group) => group.slice(-20))) {
    assert.deepEqual(alone(program, frame), {}, name);
  }
});

kernelTest('only kinds that are wanted are read', (t) => {
  const only = (kind: number): readonly [number, number, number] => [1 << kind, 0, 0];
  const frames = {
    roceV2: V2_IPV4.frame({ opcode: 0x0a, destinationQp: QP }, PAYLOAD),
    roceV2Udp: V2_IPV4.frame({ opcode: 0x18, destinationQp: QP }, PAYLOAD),
    roceV1: V1.frame({ opcode: 0x0a, destinationQp: QP }, PAYLOAD),
    // has no flow of its own: whoever wants RoCE v1 wants to know of it
    malformedRoceV1: V1.frame({ opcode: 0x18, destinationQp: QP }, PAYLOAD),
  };
  for (const kind of ['roceV2', 'roceV2Udp', 'roceV1', 'tcp', 'malformed'] as const) {
    const program = start(t, { kindsWanted: only(KIND[kind]) });
    for (const [name, frame] of Object.entries(frames)) {
      const isRead = name === kind || (name === 'malformedRoceV1' && kind === 'roceV1');
      const expected = isRead ? readingSnapshot(readRoce(frame, FRAMING.ethernet)) : {};
      assert.deepEqual(alone(program, frame), expected, `${name} where ${kind} is wanted`);
    }
  }
});
