// SPDX-License-Identifier: Apache-2.0
// Larger flows win, also when they pause: a port scan neither takes their series nor makes series come
// and go. `make bench BENCH=scan` runs the same for longer, with the default table.

import assert from 'node:assert/strict';
import { LARGE_FLOWS, runScanScenario } from '../support/exporter/scan-scenario.js';
import { withExporter } from '../support/exporter/with-exporter.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { createWire } from '../support/kernel/wire.js';
import { assertBalance } from '../support/oracle/balance.js';

kernelTest('under a scan, large flows that pause are in every scrape, and series last', async () => {
  const wire = createWire('sc');
  try {
    const settings = { flows: { max_series: 2000 } };
    await withExporter(wire, { intervalMs: 500, settings }, async (exporter) => {
      const figures = await runScanScenario(
        wire,
        exporter,
        {
          scanPacketsPerSecond: 20_000,
          burstEveryMs: 2500,
          scrapeMs: 12_000,
          scrapesMin: 10,
          restBetweenScrapesMs: 300,
        },
        assertBalance,
      );
      const told = JSON.stringify(figures);
      assert.ok(figures.scanPackets > 100_000, `hardly a scan: ${told}`);
      assert.equal(figures.scrapesWithAll, figures.scrapes, `${LARGE_FLOWS} flows in every scrape: ${told}`);
      assert.ok(figures.endedPerSecond < 1, `series that ended: ${told}`);
    });
  } finally {
    wire.dispose();
  }
});
