// SPDX-License-Identifier: Apache-2.0
// Another object in the place of the present one: what the former has counted comes with it, drained before or not.

import assert from 'node:assert/strict';
import { createInterfaceIds } from '../../src/attach/interface-ids.js';
import { systemClock } from '../../src/clock.js';
import { CountedMark } from '../../src/compose/counted-mark.js';
import { LiveKernel } from '../../src/compose/live-kernel.js';
import { openKernel } from '../../src/compose/open-kernel.js';
import { createLogger } from '../../src/log.js';
import { resolveRun } from '../support/config/fixture-text.js';
import { mixedFlows } from '../support/frames/traffic-mix.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import { runProgram } from '../support/kernel/program-run.js';
import { DrainSums, sorted } from '../support/oracle/drain-sums.js';

const PATHS = { objectPath: FLOW_OBJECT_PATH, portableObjectPath: PORTABLE_OBJECT_PATH };
const FRAMES = mixedFlows(3, 4);

for (const isDrained of [true, false]) {
  kernelTest(`a former object that is ${isDrained ? '' : 'not '}drained: each packet once`, async () => {
    const log = createLogger({ level: 'error', format: 'logfmt' }, { destination: process.stderr });
    const before = resolveRun({ file: 'kernel: {slots_per_cpu: 4096}' });
    const after = resolveRun({ file: 'kernel: {slots_per_cpu: 8192}' });
    const opened = await openKernel(before, PATHS, log);
    const kernel = new LiveKernel(opened, before, PATHS, {
      ids: createInterfaceIds([], () => 'eth0'),
      mark: new CountedMark(),
      isMeant: () => true,
      clock: systemClock(),
      log,
    });
    try {
      const sent = new DrainSums();
      const counted = new DrainSums();
      const drain = async (): Promise<void> => {
        const result = await kernel.drain();
        assert.equal(result.error, undefined);
        counted.addDrain(result);
        kernel.noteCounted();
        await kernel.clear();
      };
      const send = (object: typeof opened.object): void => {
        for (const frame of FRAMES) {
          runProgram(object, 'count_ethernet_frags', frame);
          sent.addFrame(frame);
        }
      };
      send(opened.object);
      const next = kernel.loadNext(after);
      assert.ok(next !== undefined);
      if (isDrained) for (let i = 0; i < 2; i++) await drain();
      kernel.replace(next, after, isDrained);
      send(next.object);
      assert.equal(kernel.isTakingOver(), !isDrained);
      for (let i = 0; i < 4; i++) await drain();
      assert.equal(kernel.isTakingOver(), false);
      assert.deepEqual(sorted(counted.types), sorted(sent.types));
      assert.equal(kernel.loadNext(after), undefined, 'it is what is loaded');
    } finally {
      kernel.close();
    }
  });
}
