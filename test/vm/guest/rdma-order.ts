// SPDX-License-Identifier: Apache-2.0
// Packets that are lost and packets that are late are told apart: real RDMA through netem, judged with
// hindsight by a capture at the receiving end.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { kernelTest } from '../../support/kernel/kernel-gate.js';
import type { PsnArrivals } from '../../support/oracle/psn-arrivals.js';
import { runImpaired, withNetem } from './impaired-run.js';
import type { Netem } from './netem.js';
import type { RoceBench } from './rdma-bench.js';
import { measure } from './rdma-books.js';
import { RoceCapture } from './roce-capture.js';
import { SETTLING_REFRESHES, shownOrder } from './shown-order.js';

/** PSNs; what comes later than this was lost, by the metrics' definition. */
const WINDOW_PSNS = 1024;
const DROPS_WANTED = 40;
const PACKETS_WANTED = 2000;

const REORDER = ['delay', '2ms', 'reorder', '25%'];

interface OrderRun {
  readonly transport: 'uc' | 'rc';
  readonly program: string;
  readonly impairment: readonly string[];
  /** See startPerftest(). */
  readonly ackTimeout?: number;
}

const RUNS: readonly OrderRun[] = [
  { transport: 'uc', program: 'ib_write_bw', impairment: ['loss', '1%'] },
  { transport: 'uc', program: 'ib_send_bw', impairment: REORDER },
  { transport: 'uc', program: 'ib_write_bw', impairment: [...REORDER, 'loss', '1%'] },
  // 67 ms: holes of a stream that is silent for two refresh intervals are given up.
  { transport: 'rc', program: 'ib_write_bw', impairment: ['loss', '1%'], ackTimeout: 14 },
];

/** Once is enough: the mode has no part in it. */
export function testOrder(bench: () => Promise<RoceBench>): void {
  for (const run of RUNS) {
    const name = `${run.transport} through netem ${run.impairment.join(' ')}`;
    kernelTest(`${name}: lost, late and doubled as a capture has it, to the unit`, async (t) => {
      const shared = await bench();
      const { far } = shared.roce;
      await withNetem(shared, async (netem) => {
        const capture = await RoceCapture.start(far.device, far.ipv4);
        try {
          await compare(t, shared, run, netem, capture);
        } finally {
          await capture.dispose();
        }
      });
    });
  }
}

async function compare(
  t: TestContext,
  shared: RoceBench,
  run: OrderRun,
  netem: Netem,
  capture: RoceCapture,
): Promise<void> {
  const isEnough = (received: number): boolean =>
    drops(run) ? netem.dropped() >= DROPS_WANTED : received >= PACKETS_WANTED;
  const args = [...(run.transport === 'uc' ? ['-c', 'UC'] : []), '-s', '4096'];
  const grown = await measure(
    shared,
    () => runImpaired(shared, netem, { ...run, args, isEnough }),
    netem,
    SETTLING_REFRESHES,
  );
  const truth = await capture.finish(grown.arrived('far'));
  const dropped = netem.dropped() + grown.overflow('far');
  t.diagnostic(grown.assertBooks({ mayOutliveQueuePairs: true }));
  t.diagnostic(
    `${dropped} dropped, ${grown.overflow('far')} of them by the wire; the capture has ${JSON.stringify(truth)}`,
  );
  assertTruth(run, truth, dropped);

  const shown = shownOrder(grown, shared.roce.far.device, run.transport);
  t.diagnostic(`shown: ${JSON.stringify(shown)}`);
  const { missing, late, duplicates } = truth;
  assert.deepEqual(shown, { lost: missing, late, duplicates, captureLost: 0 });
}

/** What the capture must have, whatever the exporter shows. */
function assertTruth(run: OrderRun, truth: PsnArrivals, dropped: number): void {
  const { missing, late, duplicates, behindMax } = truth;
  assert.ok(behindMax < WINDOW_PSNS, `${behindMax} PSNs behind`);
  if (run.transport === 'uc') {
    assert.equal(missing, dropped);
    assert.equal(duplicates, 0);
    assert.equal(late > 0, run.impairment.includes('reorder'), `${late} late`);
  } else {
    assert.equal(missing, 0, 'everything came in the end');
    assert.ok(dropped > 0 && late > 0, 'what was dropped is sent again, and came behind others');
  }
}

function drops({ impairment }: OrderRun): boolean {
  return impairment.includes('loss');
}
