// SPDX-License-Identifier: Apache-2.0
// Resident size of the real exporter: bin/xtrace-catch in a namespace of its own, frames over a veth
// pair, scraped. What the kernel's maps take is not in it, but for the mapped slots that are in use.
//
// Moves the calling thread to that namespace: nothing that needs the machine's own can come after.

import { startExporter } from '../test/support/exporter/exporter.js';
import { ETHERTYPE, ethernet, ipv4, tcp } from '../test/support/frames/frames.js';
import { sendFrames } from '../test/support/kernel/sender.js';
import { createWire, type Wire } from '../test/support/kernel/wire.js';
import { readMemoryMiB } from '../test/support/process-state.js';

const INTERVAL_MS = 1000;
/** Refreshes with all flows there before we look: buffers have their size and garbage is gone. */
const REFRESHES = 5;

export interface MemoryRow {
  readonly what: string;
  readonly flows: number;
  readonly maxSeries: number;
  /** VmRSS at the end, and VmHWM, the most there ever was. */
  readonly residentMiB: number;
  readonly peakMiB: number;
  /** Of the exposition, not compressed. */
  readonly scrapeMiB: number;
}

interface Load {
  readonly what: string;
  readonly flows: number;
  readonly maxSeries: number;
}

const LOADS: readonly Load[] = [
  { what: 'idle', flows: 0, maxSeries: 10_000 },
  { what: '10,000 flows', flows: 10_000, maxSeries: 10_000 },
  { what: '100,000 flows, 10,000 series', flows: 100_000, maxSeries: 10_000 },
  { what: '100,000 flows and series', flows: 100_000, maxSeries: 100_000 },
];

/** Needs root. Each load has an exporter of its own. */
export async function benchMemory(): Promise<MemoryRow[]> {
  const wire = createWire('m');
  try {
    const rows: MemoryRow[] = [];
    for (const load of LOADS) rows.push(await measure(wire, load));
    return rows;
  } finally {
    wire.dispose();
  }
}

async function measure(wire: Wire, { what, flows, maxSeries }: Load): Promise<MemoryRow> {
  const exporter = await startExporter({
    namespace: wire.sink,
    args: [`--interface=${wire.sinkDevice()}`, `--interval=${INTERVAL_MS}`],
    settings: { flows: { max_series: maxSeries, max_exposition_bytes: 1 << 30 } },
  });
  try {
    const frames = createFrames(flows);
    let scrapeBytes = 0;
    for (let refresh = 0; refresh < REFRESHES; refresh++) {
      const before = (await exporter.scrape()).value('xtrace_refreshes_total');
      if (flows > 0) {
        await sendFrames({ prefix: wire.source.enter, interface: wire.sourceDevice(), frames });
      }
      const scrape = await exporter.scrapeUntil(
        'two more refreshes',
        (now) => now.value('xtrace_refreshes_total') >= before + 2,
      );
      const series = scrape.value('xtrace_series');
      if (series !== Math.min(flows, maxSeries)) throw new Error(`${what}: ${series} series`);
      scrapeBytes = (await (await exporter.page('/metrics')).arrayBuffer()).byteLength;
    }
    return {
      what,
      flows,
      maxSeries,
      residentMiB: readMemoryMiB(exporter.child.pid, 'VmRSS'),
      peakMiB: readMemoryMiB(exporter.child.pid, 'VmHWM'),
      scrapeMiB: scrapeBytes / 2 ** 20,
    };
  } finally {
    await exporter.stop();
  }
}

/** One TCP segment of each flow. */
export function createFrames(flows: number): Buffer[] {
  return Array.from({ length: flows }, (_, flow) => {
    const src = `10.${(flow >> 16) & 255}.${(flow >> 8) & 255}.${flow & 255}`;
    return ethernet(ETHERTYPE.ipv4, ipv4({ src, dst: '10.255.0.1' }, tcp(1024 + (flow % 50_000), 443)));
  });
}
