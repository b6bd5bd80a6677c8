// SPDX-License-Identifier: Apache-2.0
// How much of 200 new flows a second, each of four packets within a second, PromQL finds after a
// minute of them: by increase(), and by the way that the README recommends. Debian's prometheus and
// victoria-metrics scrape the real exporter.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../test/support/conditions.js';
import { startExporter } from '../test/support/exporter/exporter.js';
import {
  createKnownTraffic,
  FRAMES_PER_SECOND,
  SHORT_FLOWS_FROM,
} from '../test/support/frames/known-traffic.js';
import { NAP_OVERHEAD_NS, sendFrames } from '../test/support/kernel/sender.js';
import { createWire, type Wire } from '../test/support/kernel/wire.js';
import { type Scraper, startPrometheus, startVmagent } from '../test/support/receivers/scrapers.js';

const TRAFFIC_S = 60;
/** Longer than the traffic and all scrapes after it. */
const WINDOW = '5m';
/** VictoriaMetrics finds a new series only some seconds after its first sample. */
const SHOWN_AFTER_S = 5;

export interface ShortFlowsRow {
  readonly database: string;
  readonly newSeries: string;
  readonly refreshEveryS: number;
  readonly scrapeEveryS: number;
  readonly newFlowsPerS: number;
  readonly sentBytes: number;
  /** Of the bytes sent: what sum(increase()) is, and what the README's way gives. */
  readonly increasePercent: number;
  readonly readmePercent: number;
}

interface Rhythm {
  readonly newSeries: 'zero_first' | 'at_value';
  readonly refreshEveryS: number;
  readonly scrapeEveryS: number;
}

/** First the defaults of both sides. */
const RHYTHMS: readonly Rhythm[] = [
  { newSeries: 'zero_first', refreshEveryS: 5, scrapeEveryS: 15 },
  { newSeries: 'zero_first', refreshEveryS: 5, scrapeEveryS: 5 },
  { newSeries: 'at_value', refreshEveryS: 5, scrapeEveryS: 15 },
  { newSeries: 'at_value', refreshEveryS: 5, scrapeEveryS: 5 },
];

/** Needs root, and nine minutes. */
export async function benchShortFlows(): Promise<ShortFlowsRow[]> {
  const wire = createWire('f');
  try {
    const rows: ShortFlowsRow[] = [];
    for (const rhythm of RHYTHMS) rows.push(...(await measure(wire, rhythm)));
    return rows;
  } finally {
    wire.dispose();
  }
}

async function measure(
  wire: Wire,
  { newSeries, refreshEveryS, scrapeEveryS }: Rhythm,
): Promise<ShortFlowsRow[]> {
  const closers: (() => unknown)[] = [];
  try {
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice()}`, `--interval=${refreshEveryS * 1000}`],
      // Room for all of them: what finds none is another matter.
      settings: { flows: { new_series: newSeries, max_series: 20_000, max_exposition_bytes: 1 << 30 } },
    });
    closers.push(() => exporter.stop());
    const scrapers: Scraper[] = [];
    for (const start of [
      () => startPrometheus(wire.sink, exporter.url, { everyS: scrapeEveryS }),
      () => startVmagent(wire.sink, exporter.url, { everyS: scrapeEveryS }),
    ]) {
      const scraper = await start();
      closers.push(() => scraper.stop());
      scrapers.push(scraper);
    }
    for (const scraper of scrapers) {
      await waitFor('the first scrape', async () => (await scraper.value('up')) === 1);
    }
    const { frames, framesPerCycle, newFlowsPerCycle, parts } = createKnownTraffic(TRAFFIC_S);
    const beganMs = performance.now();
    await sendFrames({
      prefix: wire.source.enter,
      interface: wire.sourceDevice(),
      frames,
      pauseNs: Math.round(1e9 / FRAMES_PER_SECOND) - NAP_OVERHEAD_NS,
    });
    const tookS = (performance.now() - beganMs) / 1000;
    // A new series shows its value with the second scrape.
    await delay((refreshEveryS + 3 * scrapeEveryS + SHOWN_AFTER_S) * 1000);
    const cycles = frames.length / framesPerCycle;
    const sentBytes = (parts.find(({ srcIp }) => srcIp === SHORT_FLOWS_FROM)?.bytes ?? 0) * cycles;
    const rows: ShortFlowsRow[] = [];
    const series = `xtrace_network_bytes_total{src_ip="${SHORT_FLOWS_FROM}"}`;
    const last = `last_over_time(${series}[${WINDOW}])`;
    for (const { name, value, query } of scrapers) {
      // As of a scrape: between two, Prometheus extrapolates.
      const scrapedS = await value('max(timestamp(xtrace_interface_bytes_total))');
      const [increase] = await query(`sum(increase(${series}[${WINDOW}]))`, scrapedS);
      const gained = await value(`sum(${last} - ${series} offset ${WINDOW} >= 0 or ${last})`);
      rows.push({
        database: name === 'vmagent' ? 'victoria-metrics' : name,
        newSeries,
        refreshEveryS,
        scrapeEveryS,
        newFlowsPerS: (cycles * newFlowsPerCycle) / tookS,
        sentBytes,
        increasePercent: (100 * (increase?.value ?? 0)) / sentBytes,
        readmePercent: (100 * gained) / sentBytes,
      });
    }
    return rows;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}
