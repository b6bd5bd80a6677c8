// SPDX-License-Identifier: Apache-2.0
// Every packet once: what two senders, a CPU each, put on the wire is what the exporter shows, flow by
// flow and to the unit, however often it drained meanwhile. The expected numbers come from the frames
// and from the reference parser; nothing in here asks the exporter what is right.

import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import type { Exporter } from '../support/exporter/exporter.js';
import { scrapeAfterRefreshes, scrapeOfPackets, withExporter } from '../support/exporter/with-exporter.js';
import { everyHeader, jumboFrames, mixedFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { sendFrames } from '../support/kernel/sender.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import { assertBalance } from '../support/oracle/balance.js';
import { differences, ExpectedCounts, readCounts } from '../support/oracle/expected-counts.js';
import { uncountedBytes } from '../support/oracle/link-bytes.js';

interface Case {
  readonly mode: 'native' | 'generic';
  readonly intervalMs: number;
  /** Drains that must have happened while frames were sent. */
  readonly drains: number;
  /** 64 is far fewer than there are flows: most packets move on to the shared flow maps. */
  readonly slotsPerCpu: number;
}

const CASES: readonly Case[] = (['native', 'generic'] as const).flatMap((mode) => [
  { mode, intervalMs: 100, drains: 12, slotsPerCpu: 64 },
  { mode, intervalMs: 250, drains: 6, slotsPerCpu: 4096 },
  { mode, intervalMs: 1000, drains: 3, slotsPerCpu: 64 },
]);

/** What both senders send, and what each sends alone. */
const SHARED = [...everyHeader(), ...mixedFlows(1, 10), ...jumboFrames(4)];
const OWN = [mixedFlows(2, 12), mixedFlows(3, 12)] as const;
/** Lists sent by each sender in one go; there are as many goes as it takes. */
const REPEAT = 20;
const PACKETS_MIN = 50_000;

CASES.forEach((one, i) => {
  const { mode, intervalMs, slotsPerCpu } = one;
  kernelTest(
    `${mode}, a drain each ${intervalMs} ms, ${slotsPerCpu} slots: every flow is exact`,
    async () => {
      const wire = createWire(`ex${i}`, { mtu: 9000, queues: 2 });
      try {
        const settings = { attach_mode: mode, kernel: { slots_per_cpu: slotsPerCpu } };
        await withExporter(wire, { intervalMs, settings }, (exporter) => checkCounts(one, wire, exporter));
      } finally {
        wire.dispose();
      }
    },
  );
});

async function checkCounts(one: Case, wire: Wire, exporter: Exporter): Promise<void> {
  const device = wire.sinkDevice();
  const expected = new ExpectedCounts();
  const refreshes = async (): Promise<number> => (await exporter.scrape()).value('xtrace_refreshes_total');

  const refreshesBefore = await refreshes();
  do {
    const sent = await Promise.all(OWN.map((own, cpu) => send(wire, [...SHARED, ...own], cpu)));
    expected.add(SHARED, 2 * REPEAT);
    for (const own of OWN) expected.add(own, REPEAT);
    assert.equal(
      sent.reduce((sum, { packets }) => sum + packets, 0),
      REPEAT * (2 * SHARED.length + OWN[0].length + OWN[1].length),
    );
  } while (expected.total.packets < PACKETS_MIN || (await refreshes()) < refreshesBefore + one.drains);

  const reached = await scrapeOfPackets(exporter, device, expected.total.packets);
  assert.deepEqual(differences(expected, readCounts(reached, device)), []);
  assertBalance(reached);

  const later = await scrapeAfterRefreshes(exporter, 2);
  assert.deepEqual(differences(expected, readCounts(later, device)), [], 'nothing is added afterwards');
  assert.equal(later.value('xtrace_kernel_unattributed_packets_total'), 0);
  assert.equal(later.sum('xtrace_kernel_overflow_packets_total'), 0);
  assert.equal(later.sum('xtrace_refresh_failures_total'), 0);
  assert.equal(later.select('xtrace_interface_attach_info', { interface: device, mode: one.mode }).length, 1);

  const { rx } = wire.sink.linkCounters(device);
  assert.deepEqual(
    { packets: rx.packets, bytes: rx.bytes + rx.packets * uncountedBytes(one.mode) },
    expected.total,
  );
}

function send(wire: Wire, frames: readonly Buffer[], cpu: number) {
  return sendFrames({
    prefix: wire.source.enter,
    interface: wire.sourceDevice(),
    frames,
    repeat: REPEAT,
    cpu: cpu % cpus().length,
  });
}
