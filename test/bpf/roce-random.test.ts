// SPDX-License-Identifier: Apache-2.0
// Properties of the BPF programs over random RoCE: whatever comes, each stream's counts equal the
// reference's, cell by cell; with mirrors unwrapped and not, and with kinds that are not wanted.

import assert from 'node:assert/strict';
import process from 'node:process';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { ARBITRARY_FRAMES, type ArbitraryFrame } from '../support/frames/arbitrary-frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { parseFrame } from '../support/oracle/reference-parser.js';
import { ReferenceStreams } from '../support/oracle/reference-roce-streams.js';
import { ARBITRARY_ROCE } from '../support/roce/arbitrary-roce.js';

/** Frames of each sort; more by XTRACE_RANDOM_FRAMES, for a long run. */
const RUNS = Number(process.env['XTRACE_RANDOM_FRAMES'] ?? 20_000);
/** Frames against one state of the maps. */
const LIST_MAX = 20;
/** So many that the few streams of a list do not push one another out of the order of PSNs. */
const STREAMS = 4096;

const SORTS: Readonly<Record<string, fc.Arbitrary<ArbitraryFrame>>> = {
  ...ARBITRARY_ROCE,
  'structured frames of any kind': ARBITRARY_FRAMES.structured,
  'mutated frames of any kind': ARBITRARY_FRAMES.mutated,
};

interface Variant {
  readonly decapMirror: boolean;
  readonly kindsWanted?: readonly [number, number, number];
}

const VARIANTS: Readonly<Record<string, Variant>> = {
  'mirrors left alone': { decapMirror: false },
  'mirrors unwrapped': { decapMirror: true },
  'mirrors unwrapped, other kinds wanted on each framing': {
    decapMirror: true,
    kindsWanted: [1 << KIND.roceV1, 1 << KIND.roceV2Udp, 1 << KIND.roceV2],
  },
};

for (const [variant, options] of Object.entries(VARIANTS)) {
  for (const [sort, frame] of Object.entries(SORTS)) {
    kernelTest(`${sort}, ${variant}`, (t) => {
      const { decapMirror, ...wanted } = options;
      const program = new ProgramUnderTest({
        ...wanted,
        roce: { decapMirror, psnIdleMaxRefreshes: 0, streamCapacity: STREAMS },
      });
      t.after(() => program.close());
      // Remembers streams as the program does: what one list left missing is lost in another.
      const reference = new ReferenceStreams({ ...options, psnIdleMaxRefreshes: 0 });
      let refresh = 0;
      let streams = 0;
      const list = fc.array(frame, { minLength: 1, maxLength: LIST_MAX, size: 'max' });
      fc.assert(
        fc.property(list, (frames) => {
          program.passRefreshes(1); // every stream begins anew
          refresh++;
          program.takeRoce();
          for (const { framing, frame: one } of frames) {
            program.run(one, framing);
            reference.count(one, framing, refresh);
          }
          const expected = reference.take();
          streams += Object.keys(expected).length;
          const found = program.takeRoce();
          assert.deepEqual(found, expected, frames.map((one) => one.frame.toString('hex')).join('\n'));
        }),
        { numRuns: Math.ceil((2 * RUNS) / LIST_MAX / Object.keys(VARIANTS).length) },
      );
      // Random frames that are all something else would prove little.
      if (
        options.kindsWanted === undefined &&
        sort in ARBITRARY_ROCE &&
        (decapMirror || sort !== 'mirrored')
      ) {
        assert.ok(streams > RUNS / 10, `only ${streams} streams`);
      }
    });
  }
}

kernelTest('mirrored frames count once, under the flow of what they hold', (t) => {
  const program = new ProgramUnderTest({ roce: { decapMirror: true } });
  t.after(() => program.close());
  let inside = 0;
  fc.assert(
    fc.property(fc.oneof(ARBITRARY_ROCE.mirrored, ARBITRARY_ROCE.mutated), ({ framing, frame }) => {
      const key = parseFrame(frame, framing, { decapMirror: true });
      inside += key.kind !== parseFrame(frame, framing).kind ? 1 : 0;
      const { packets, bytes, key: found } = program.count(frame, framing);
      assert.deepEqual([found, packets, bytes], [key, 1, frame.length], frame.toString('hex'));
    }),
    { numRuns: RUNS / 4 },
  );
  assert.ok(inside > RUNS / 40, `only ${inside} were unwrapped`);
});
