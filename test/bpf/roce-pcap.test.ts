// SPDX-License-Identifier: Apache-2.0
// Captures of real soft-RoCE, frame by frame and opcode by opcode: what the BPF program adds to its
// streams is what tshark reads; and the order of PSNs is what the reference says of it.

import assert from 'node:assert/strict';
import path from 'node:path';
import { FRAMING } from '../../src/abi/kinds.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { ReferenceStreams } from '../support/oracle/reference-roce-streams.js';
import { dissectRoce, haveTshark } from '../support/oracle/tshark-roce.js';
import {
  findCaptureFolder,
  NO_CAPTURES,
  readCapture,
  readCaptureNames,
} from '../support/oracle/tshark-truth.js';
import { RoceSums, readingSnapshot } from '../support/roce/roce-sums.js';

const NO_TSHARK = 'SKIPPED: no tshark to compare with';
/** What the captures hold together; a capture that decodes to nothing would prove nothing. */
const OPCODES_SEEN = [0x04, 0x06, 0x07, 0x08, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x64];

kernelTest('real RoCE is counted as tshark reads it', async (t) => {
  const folder = findCaptureFolder();
  const missing = folder === undefined ? NO_CAPTURES : haveTshark() ? undefined : NO_TSHARK;
  if (folder === undefined || missing !== undefined) {
    process.stderr.write(`${missing}\n`);
    t.skip(missing);
    return;
  }
  const names = readCaptureNames(folder).filter((name) => name.startsWith('rocev2_'));
  assert.ok(names.length > 0, 'the index names no captures of RoCE');
  // A limit of 0 and a refresh before each frame: every packet is the first of its stream.
  const alone = new ProgramUnderTest({ roce: { psnIdleMaxRefreshes: 0 } });
  t.after(() => alone.close());
  const opcodes = new Set<number>();
  for (const name of names) {
    await t.test(`${name}: frame by frame, as tshark`, () => {
      const dissected = dissectRoce(path.join(folder, name));
      const frames = readCapture(folder, name);
      assert.equal(frames.length, dissected.length);
      frames.forEach(({ bytes }, i) => {
        const { opcode, reading } = dissected[i] ?? {};
        if (opcode !== undefined) opcodes.add(opcode);
        alone.passRefreshes(1);
        assert.deepEqual(alone.countRoce(bytes), readingSnapshot(reading), `frame ${i + 1}`);
      });
    });

    await t.test(`${name}: in sums by opcode, as tshark`, () => {
      const expected = new Map<number, RoceSums>();
      const found = new Map<number, Buffer[]>();
      const frames = readCapture(folder, name);
      dissectRoce(path.join(folder, name)).forEach(({ opcode, reading }, i) => {
        if (opcode === undefined || reading === undefined) return;
        const sums = expected.get(opcode) ?? new RoceSums();
        expected.set(opcode, sums);
        sums.add(reading.key, reading.cells);
        const frame = frames[i]?.bytes ?? Buffer.alloc(0);
        found.set(opcode, [...(found.get(opcode) ?? []), frame]);
      });
      for (const [opcode, sums] of expected) {
        for (const frame of found.get(opcode) ?? []) {
          alone.passRefreshes(1);
          alone.run(frame);
        }
        assert.deepEqual(alone.takeRoce(), sums.snapshot(), `opcode 0x${opcode.toString(16)}`);
      }
    });

    await t.test(`${name}: the order of PSNs, as the reference`, (t) => {
      const program = new ProgramUnderTest({ roce: { streamCapacity: 4096 } });
      t.after(() => program.close());
      const reference = new ReferenceStreams({ psnIdleMaxRefreshes: 12 });
      for (const { bytes } of readCapture(folder, name)) {
        program.run(bytes);
        reference.count(bytes, FRAMING.ethernet, 0);
      }
      assert.deepEqual(program.takeRoce(), reference.take());
    });
  }
  await t.test('the captures hold what they should', () => {
    assert.deepEqual(
      OPCODES_SEEN.filter((opcode) => !opcodes.has(opcode)),
      [],
    );
  });
});
