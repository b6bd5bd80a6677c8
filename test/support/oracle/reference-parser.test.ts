// SPDX-License-Identifier: Apache-2.0
// The reference parser against keys written out by hand, and against tshark's reading of third-party
// captures. No kernel needed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING, KIND } from '../../../src/abi/kinds.js';
import { FRAME_VECTORS } from '../frames/frame-vectors.js';
import { ASSIGNED_OPCODES } from '../roce/roce-frames.js';
import { isKnownOpcode } from './reference-bth.js';
import { parseFrame, withoutFlow } from './reference-parser.js';
import {
  findCaptureFolder,
  NO_CAPTURES,
  readCapture,
  readCaptureNames,
  readTruth,
  Tally,
} from './tshark-truth.js';

const folder = findCaptureFolder();

test('frame vectors have names of their own', () => {
  assert.equal(new Set(FRAME_VECTORS.map(({ name }) => name)).size, FRAME_VECTORS.length);
});

for (const { name, framing, frame, expected } of FRAME_VECTORS) {
  test(`the reference parser: ${name}`, () => {
    assert.deepEqual(parseFrame(frame, framing), expected);
  });
}

test('the reference parser knows the opcodes that are assigned, and no others', () => {
  for (let opcode = 0; opcode <= 0xff; opcode++) {
    assert.equal(isKnownOpcode(opcode), ASSIGNED_OPCODES.has(opcode), `opcode 0x${opcode.toString(16)}`);
  }
});

test('frames shorter than their link header, which program runs cannot have', () => {
  const cut = withoutFlow(KIND.malformed, 'link_truncated');
  for (let length = 0; length < 14; length++) {
    assert.deepEqual(parseFrame(Buffer.alloc(length), FRAMING.ethernet), cut);
    assert.deepEqual(parseFrame(Buffer.alloc(length), FRAMING.infiniband), cut);
  }
  assert.deepEqual(parseFrame(Buffer.alloc(0), FRAMING.l3), cut);
  assert.deepEqual(
    parseFrame(Buffer.from([0x45]), FRAMING.l3),
    withoutFlow(KIND.malformed, 'ipv4_truncated'),
  );
  assert.deepEqual(
    parseFrame(Buffer.from([0x60]), FRAMING.l3),
    withoutFlow(KIND.malformed, 'ipv6_truncated'),
  );
  assert.deepEqual(parseFrame(Buffer.from([0x10]), FRAMING.l3), withoutFlow(KIND.malformed, 'l3_version'));
});

test('the reference parser reads captures as tshark does', {
  skip: folder === undefined && NO_CAPTURES,
}, async (t) => {
  assert.ok(folder !== undefined);
  const names = readCaptureNames(folder);
  assert.ok(names.length > 0, 'the index names no captures');
  for (const name of names) {
    await t.test(name, () => {
      const tally = new Tally();
      for (const { bytes } of readCapture(folder, name)) {
        tally.add(parseFrame(bytes, FRAMING.ethernet), { packets: 1, bytes: bytes.length });
      }
      assert.deepEqual(tally.snapshot(), readTruth(folder, name));
    });
  }
});
