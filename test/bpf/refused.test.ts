// SPDX-License-Identifier: Apache-2.0
// How many flows the full maps refused: what the drain makes of the programs' sketch, against frames that
// the test counts itself.

import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import { createDrain } from '../../src/reader/drain.js';
import { ethernet, ipv4, ipv6, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';

/** Five standard deviations of a sketch with 16,384 registers. */
const TOLERANCE = 5 * 0.0081;
const CAPACITY = 500;
const FLOWS = 6000;

const FRAME_OF: Readonly<Record<string, (flow: number) => Buffer>> = {
  IPv4: (flow) =>
    ethernet(0x0800, ipv4({ src: `10.0.${flow >> 8}.${flow & 255}`, dst: '192.0.2.1' }, udp(flow, 53))),
  IPv6: (flow) =>
    ethernet(0x86dd, ipv6({ src: `2001:db8::${flow.toString(16)}`, dst: '2001:db8::1:0' }, udp(flow, 53))),
};

for (const [version, frameOf] of Object.entries(FRAME_OF)) {
  kernelTest(`${version}: flows that the full map refused are counted, each once`, async (t) => {
    const program = new ProgramUnderTest({ flowCapacity: CAPACITY });
    t.after(() => program.close());
    const { maps } = program.object;
    const drain = createDrain({
      maps,
      interfaceIdOf: (ifindex) => ifindex + 40,
      ifindexOf: (id) => id - 40,
      yieldToLoop: () => nextTurn(),
      nowMs: () => performance.now(),
    });
    const measure = async (from: number, to: number, rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        for (let flow = from; flow < to; flow++) program.run(frameOf(flow));
      }
      const { rows, unseenFlows, error } = await drain.drain();
      assert.equal(error, undefined);
      const seen = new Set<string>();
      for (let i = 0; i < rows.length; i++) {
        seen.add(rows.keys.subarray(i * FLOW_ROW_WORDS, (i + 1) * FLOW_ROW_WORDS).join());
      }
      return { seen: seen.size, unseenFlows };
    };

    assert.equal((await measure(0, CAPACITY / 2, 2)).unseenFlows, 0, 'where there is room there are none');
    // Three times each: the map takes the first, and those are in its rows however often they come.
    const { seen, unseenFlows } = await measure(0, FLOWS, 3);
    assert.ok(seen >= CAPACITY && seen < FLOWS / 2, `${seen} rows`);
    const difference = Math.abs(seen + unseenFlows - FLOWS) / FLOWS;
    assert.ok(difference <= TOLERANCE, `${seen} with rows and ${unseenFlows} without are not ${FLOWS}`);
    assert.equal((await measure(0, 10, 1)).unseenFlows, 0, 'the sketch of a half is cleared with it');
    assert.equal((await measure(0, 10, 1)).unseenFlows, 0, 'and that of the other');
  });
}
