// SPDX-License-Identifier: Apache-2.0
// The reference parser against tshark's reading of third-party captures. No kernel needed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING } from '../../src/abi/kinds.js';
import { parseFrame } from './reference-parser.js';
import {
  findCaptureFolder,
  NO_CAPTURES,
  readCapture,
  readCaptureNames,
  readTruth,
  Tally,
} from './tshark-truth.js';

const folder = findCaptureFolder();

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
        tally.count(parseFrame(bytes, FRAMING.ethernet), bytes.length);
      }
      assert.deepEqual(tally.snapshot(), readTruth(folder, name));
    });
  }
});
