// SPDX-License-Identifier: Apache-2.0
// One queue pair whose packets reach several CPUs at the same time, as receive queues spread a sprayed one: what
// is late on one CPU is not lost, and nothing is counted twice. Real processes on real CPUs.

import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { scrapeOfPackets, withExporter } from '../support/exporter/with-exporter.js';
import { payloadOf } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startSending, whatWasSent } from '../support/kernel/sender.js';
import { createWire } from '../support/kernel/wire.js';
import { V2_IPV4, V2_IPV6 } from '../support/roce/roce-count-parts.js';
import { withSourcePort } from '../support/roce/roce-source-port.js';

const FIRST_PORT = 0xc000;
const PORTS = 256;
/** Fewer than the window has, so that no CPU can be too far behind. */
const PSNS = 1000;
const ROUNDS = 4;
const CPUS = 2;

kernelTest('one queue pair over 256 source ports, on both CPUs at once: nothing is lost', async (t) => {
  if (availableParallelism() < CPUS) {
    t.skip('one CPU cannot do two things at once');
    return;
  }
  const wire = createWire('q2');
  try {
    // Holes of a stream that is silent for two drains are lost for good: on a crowded machine a sender may begin late.
    await withExporter(wire, { intervalMs: 3000 }, async (exporter) => {
      for (const carrier of [V2_IPV4, V2_IPV6]) {
        const shownBefore = (await exporter.scrape()).sum('xtrace_roce_packets_total');
        for (let round = 0; round < ROUNDS; round++) {
          await Promise.all(Array.from({ length: CPUS }, (_, cpu) => sendShare(wire, carrier, round, cpu)));
        }
        const sent = shownBefore + ROUNDS * PSNS;
        await scrapeOfPackets(exporter, wire.sinkDevice(), sent);
      }
      const shown = await exporter.scrape();
      assert.equal(shown.sum('xtrace_roce_packets_total'), 2 * ROUNDS * PSNS);
      for (const what of ['lost', 'duplicate', 'capture_lost', 'unjudged']) {
        assert.equal(shown.sum(`xtrace_roce_psn_${what}_packets_total`), 0, what);
      }
      assert.equal(shown.sum('xtrace_roce_psn_resyncs_total'), 0);
      t.diagnostic(`${shown.sum('xtrace_roce_psn_late_packets_total')} of ${2 * ROUNDS * PSNS} were late`);
    });
  } finally {
    wire.dispose();
  }
});

/** Sends every CPUS-th packet of a round from one CPU. */
async function sendShare(
  wire: ReturnType<typeof createWire>,
  carrier: typeof V2_IPV4,
  round: number,
  cpu: number,
): Promise<void> {
  const frames: Buffer[] = [];
  for (let i = cpu; i < PSNS; i += CPUS) {
    const psn = round * PSNS + i;
    const frame = carrier.frame({ opcode: 0x07, destinationQp: 0x77, sequenceNumber: psn }, payloadOf(64));
    frames.push(withSourcePort(frame, FIRST_PORT + (i % PORTS)));
  }
  const sending = startSending({
    prefix: wire.source.enter,
    interface: wire.sourceDevice(),
    frames,
    cpu,
    pauseNs: 200_000,
  });
  try {
    await whatWasSent(sending.child);
  } finally {
    sending.dispose();
  }
}
