// SPDX-License-Identifier: Apache-2.0
// Counts outlive whoever reads them, on the real kernel: the real object, fed by program runs, read by
// processes that die before they have written down what they read, before they have cleared it, or after.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import type { Half } from '../../src/kernel/kernel-maps.js';
import { createKeptDrain, type KeptDrain } from '../../src/reader/kept-drain.js';
import { mixedFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { DrainSums, sorted } from '../support/oracle/drain-sums.js';
import { V2_IPV4, V2_IPV6 } from '../support/roce/roce-count-parts.js';

/** Some 150 flows of every kind, and a READ, which no slot takes. */
const FRAMES = [
  ...mixedFlows(7, 6),
  V2_IPV4.frame({ opcode: 0x0c, destinationQp: 9 }),
  V2_IPV6.frame({ opcode: 0x0c, destinationQp: 9 }),
];

const STEPS = ['lives', 'dies unwritten', 'dies uncleared', 'dies cleared'] as const;

kernelTest('each packet is written down once, whenever the process that reads it dies', async () => {
  const rounds = fc.array(
    fc.record({
      frames: fc.array(fc.nat(FRAMES.length - 1), { minLength: 40, maxLength: 200 }),
      meanwhile: fc.array(fc.nat(FRAMES.length - 1), { maxLength: 10 }),
      step: fc.constantFrom(...STEPS),
    }),
    { minLength: 1, maxLength: 8 },
  );
  // Some flows have no place in the map of 8, and are counted as overflow.
  const program = new ProgramUnderTest({ flowCapacity: 8, drainBatchEntries: 16 });
  try {
    let writtenHalf: Half | 'new_maps' | undefined = 'new_maps';
    let overflowed = 0;
    const heir = (): KeptDrain =>
      createKeptDrain(
        {
          maps: program.object.maps,
          interfaceIdOf: (ifindex) => ifindex,
          ifindexOf: (id) => id,
          yieldToLoop: () => setImmediate(),
          nowMs: () => performance.now(),
        },
        writtenHalf,
      );
    await fc.assert(
      fc.asyncProperty(rounds, async (plan) => {
        const sent = new DrainSums();
        const written = new DrainSums();
        const send = (numbers: readonly number[]): void => {
          for (const number of numbers) {
            const frame = FRAMES[number] ?? Buffer.alloc(0);
            program.run(frame);
            sent.addFrame(frame);
          }
        };
        let drain = heir();
        const round = async (step: (typeof STEPS)[number], meanwhile: readonly number[]): Promise<void> => {
          const draining = drain.drain();
          send(meanwhile);
          const result = await draining;
          assert.equal(result.error, undefined);
          if (step !== 'dies unwritten') {
            written.addDrain(result);
            overflowed += result.overflow.length;
            writtenHalf = drain.copied;
            if (step !== 'dies uncleared') await drain.clear();
          }
          if (step !== 'lives') {
            if (writtenHalf === 'new_maps') writtenHalf = undefined;
            drain = heir();
          }
        };
        for (const { frames, meanwhile, step } of plan) {
          send(frames);
          await round(step, meanwhile);
        }
        await round('lives', []);
        await round('lives', []);
        assert.deepEqual(sorted(written.types), sorted(sent.types));
      }),
      { numRuns: 60 },
    );
    assert.ok(overflowed > 0, 'the overflow maps were used');
  } finally {
    program.close();
  }
});
