// SPDX-License-Identifier: Apache-2.0
// The reference of RoCE counts against expectations written out by hand. No kernel needed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { FRAMING } from '../../../src/abi/kinds.js';
import { payloadOf } from '../frames/frames.js';
import { renderPcap } from '../frames/pcap.js';
import { V2_IPV4 } from '../roce/roce-count-parts.js';
import { ROCE_COUNT_VECTORS } from '../roce/roce-count-vectors.js';
import { EXTENDED_HEADERS } from '../roce/roce-headers.js';
import { ROCE_LENGTH_VECTORS } from '../roce/roce-length-vectors.js';
import { MIRROR_VECTORS, WRAPPED_FLOWS } from '../roce/roce-mirror-vectors.js';
import { ROCE_ODD_VECTORS } from '../roce/roce-odd-vectors.js';
import { readingSnapshot } from '../roce/roce-sums.js';
import { parseFrame } from './reference-parser.js';
import { readRoce } from './reference-roce.js';
import { dissectRoce, haveTshark } from './tshark-roce.js';

test('vectors have names of their own', () => {
  for (const vectors of [ROCE_COUNT_VECTORS, ROCE_ODD_VECTORS, ROCE_LENGTH_VECTORS, MIRROR_VECTORS]) {
    const names = Object.values(vectors).flatMap((group) => group.map(({ name }) => name));
    assert.equal(new Set(names).size, names.length);
  }
});

const BY_HAND = { ...ROCE_COUNT_VECTORS, ...ROCE_ODD_VECTORS, ...ROCE_LENGTH_VECTORS };

for (const [group, vectors] of Object.entries(BY_HAND)) {
  test(`the RoCE reference: ${group}`, () => {
    for (const { name, framing, frame, expected } of vectors) {
      assert.deepEqual(readingSnapshot(readRoce(frame, framing)), expected, name);
    }
  });
}

for (const [group, vectors] of Object.entries(MIRROR_VECTORS)) {
  test(`the RoCE reference: mirrors, ${group}`, () => {
    for (const { name, framing, frame, expected, flow } of vectors) {
      assert.deepEqual(readingSnapshot(readRoce(frame, framing, { decapMirror: true })), expected, name);
      assert.deepEqual(parseFrame(frame, framing, { decapMirror: true }), flow, name);
    }
  });
}

test('the RoCE reference: mirrors left alone', () => {
  for (const { name, frame, flow } of WRAPPED_FLOWS) {
    assert.equal(readRoce(frame, FRAMING.ethernet), undefined, name);
    assert.deepEqual(parseFrame(frame, FRAMING.ethernet), flow, name);
  }
});

/** RC without FLUSH and ATOMIC WRITE, UC, UD: what tshark dissects in full. */
const TSHARK_OPCODES = [...EXTENDED_HEADERS.keys()].filter(
  (opcode) => opcode <= 0x17 || (opcode >= 0x20 && opcode <= 0x2b) || opcode === 0x64 || opcode === 0x65,
);

test('the RoCE reference and the frame builders: as tshark reads them', {
  skip: !haveTshark() && 'SKIPPED: no tshark',
}, () => {
  const frames = TSHARK_OPCODES.flatMap((opcode) =>
    [0, 1, 2, 3, 4, 97].flatMap((payloadBytes, i) =>
      [0x1f, 0x60, 0x61, 0x62, 0x63, 0x64].map((syndrome) =>
        V2_IPV4.frame(
          {
            opcode,
            destinationQp: 0x123456,
            sequenceNumber: 0xabcdef,
            partitionKey: 0x8001 + i,
            solicitedEvent: i % 2 === 0,
            acknowledgeRequest: i % 3 === 0,
            extended: { syndrome, dmaLengthBytes: 4096 * i + (i % 2) },
          },
          payloadOf(payloadBytes),
          0x68 + (i % 4),
        ),
      ),
    ),
  );
  const folder = mkdtempSync(path.join(os.tmpdir(), 'roce-'));
  try {
    const file = path.join(folder, 'built.pcap');
    writeFileSync(file, renderPcap(frames));
    const dissected = dissectRoce(file);
    assert.equal(dissected.length, frames.length);
    frames.forEach((frame, i) => {
      const expected = readingSnapshot(dissected[i]?.reading);
      assert.deepEqual(readingSnapshot(readRoce(frame, FRAMING.ethernet)), expected, frame.toString('hex'));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
