// SPDX-License-Identifier: Apache-2.0
// Floods of flows hurt nobody: books at every scrape, every packet counted, large flows shown throughout,
// memory bounded, and no more series in a database than the settings promise. `make bench BENCH=flood` and
// BENCH=churn run the same for longer, with a million flows and the default intervals.

import assert from 'node:assert/strict';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { type FlowFloodOutcome, packetsOf, runFlowFlood } from '../support/exporter/flow-flood.js';
import { mostHeadSeries, readHeadSeries } from '../support/exporter/head-series.js';
import { scrapeOfPackets, withExporter } from '../support/exporter/with-exporter.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startFlowFlood, whatWasSent } from '../support/kernel/sender.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import { readBookLines } from '../support/oracle/book-lines.js';
import { startPrometheus } from '../support/receivers/scrapers.js';

const INTERVAL_MS = 1000;
const RESIDENT_BELOW_MIB = 300;
/** As many in an interval as the default lets begin in one of 5 s. */
const NEW_PER_MINUTE = 3000;

async function withWire(suffix: string, test: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = createWire(suffix);
  try {
    await test(wire);
  } finally {
    wire.dispose();
  }
}

/** No interval is asserted: a busy machine may be late. */
function assertUnhurt(outcome: FlowFloodOutcome): void {
  const { scrapes, failedScrapes, sent, counted, link, last, residentMiB } = outcome;
  assert.deepEqual(failedScrapes, []);
  assert.deepEqual(
    scrapes.flatMap(({ faults }) => faults),
    [],
  );
  assert.ok(outcome.heavyScrapes > 5, `only ${outcome.heavyScrapes} scrapes had to show large flows`);
  assert.equal(outcome.heavyMissing, 0, 'scrapes without one of the large flows');
  for (const [type, amount] of Object.entries(sent)) assert.deepEqual(counted[type], amount, type);
  assert.equal(packetsOf(counted), packetsOf(sent));
  assert.equal(link.packets, packetsOf(sent), 'as the interface counts');
  assert.equal(last.value('xtrace_refresh_failures_total'), 0);
  assert.equal(last.value('xtrace_kernel_unattributed_packets_total'), 0);
  assert.ok(residentMiB.peak < RESIDENT_BELOW_MIB, `${residentMiB.peak} MiB`);
}

kernelTest('no two flows of a flood are alike, nor two of its streams', async () => {
  await withWire('fd', async (wire) => {
    const settings = {
      flows: { max_series: 20_000, gauges: false },
      roce: { per_queue_pair: true },
    };
    await withExporter(wire, { settings }, async (exporter) => {
      const toPair0 = { prefix: wire.source.enter, interface: wire.sourceDevice(), packetsPerSecond: 0 };
      const kinds = ['scan', 'scan', 'roce', 'roce'] as const;
      const firsts = [0, 996_000, 0, 99_900];
      const flows = [4000, 4000, 100, 100];
      let packets = 0;
      for (const [i, kind] of kinds.entries()) {
        const flood = { ...toPair0, kind, first: firsts[i] ?? 0, flows: flows[i] ?? 0 };
        packets += (await whatWasSent(startFlowFlood(flood))).packets;
      }
      assert.equal(packets, 8200);
      const shown = await scrapeOfPackets(exporter, wire.sinkDevice(), packets);
      assert.equal(shown.value('xtrace_series'), packets);
      assert.equal(shown.value('xtrace_roce_pairs'), 200);
      assertReadAlike(await (await exporter.page('/metrics')).text(), await exporter.scrape());
    });
  });
});

