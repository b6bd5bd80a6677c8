// SPDX-License-Identifier: Apache-2.0
// What the programs count under when the flow maps are full: the kind of a flow alone, and of a frame
// without a flow its reason too.

import assert from 'node:assert/strict';
import { KIND } from '../../src/abi/kinds.js';
import { FRAME_VECTORS } from '../support/frames/frame-vectors.js';
import { kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import {
  ProgramUnderTest,
  type ProgramUnderTestOptions,
  RUN_IFINDEX,
} from '../support/kernel/program-under-test.js';
import { parseFrame } from '../support/oracle/reference-parser.js';
import type { Sum } from '../support/oracle/tshark-truth.js';

const VARIANTS: Readonly<Record<string, ProgramUnderTestOptions>> = {
  frags: { flavour: 'frags' },
  'frags, portable': { flavour: 'frags', objectPath: PORTABLE_OBJECT_PATH },
  plain: { flavour: 'plain' },
};
const ROUNDS = 3;

/** The name that a count keeps when it finds no place in a flow map. */
function overflowName(kind: number, protocol: number): string {
  return `kind ${kind} reason ${kind === KIND.nonIp || kind === KIND.malformed ? protocol : 0}`;
}

for (const [variant, options] of Object.entries(VARIANTS)) {
  kernelTest(`${variant}: a frame without a flow keeps its reason when the flow map is full`, async (t) => {
    // One set of slots a CPU, and maps of one flow: nearly every count overflows.
    const program = new ProgramUnderTest({ ...options, flowCapacity: 1 });
    t.after(() => program.close());
    const sent = new Map<string, Sum>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const { frame, framing } of FRAME_VECTORS) {
        program.run(frame, framing);
        const { kind, protocol } = parseFrame(frame, framing);
        add(sent, overflowName(kind, protocol), 1, frame.length);
      }
    }
    const counted = new Map<string, Sum>();
    const overflown = new Set<number>();
    await program.object.maps.readOverflow(
      'overflow',
      (ifindex, kind, frameReason, _half, packets, bytes) => {
        assert.equal(ifindex, RUN_IFINDEX);
        add(counted, `kind ${kind} reason ${frameReason}`, packets, bytes);
        if (frameReason !== 0) overflown.add(frameReason);
      },
    );
    for (const { key, packets, bytes } of await program.takeAll()) {
      add(counted, overflowName(key.kind, key.protocol), packets, bytes);
    }
    assert.deepEqual(new Map([...counted].sort()), new Map([...sent].sort()));
    assert.ok(overflown.size >= 15, `only ${overflown.size} frame reasons overflowed`);
    assert.deepEqual(await program.object.maps.readUnattributed(), { packets: 0, bytes: 0 });
  });
}

function add(sums: Map<string, Sum>, name: string, packets: number, bytes: number): void {
  const before = sums.get(name) ?? { packets: 0, bytes: 0 };
  sums.set(name, { packets: before.packets + packets, bytes: before.bytes + bytes });
}
