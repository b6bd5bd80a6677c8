// SPDX-License-Identifier: Apache-2.0
// The running exporter at two refreshes a second with 10,000 flows, with nobody looking and with 50 pages open, one
// of them in a real browser: how long refreshes and scrapes take, and whether memory stays.
//
// Moves the calling thread to a namespace of its own: nothing that needs the machine's can come after.

import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Exporter, startExporter } from '../test/support/exporter/exporter.js';
import { udpFlows } from '../test/support/frames/traffic-mix.js';
import { startSending } from '../test/support/kernel/sender.js';
import { createWire, type Wire } from '../test/support/kernel/wire.js';
import { chromiumPath } from '../test/support/page/browser-gate.js';
import { readMemoryMiB } from '../test/support/process-state.js';
import { type Child, start } from '../test/support/processes.js';
import { temporaryFolder } from '../test/support/temporary-folder.js';
import { median } from './median.js';
import { judge, type Point, type SoakFigure, slopePerHour } from './soak-figures.js';

const CLIENTS = fileURLToPath(new URL('./looking-clients.js', import.meta.url));
const FLOWS = 10_000;
const PAGES = 50;
const INTERVAL_MS = 500;
const PACKETS_PER_SECOND = 20_000;
const FOREVER = 1_000_000_000;
const SCRAPE_EVERY_MS = 2000;
/** Code is compiled, buffers find their size. */
const SETTLING_MS = 15_000;
/** More of nobody looking tells nothing new. */
const ALONE_SECONDS = 180;
/** In less, garbage that comes and goes looks like a slope. */
const JUDGED_FROM_MS = 300_000;

interface Watched {
  readonly refreshMs: number;
  readonly scrapeMs: number;
  readonly refreshes: number;
  readonly memory: readonly Point[];
}

/** Needs root, and so many seconds and three minutes more. A Chromium is among the pages where there is one. */
export async function benchBrowsers(seconds: number): Promise<SoakFigure[]> {
  const wire = createWire('b');
  const closers: (() => unknown)[] = [wire.dispose];
  try {
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice()}`, `--interval=${INTERVAL_MS}`],
      settings: { flows: { max_series: FLOWS + 100 } },
    });
    closers.push(() => exporter.stop());
    closers.push(startFlows(wire));
    await exporter.scrapeUntil('all flows', (now) => now.value('xtrace_series') >= FLOWS);
    await delay(SETTLING_MS);
    const alone = await watch(exporter, Math.min(seconds, ALONE_SECONDS));
    const pages = start(process.execPath, [CLIENTS, exporter.url, String(PAGES - 1)]);
    closers.push(() => pages.stop());
    const browser = startBrowser(exporter.url);
    closers.push(() => browser?.stop());
    await delay(SETTLING_MS);
    const looked = await watch(exporter, seconds);
    pages.kill('SIGTERM');
    await pages.exited;
    const asked = JSON.parse(pages.stdout) as { events: number; answers: number; failures: number };
    return figures(alone, looked, { ...asked, seconds });
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function startFlows(wire: Wire): () => Promise<void> {
  const sending = startSending({
    prefix: wire.source.enter,
    interface: wire.sourceDevice(),
    frames: udpFlows(60, FLOWS),
    repeat: FOREVER,
    packetsPerSecond: PACKETS_PER_SECOND,
  });
  return async () => {
    await sending.child.stop();
    sending.dispose();
  };
}

/** The page itself, open until it is stopped. */
function startBrowser(url: string): Child | undefined {
  const chromium = chromiumPath();
  if (chromium === undefined) return undefined;
  const profile = temporaryFolder('xtrace-browser-');
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--remote-debugging-port=0',
  ];
  return start(chromium, [...flags, `--user-data-dir=${profile}`, new URL('/', url).href]);
}

async function watch(exporter: Exporter, seconds: number): Promise<Watched> {
  const refreshes = async () => {
    const now = await exporter.scrape();
    return {
      count: now.value('xtrace_refresh_duration_seconds_count'),
      sum: now.value('xtrace_refresh_duration_seconds_sum'),
    };
  };
  const before = await refreshes();
  const scrapesMs: number[] = [];
  const memory: Point[] = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    const beganMs = performance.now();
    const response = await exporter.page('/metrics', { 'accept-encoding': 'gzip' });
    await response.arrayBuffer();
    scrapesMs.push(performance.now() - beganMs);
    memory.push({ atMs: performance.now(), value: readMemoryMiB(exporter.child.pid, 'VmRSS') });
    await delay(SCRAPE_EVERY_MS);
  }
  const after = await refreshes();
  const count = after.count - before.count;
  return {
    refreshes: count / seconds,
    refreshMs: (1000 * (after.sum - before.sum)) / count,
    scrapeMs: median(scrapesMs),
    memory,
  };
}

function figures(
  alone: Watched,
  looked: Watched,
  asked: {
    readonly events: number;
    readonly answers: number;
    readonly failures: number;
    readonly seconds: number;
  },
): SoakFigure[] {
  const lastOf = (memory: readonly Point[]): number => median(memory.slice(-5).map(({ value }) => value));
  const isLong = asked.seconds * 1000 >= JUDGED_FROM_MS;
  const each = asked.events / ((asked.seconds + SETTLING_MS / 1000) * (PAGES - 1));
  return [
    judge('refresh, ms of its mean, nobody looking', alone.refreshMs),
    judge(`refresh, ms of its mean, ${PAGES} pages`, looked.refreshMs),
    judge('refreshes a second, nobody looking', alone.refreshes),
    judge(`refreshes a second, ${PAGES} pages`, looked.refreshes, {
      atLeast: Number((0.95 * alone.refreshes).toFixed(2)),
    }),
    judge('scrape, ms of its median, nobody looking', alone.scrapeMs),
    judge(`scrape, ms of its median, ${PAGES} pages`, looked.scrapeMs),
    judge('messages a second that a page gets', each),
    judge('answers a second, all pages', asked.answers / (asked.seconds + SETTLING_MS / 1000)),
    judge('answers that failed', asked.failures, { atMost: 0 }),
    judge('memory, MiB, nobody looking', lastOf(alone.memory)),
    judge(`memory, MiB, ${PAGES} pages`, lastOf(looked.memory)),
    judge(
      `memory, MiB an hour, ${PAGES} pages`,
      slopePerHour(looked.memory.slice(Math.floor(looked.memory.length / 3))),
      isLong ? { below: 60 } : {},
    ),
  ];
}
