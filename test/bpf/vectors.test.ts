// SPDX-License-Identifier: Apache-2.0
// The BPF programs on one frame of every kind: whole, against the key written out by hand; and cut
// off at every length, against the reference parser. Runs shorter than 14 bytes are refused by the
// kernel for every framing, so those of L3 and IPoIB links are the reference parser's to test.

import assert from 'node:assert/strict';
import { FRAMING, KIND } from '../../src/abi/kinds.js';
import { FRAME_VECTORS } from '../support/frames/frame-vectors.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, tcp } from '../support/frames/frames.js';
import { kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import {
  ProgramUnderTest,
  type ProgramUnderTestOptions,
  RUN_FRAME_MIN,
  RUN_IFINDEX,
} from '../support/kernel/program-under-test.js';
import { parseFrame } from '../support/oracle/reference-parser.js';
import { ASSIGNED_OPCODES, roceV1Frame, roceV2 } from '../support/roce/roce-frames.js';

const ENDS4 = { src: '192.0.2.1', dst: '198.51.100.2' };
const ENDS6 = { src: '2001:db8::1', dst: '2001:db8::2' };
/** Every program that may be attached to an interface. */
const VARIANTS: Readonly<Record<string, ProgramUnderTestOptions>> = {
  frags: { flavour: 'frags' },
  'frags, portable': { flavour: 'frags', objectPath: PORTABLE_OBJECT_PATH },
  plain: { flavour: 'plain' },
};

for (const [variant, options] of Object.entries(VARIANTS)) {
  kernelTest(`${variant}: every frame is counted under its key`, async (t) => {
    const program = new ProgramUnderTest(options);
    t.after(() => program.close());
    for (const { name, framing, frame, expected } of FRAME_VECTORS) {
      await t.test(name, () => {
        assert.deepEqual(program.count(frame, framing), {
          key: expected,
          ifindex: RUN_IFINDEX,
          packets: 1,
          bytes: frame.length,
        });
      });
    }
  });

  kernelTest(
    `${variant}: frames cut off at every length are read as the reference parser reads them`,
    async (t) => {
      const program = new ProgramUnderTest(options);
      t.after(() => program.close());
      for (const { name, framing, frame } of FRAME_VECTORS) {
        await t.test(name, () => {
          for (let length = RUN_FRAME_MIN; length <= frame.length; length++) {
            const cut = frame.subarray(0, length);
            const expected = {
              key: parseFrame(cut, framing),
              ifindex: RUN_IFINDEX,
              packets: 1,
              bytes: length,
            };
            assert.deepEqual(program.count(cut, framing), expected, `${length} of ${frame.length} bytes`);
          }
        });
      }
    },
  );
}

kernelTest('every opcode of RoCE v2 and v1 is known or not, as assigned', (t) => {
  const program = new ProgramUnderTest();
  t.after(() => program.close());
  for (let opcode = 0; opcode <= 0xff; opcode++) {
    const fields = { opcode, destinationQp: 0x010203 };
    const known = ASSIGNED_OPCODES.has(opcode);
    const v2 = program.count(ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, roceV2(fields)))).key;
    const v1 = program.count(roceV1Frame(ENDS6, fields)).key;
    assert.deepEqual(
      [v2.kind, v2.qp, v1.kind, v1.qp],
      known ? [KIND.roceV2, 0x010203, KIND.roceV1, 0x010203] : [KIND.roceV2Udp, 0, KIND.malformed, 0],
      `opcode 0x${opcode.toString(16)}`,
    );
  }
});

kernelTest('a frame of several buffers is counted with its whole length', (t) => {
  const program = new ProgramUnderTest();
  t.after(() => program.close());
  for (const length of [1514, 3500, 4096, 9014, 60_000]) {
    const frame = ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, tcp(1, 2, payloadOf(length - 54))));
    const counted = program.count(frame);
    assert.deepEqual(counted, {
      key: parseFrame(frame, FRAMING.ethernet),
      ifindex: RUN_IFINDEX,
      packets: 1,
      bytes: length,
    });
  }
});

kernelTest('the same flow again is added to the same slot', (t) => {
  const program = new ProgramUnderTest();
  t.after(() => program.close());
  const frame = ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, tcp(1, 2, payloadOf(46))));
  for (let i = 0; i < 1000; i++) {
    program.run(frame);
  }
  // A run may move to another CPU, which has a slot of its own.
  const counted = program.takeSlots();
  assert.equal(
    counted.reduce((sum, { packets }) => sum + packets, 0),
    1000,
  );
  assert.equal(
    counted.reduce((sum, { bytes }) => sum + bytes, 0),
    1000 * 100,
  );
  for (const { key } of counted) {
    assert.deepEqual(key, parseFrame(frame, FRAMING.ethernet));
  }
});
