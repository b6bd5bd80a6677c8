// SPDX-License-Identifier: Apache-2.0
// Third-party captures, frame by frame through the BPF program: flows, packets and bytes must equal
// tshark's reading. Once with one slot set per CPU, so that nearly every frame moves its predecessor
// into the flow map; once with the usual number.

import assert from 'node:assert/strict';
import { DEFAULT_SLOTS_PER_CPU } from '../../src/kernel/load.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import {
  findCaptureFolder,
  NO_CAPTURES,
  readCapture,
  readCaptureNames,
  readTruth,
  Tally,
} from '../support/oracle/tshark-truth.js';

for (const slotsPerCpu of [2, DEFAULT_SLOTS_PER_CPU]) {
  kernelTest(`captures are counted as tshark reads them, with ${slotsPerCpu} slots per CPU`, async (t) => {
    const folder = findCaptureFolder();
    if (folder === undefined) {
      process.stderr.write(`${NO_CAPTURES}\n`);
      t.skip(NO_CAPTURES);
      return;
    }
    const program = new ProgramUnderTest({ slotsPerCpu });
    t.after(() => program.close());
    const names = readCaptureNames(folder);
    assert.ok(names.length > 0, 'the index names no captures');
    for (const name of names) {
      await t.test(name, async () => {
        for (const { bytes } of readCapture(folder, name)) {
          program.run(bytes);
        }
        const tally = new Tally();
        for (const { key, packets, bytes } of await program.takeAll()) {
          tally.add(key, { packets, bytes });
        }
        assert.deepEqual(tally.snapshot(), readTruth(folder, name));
      });
    }
  });
}
