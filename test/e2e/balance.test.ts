// SPDX-License-Identifier: Apache-2.0
// The books balance at every scrape, to the unit, whatever happens to flows and series meanwhile:
// too many for the budget, gone idle, filtered, or more than the kernel's map takes.

import assert from 'node:assert/strict';
import type { Exporter } from '../support/exporter/exporter.js';
import { scrapeWhile } from '../support/exporter/scrape-loop.js';
import { scrapeAfterRefreshes, scrapeOfPackets, withExporter } from '../support/exporter/with-exporter.js';
import { everyHeader, mixedFlows, udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { sendFrames } from '../support/kernel/sender.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import { differences, ExpectedCounts, readCounts } from '../support/oracle/expected-counts.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';

const BOTH_CPUS = [0, 1] as const;

/** Sends lists from two CPUs at once and adds them to what is expected. */
async function sendBoth(
  wire: Wire,
  expected: ExpectedCounts,
  lists: readonly (readonly Buffer[])[],
  repeat: number,
  pair = 0,
): Promise<void> {
  const prefix = wire.source.enter;
  const device = wire.sourceDevice(pair);
  await Promise.all(
    lists.map((frames, i) =>
      sendFrames({ prefix, interface: device, frames, repeat, cpu: BOTH_CPUS[i % 2] ?? 0, pauseNs: 20_000 }),
    ),
  );
  for (const frames of lists) expected.add(frames, repeat);
}

/** Interface totals of a scrape against what was sent; flows may be in series or in others. */
function assertTotals(exposition: Exposition, device: string, expected: ExpectedCounts): void {
  const { totals, reasons } = readCounts(exposition, device);
  const nothing = { flows: new Map(), others: new Map() };
  const { totals: sentTotals, reasons: sentReasons } = expected;
  const wanted = { ...nothing, totals: sentTotals, reasons: sentReasons };
  assert.deepEqual(differences(wanted, { ...nothing, totals, reasons }), []);
}

function others(exposition: Exposition, reason: string): number {
  return exposition.sum('xtrace_other_packets_total', { reason });
}

const WANTED_SCRAPES = 20;
/** The same of a test whose flows do not come and go. */
const FEWEST_SCRAPES = 10;

kernelTest(
  'flows that come and go, few series, a filter, two interfaces: balanced at each scrape',
  async () => {
    const wire = createWire('ba', { queues: 2, pairs: 2 });
    const devices = [0, 1].map((pair) => wire.sinkDevice(pair));
    const expected = [new ExpectedCounts(), new ExpectedCounts()] as const;
    try {
      const settings = {
        filter: 'udp',
        flows: { new_series: 'zero_first', hold_max_ms: 1000, max_series: 40, idle_timeout_ms: 200 },
        kernel: { slots_per_cpu: 64 },
      };
      await withExporter(wire, { interfaces: devices, settings }, async (exporter) => {
        const loop = await scrapeWhile(exporter, async (scrapesSoFar) => {
          // New flows each time; those of the time before fall idle, bigger ones push smaller ones out.
          for (let net = 1; net <= 12 || (scrapesSoFar() < WANTED_SCRAPES && net < 99); net++) {
            const flows = udpFlows(net, 30 * Math.min(net, 12));
            const lists = [flows, [...mixedFlows(net, 4), ...everyHeader()]];
            await sendBoth(wire, expected[0], lists, 1 + (net % 3), 0);
            await sendBoth(wire, expected[1], [udpFlows(100 + net, 20)], 5, 1);
          }
          for (const [pair, { total }] of expected.entries()) {
            await scrapeOfPackets(exporter, devices[pair] ?? '', total.packets);
          }
          await exporter.scrapeUntil('all series to expire', (now) => now.value('xtrace_series') === 0);
        });
        assert.ok(loop.scrapes >= WANTED_SCRAPES, `only ${loop.scrapes} scrapes`);
        assert.equal(loop.greatest('xtrace_series'), 40, 'the budget was used, and kept');
        assert.ok(loop.greatest('xtrace_pending_packets') > 0, 'series were shown at 0');
        const end = await scrapeAfterRefreshes(exporter, 2);
        devices.forEach((device, pair) => {
          assertTotals(end, device, expected[pair] ?? new ExpectedCounts());
        });
        for (const reason of ['max_series', 'expired', 'filtered', 'non_ip', 'malformed']) {
          assert.ok(others(end, reason) > 0, `nothing came to ${reason}: the test tests less than it says`);
        }
        assert.equal(end.select('xtrace_network_packets_total').length, 0);
      });
    } finally {
      wire.dispose();
    }
  },
);

for (const mode of ['native', 'generic'] as const) {
  kernelTest(`${mode}: a kernel map of 64 flows, hundreds of flows: the sums are exact`, async () => {
    const wire = createWire(`bm${mode[0]}`, { queues: 2 });
    const device = wire.sinkDevice();
    const expected = new ExpectedCounts();
    try {
      const settings = { attach_mode: mode, kernel: { max_flows: 64, slots_per_cpu: 64 } };
      await withExporter(wire, { settings }, async (exporter) => {
        const loop = await scrapeWhile(exporter, async (scrapesSoFar) => {
          for (let round = 0; round < 5 || (scrapesSoFar() < FEWEST_SCRAPES && round < 99); round++) {
            const shared = [...udpFlows(1, 600), ...mixedFlows(2, 10), ...everyHeader()];
            await sendBoth(wire, expected, [shared, [...shared, ...udpFlows(3, 300)]], 6);
          }
          await scrapeOfPackets(exporter, device, expected.total.packets);
        });
        assert.ok(loop.scrapes >= FEWEST_SCRAPES, `only ${loop.scrapes} scrapes`);
        for (const map of ['flows4', 'flows6']) {
          assert.equal(loop.greatest('xtrace_kernel_map_capacity', { map }), 64);
          const entries = loop.greatest('xtrace_kernel_map_entries', { map });
          assert.equal(entries, 64, `${map} was full`);
        }
        await checkOverflow(exporter, device, expected);
      });
    } finally {
      wire.dispose();
    }
  });
}

/**
 * What did not fit is under map_full, and under that alone; with it the totals are what was sent.
 * Frames without a flow lose nothing by a full map: they stand under the reason that they have anyway.
 */
async function checkOverflow(exporter: Exporter, device: string, expected: ExpectedCounts): Promise<void> {
  const end = await scrapeAfterRefreshes(exporter, 2);
  assertTotals(end, device, expected);
  assert.ok(others(end, 'map_full') > 0, 'nothing came to map_full');
  assert.equal(others(end, 'max_series') + others(end, 'expired') + others(end, 'filtered'), 0);
  for (const [traffic, reason] of [
    ['Non_IP', 'non_ip'],
    ['Malformed', 'malformed'],
  ] as const) {
    const shown = readCounts(end, device).others;
    assert.ok(expected.others.has(`${traffic} ${reason}`), `no ${reason} frame was sent`);
    assert.deepEqual(shown.get(`${traffic} ${reason}`), expected.others.get(`${traffic} ${reason}`));
    assert.equal(shown.get(`${traffic} map_full`), undefined);
  }
  const types = end.select('xtrace_kernel_overflow_packets_total');
  assert.ok(types.length >= 4, 'several traffic types overflowed');
  for (const { labels, value } of types) {
    const of = { interface: device, traffic_type: labels.get('traffic_type') ?? '', reason: 'map_full' };
    assert.equal(end.value('xtrace_other_packets_total', of), value);
  }
  assert.equal(others(end, 'map_full'), end.sum('xtrace_kernel_overflow_packets_total'));
  assert.equal(end.value('xtrace_kernel_unattributed_packets_total'), 0);
  // A series shows at most what its flow carried; what it lacks overflowed.
  for (const [flow, { packets }] of readCounts(end, device).flows) {
    const sent = expected.flows.get(flow);
    assert.ok(
      sent !== undefined && packets <= sent.packets,
      `${flow}: ${packets} of ${sent?.packets} packets`,
    );
  }
}