/** What reads the books of large scrapes quickly reads what the strict parser reads. */
function assertReadAlike(text: string, strict: Awaited<ReturnType<Exporter['scrape']>>): void {
  const quick = readBookLines(text, ['src_ip="198.18.0.1"']);
  assert.deepEqual(quick.faults, []);
  for (const [type, { packets, bytes }] of Object.entries(quick.totals)) {
    assert.equal(packets, strict.sum('xtrace_interface_packets_total', { traffic_type: type }), type);
    assert.equal(bytes, strict.sum('xtrace_interface_bytes_total', { traffic_type: type }), type);
  }
  const scanner = strict.select('xtrace_network_bytes_total', { src_ip: '198.18.0.1' });
  assert.equal(quick.wantedFlows, scanner.length);
  assert.equal(quick.samples, strict.series.size);
  // A count that is off by one, in any term, is a fault.
  for (const metric of ['network_bytes_total', 'roce_packets_total', 'interface_packets_total']) {
    const wrong = text.replace(
      new RegExp(`^(xtrace_${metric}\\{.*\\} )([1-9]\\d*)$`, 'm'),
      (_, labels, value) => {
        return `${labels}${Number(value) + 1}`;
      },
    );
    assert.notEqual(readBookLines(wrong).faults.length, 0, metric);
  }
}

kernelTest(
  'scans and RoCE streams by the hundred thousand, beside large flows, and what comes after',
  async () => {
    await withWire('fa', async (wire) => {
      const settings = {
        flows: {
          new_series: 'zero_first',
          hold_max_ms: 2000,
          idle_timeout_ms: 5000,
          max_new_series_per_minute: NEW_PER_MINUTE,
        },
      };
      await withExporter(wire, { intervalMs: INTERVAL_MS, settings }, async (exporter) => {
        const outcome = await runFlowFlood(wire, exporter, {
          intervalMs: INTERVAL_MS,
          scrapeEveryMs: 1000,
          scanFlows: 150_000,
          packetsOfFlow: 1,
          roceStreams: 15_000,
          floodMs: 10_000,
          restMs: 3 * INTERVAL_MS,
          afterMs: 3 * INTERVAL_MS,
          laterMs: 3000,
          endsWithinMs: 60_000,
        });
        assertUnhurt(outcome);
        const { scrapes } = outcome;
        assert.equal(Math.max(...scrapes.map(({ series }) => series)), 10_000, 'the table was full');
        assert.equal(Math.max(...scrapes.map(({ rocePairs }) => rocePairs)), 1000);
      });
    });
  },
);

kernelTest('flows that come and go: prometheus keeps no more series than the settings promise', async () => {
  await withWire('fc', async (wire) => {
    const limits = { maxSeries: 1000, maxNewPerMinute: NEW_PER_MINUTE, idleTimeoutMs: 10_000 };
    const settings = {
      flows: {
        new_series: 'zero_first',
        hold_max_ms: 3000,
        max_series: limits.maxSeries,
        max_new_series_per_minute: limits.maxNewPerMinute,
        idle_timeout_ms: limits.idleTimeoutMs,
      },
    };
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice()}`, `--interval=${INTERVAL_MS}`],
      settings,
    });
    const prometheus = await startPrometheus(wire.sink, exporter.url).catch(async (error: unknown) => {
      await exporter.stop();
      throw error;
    });
    try {
      const outcome = await runFlowFlood(wire, exporter, {
        intervalMs: INTERVAL_MS,
        scrapeEveryMs: 1000,
        scanFlows: 50_000,
        packetsOfFlow: 3,
        roceStreams: 0,
        floodMs: 12_000,
        restMs: 2 * INTERVAL_MS,
        afterMs: 3 * INTERVAL_MS,
        laterMs: 4000,
        endsWithinMs: undefined,
      });
      assertUnhurt(outcome);
      const kept = await readHeadSeries(prometheus);
      const most = mostHeadSeries(outcome, limits);
      assert.ok(kept <= most.all, `${kept} series, promised were at most ${JSON.stringify(most)}`);
      // Else the promise was never put to the test.
      assert.ok(kept > most.held + most.rest, `only ${kept} series: ${JSON.stringify(most)}`);
    } finally {
      await prometheus.stop();
      await exporter.stop();
    }
  });
});
