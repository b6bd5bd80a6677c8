// SPDX-License-Identifier: Apache-2.0
// The reference of RoCE counts against expectations written out by hand. No kernel needed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING } from '../../src/abi/kinds.js';
import { parseFrame } from './reference-parser.js';
import { readRoce } from './reference-roce.js';
import { ROCE_COUNT_VECTORS } from './roce-count-vectors.js';
import { MIRROR_VECTORS, WRAPPED_FLOWS } from './roce-mirror-vectors.js';
import { ROCE_ODD_VECTORS } from './roce-odd-vectors.js';
import { readingSnapshot } from './roce-sums.js';

test('vectors have names of their own', () => {
  for (const vectors of [ROCE_COUNT_VECTORS, ROCE_ODD_VECTORS, MIRROR_VECTORS]) {
    const names = Object.values(vectors).flatMap((group) => group.map(({ name }) => name));
    assert.equal(new Set(names).size, names.length);
  }
});

for (const [group, vectors] of Object.entries({ ...ROCE_COUNT_VECTORS, ...ROCE_ODD_VECTORS })) {
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
