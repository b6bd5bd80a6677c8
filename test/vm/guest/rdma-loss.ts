// SPDX-License-Identifier: Apache-2.0
// Real RDMA on a path that drops, doubles and reorders packets (netem): gaps in the PSNs are what was
// dropped, to the unit where nothing is sent again; and the books hold in any case.

import assert from 'node:assert/strict';
import { kernelTest } from '../../support/kernel/kernel-gate.js';
import { runImpaired, withNetem } from './impaired-run.js';
import type { RoceBench } from './rdma-bench.js';
import { type Grown, measure } from './rdma-books.js';
import { startPerftest } from './rdma-programs.js';

const DROPS_WANTED = 200;

/** Once is enough: the mode has no part in it. */
export function testLoss(bench: () => Promise<RoceBench>): void {
  for (const program of ['ib_write_bw', 'ib_send_bw']) {
    kernelTest(`${program} over UC: gaps are what netem dropped, to the unit`, async (t) => {
      const shared = await bench();
      await withNetem(shared, async (netem) => {
        const grown = await measure(
          shared,
          () =>
            runImpaired(shared, netem, {
              program,
              args: ['-c', 'UC', '-s', '4096'],
              impairment: ['loss', '3%'],
              isEnough: () => netem.dropped() >= DROPS_WANTED,
            }),
          netem,
        );
        const dropped = netem.dropped() + grown.overflow('far');
        t.diagnostic(grown.assertBooks({ mayOutliveQueuePairs: true }));
        t.diagnostic(`${dropped} dropped: ${describe(grown, 'uc')}`);
        assert.ok(dropped >= DROPS_WANTED);
        assert.equal(grown.hw('near', 'sent_pkts'), grown.packets('far') + dropped);
        assert.equal(psn(grown, 'psn_gap_packets', 'uc'), dropped);
        assert.ok(psn(grown, 'psn_gaps', 'uc') <= dropped);
        assert.equal(psn(grown, 'psn_rewinds', 'uc'), 0);
        assert.equal(psn(grown, 'retransmitted_packets', 'uc'), 0);
      });
    });
  }

  kernelTest('duplicates over UC: each is a step back', async (t) => {
    const shared = await bench();
    await withNetem(shared, async (netem) => {
      netem.set('duplicate', '5%');
      const grown = await measure(
        shared,
        async () => {
          const args = ['-c', 'UC', '-n', '500', '-s', '4096'];
          await (await startPerftest(shared.roce, { program: 'ib_write_bw', args })).finish();
        },
        netem,
      );
      t.diagnostic(grown.assertBooks({ mayOutliveQueuePairs: true }));
      const doubled = grown.packets('far') - grown.hw('near', 'sent_pkts');
      t.diagnostic(`${doubled} doubled: ${describe(grown, 'uc')}`);
      assert.ok(doubled > 0);
      assert.equal(psn(grown, 'psn_rewinds', 'uc'), doubled);
      assert.equal(psn(grown, 'retransmitted_packets', 'uc'), doubled);
      assert.equal(psn(grown, 'psn_gap_packets', 'uc'), 0);
    });
  });

  kernelTest('reordering over UC: gaps and rewinds, and every packet counted', async (t) => {
    const shared = await bench();
    await withNetem(shared, async (netem) => {
      netem.set('delay', '2ms', 'reorder', '25%');
      const grown = await measure(
        shared,
        async () => {
          const args = ['-c', 'UC', '-n', '500', '-s', '4096'];
          await (await startPerftest(shared.roce, { program: 'ib_write_bw', args })).finish();
        },
        netem,
      );
      t.diagnostic(grown.assertBooks({ mayOutliveQueuePairs: true }));
      t.diagnostic(`reordered: ${describe(grown, 'uc')}`);
      assert.equal(netem.dropped(), 0);
      assert.equal(grown.packets('far'), grown.hw('near', 'sent_pkts'));
      assert.ok(psn(grown, 'psn_gaps', 'uc') > 0);
      assert.ok(psn(grown, 'psn_rewinds', 'uc') > 0);
      assert.ok(psn(grown, 'retransmitted_packets', 'uc') > 0);
    });
  });

  for (const { program, args } of [
    { program: 'ib_write_bw', args: ['-n', '60', '-s', '16384'] },
    { program: 'ib_send_bw', args: ['-n', '60', '-s', '16384'] },
  ]) {
    kernelTest(`${program} over RC: NAKs and what was sent again`, async (t) => {
      const shared = await bench();
      await withNetem(shared, async (netem) => {
        netem.set('loss', '3%');
        const grown = await measure(
          shared,
          async () => {
            await (await startPerftest(shared.roce, { program, args, ackTimeout: 14 })).finish();
          },
          netem,
        );
        const dropped = netem.dropped() + grown.overflow('far');
        t.diagnostic(grown.assertBooks({ mayOutliveQueuePairs: true }));
        const naks = grown.sum('near', 'xtrace_roce_naks_total', { reason: 'psn_sequence_error' });
        t.diagnostic(`${dropped} dropped: ${describe(grown, 'rc')}, ${naks} NAKs`);
        assert.equal(grown.hw('near', 'sent_pkts'), grown.packets('far') + dropped);
        const gapPackets = psn(grown, 'psn_gap_packets', 'rc');
        assert.ok(gapPackets > 0 && gapPackets <= dropped, `${gapPackets} of ${dropped}`);
        assert.ok(psn(grown, 'retransmitted_packets', 'rc') > 0);
        assert.ok(psn(grown, 'psn_rewinds', 'rc') > 0);
        assert.ok(naks > 0);
        assert.equal(naks, grown.hw('far', 'out_of_seq_request'));
        assert.equal(naks, grown.sum('near', 'xtrace_roce_naks_total'), 'no other NAKs');
        assert.ok(grown.hw('near', 'rcvd_seq_err') <= naks);
      });
    });
  }
}

function psn(grown: Grown, name: string, transport: 'rc' | 'uc'): number {
  return grown.sum('far', `xtrace_roce_${name}_total`, { transport });
}

function describe(grown: Grown, transport: 'rc' | 'uc'): string {
  return ['psn_gap_packets', 'psn_gaps', 'psn_rewinds', 'retransmitted_packets', 'psn_resyncs']
    .map((name) => `${name} ${psn(grown, name, transport)}`)
    .join(', ');
}
