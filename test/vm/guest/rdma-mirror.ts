// SPDX-License-Identifier: Apache-2.0
// A mirror that drops copies: what is missing in them was acknowledged, so the copy was lost and the
// packet was not.

import assert from 'node:assert/strict';
import { kernelTest } from '../../support/kernel/kernel-gate.js';
import { runImpaired } from './impaired-run.js';
import { MirrorLeg, MONITOR_PORT } from './mirror-leg.js';
import type { RoceBench } from './rdma-bench.js';
import { measure } from './rdma-books.js';
import { RoceCapture } from './roce-capture.js';
import { SETTLING_REFRESHES, shownOrder } from './shown-order.js';

const DROPS_WANTED = 40;

/** Once is enough: the mode has no part in it. */
export function testMirror(bench: () => Promise<RoceBench>): void {
  kernelTest('a mirror that loses 1% of rc: the capture lost them, the network did not', async (t) => {
    const shared = await bench();
    const { near, far } = shared.roce;
    const leg = new MirrorLeg(near.device);
    try {
      const capture = await RoceCapture.start(MONITOR_PORT, far.ipv4);
      try {
        const grown = await measure(
          shared,
          () =>
            runImpaired(shared, leg.netem, {
              program: 'ib_write_bw',
              args: ['-s', '4096'],
              impairment: ['loss', '1%'],
              isEnough: () => leg.netem.dropped() >= DROPS_WANTED,
            }),
          undefined,
          SETTLING_REFRESHES,
        );
        t.diagnostic(grown.assertBooks({ mayOutliveQueuePairs: true }));
        const [copied, dropped] = [leg.passed(), leg.dropped()];
        assert.equal(copied + dropped, grown.arrived('near') + grown.arrived('far'), 'both directions');
        assert.equal(grown.sumAt(MONITOR_PORT, 'xtrace_roce_packets_total'), copied, 'all copies');
        const acks = grown.sumAt(MONITOR_PORT, 'xtrace_roce_acks_total');
        const truth = await capture.finish(copied - acks);
        t.diagnostic(`${dropped} dropped; the capture has ${JSON.stringify(truth)} and ${acks} ACKs`);
        assert.ok(truth.missing > 0 && truth.missing <= dropped);
        const shown = shownOrder(grown, MONITOR_PORT, 'rc');
        t.diagnostic(`shown: ${JSON.stringify(shown)}`);
        const { late, duplicates, missing } = truth;
        assert.deepEqual(shown, { lost: 0, late, duplicates, captureLost: missing });
        for (const { device } of [near, far]) {
          const { lost, captureLost } = shownOrder(grown, device, 'rc');
          assert.deepEqual([lost, captureLost], [0, 0], `${device} sees all`);
        }
      } finally {
        await capture.dispose();
      }
    } finally {
      leg.dispose();
    }
  });
}
