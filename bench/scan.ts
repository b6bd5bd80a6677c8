// SPDX-License-Identifier: Apache-2.0
// Fifty large flows that pause, under a port scan of 20,000 packets a second, against the default table:
// in how many scrapes they are, and how many series end meanwhile.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import { runScanScenario, type ScanFigures } from '../test/support/exporter/scan-scenario.js';
import { withExporter } from '../test/support/exporter/with-exporter.js';
import { createWire } from '../test/support/kernel/wire.js';
import { assertBalance } from '../test/support/oracle/balance.js';

const INTERVAL_MS = 1000;
const BURST_EVERY_MS = 5000;
const SCRAPE_MS = 45_000;
const REST_MS = 700;

/** Needs root, and a minute. */
export async function benchScan(): Promise<ScanFigures[]> {
  const wire = createWire('s');
  const rows: ScanFigures[] = [];
  try {
    await withExporter(wire, { intervalMs: INTERVAL_MS }, async (exporter) => {
      const scenario = {
        scanPacketsPerSecond: 20_000,
        burstEveryMs: BURST_EVERY_MS,
        scrapeMs: SCRAPE_MS,
        scrapesMin: 10,
        restBetweenScrapesMs: REST_MS,
      };
      rows.push(await runScanScenario(wire, exporter, scenario, assertBalance));
    });
    return rows;
  } finally {
    wire.dispose();
  }
}
