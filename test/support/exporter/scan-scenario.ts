// SPDX-License-Identifier: Apache-2.0
// Few large flows that pause, under a port scan that would fill any table: what scrapes show of them, and
// how many series end meanwhile. For tests and benches only.

import { setTimeout as delay } from 'node:timers/promises';
import { payloadOf, tcp, udp } from '../frames/frames.js';
import { over } from '../frames/traffic-mix.js';
import { sendFrames, startSending } from '../kernel/sender.js';
import type { Wire } from '../kernel/wire.js';
import type { Exposition } from '../oracle/exposition-parser.js';
import type { Exporter } from './exporter.js';

export const LARGE_FLOWS = 50;
/** 180 frames of 1,450 bytes make 261 KB. */
const FRAMES_OF_BURST = 180;
const LARGE_FRAME_BYTES = 1450;
const SCAN_FRAME_BYTES = 60;
const LARGE_PORT = 8443;

export interface ScanScenario {
  /** One-packet flows of 60 bytes, no two alike within the planned time. */
  readonly scanPacketsPerSecond: number;
  /** The large flows carry 261 KB each, at once, and then nothing until the next burst. */
  readonly burstEveryMs: number;
  /** How long to scrape, from the second burst on; longer where that is too short for `scrapesMin`. */
  readonly scrapeMs: number;
  readonly scrapesMin: number;
  readonly restBetweenScrapesMs: number;
}

export interface ScanFigures {
  /** After the second burst. */
  readonly scrapes: number;
  /** Of these, how many showed all large flows, and how many of them the worst one showed. */
  readonly scrapesWithAll: number;
  readonly fewestLargeFlows: number;
  /** Series that ended, whatever the reason: since the start, and after the second burst. */
  readonly endedInAll: number;
  readonly endedPerSecond: number;
  readonly scanPackets: number;
}

/** The exporter watches pair 0 of the wire, and has less room for series than the scan has flows. */
export async function runScanScenario(
  wire: Wire,
  exporter: Exporter,
  scenario: ScanScenario,
  check: (exposition: Exposition) => void,
): Promise<ScanFigures> {
  const { burstEveryMs, scrapeMs, scanPacketsPerSecond } = scenario;
  const toPair0 = { prefix: wire.source.enter, interface: wire.sourceDevice() };
  // The start, two bursts and the scrapes; the same flows once more where a slow machine takes longer.
  const scanSeconds = (2 * burstEveryMs + scrapeMs) / 1000 + 5;
  const scan = startSending({
    ...toPair0,
    frames: scanFrames(Math.ceil(scanSeconds * scanPacketsPerSecond)),
    repeat: 10,
    packetsPerSecond: scanPacketsPerSecond,
  });
  const bursts = new AbortController();
  const burst = () => sendFrames({ ...toPair0, frames: largeFrames(), repeat: FRAMES_OF_BURST });
  try {
    await exporter.scrapeUntil(
      'the scan to fill the table',
      (now) => now.value('xtrace_series') === now.value('xtrace_series_limit'),
    );
    await burst();
    await delay(burstEveryMs);
    await burst();
    const bursting = (async () => {
      while (!bursts.signal.aborted) {
        await delay(burstEveryMs, undefined, { signal: bursts.signal }).catch(() => undefined);
        if (!bursts.signal.aborted) await burst();
      }
    })();
    const startMs = performance.now();
    const shown: number[] = [];
    let endedBefore: number | undefined;
    let endedInAll = 0;
    let packets = 0;
    try {
      while (performance.now() - startMs < scrapeMs || shown.length < scenario.scrapesMin) {
        const now = await exporter.scrape();
        check(now);
        shown.push(now.select('xtrace_network_bytes_total', { dst_port: String(LARGE_PORT) }).length);
        endedInAll = now.sum('xtrace_series_ended_total');
        endedBefore ??= endedInAll;
        packets = now.sum('xtrace_interface_packets_total', { traffic_type: 'TCP' });
        await delay(scenario.restBetweenScrapesMs);
      }
    } finally {
      bursts.abort();
      await bursting;
    }
    if (scan.child.exit !== undefined) throw new Error('the scan ended before the scrapes did');
    return {
      scrapes: shown.length,
      scrapesWithAll: shown.filter((flows) => flows === LARGE_FLOWS).length,
      fewestLargeFlows: Math.min(...shown),
      endedInAll,
      endedPerSecond: (endedInAll - (endedBefore ?? 0)) / ((performance.now() - startMs) / 1000),
      scanPackets: packets,
    };
  } finally {
    await scan.child.stop('SIGKILL');
    scan.dispose();
  }
}

/** One frame of each large flow. */
function largeFrames(): Buffer[] {
  return Array.from({ length: LARGE_FLOWS }, (_, i) =>
    over(
      { src: `10.50.0.${i + 1}`, dst: '10.51.0.1' },
      udp(40_000 + i, LARGE_PORT, payloadOf(LARGE_FRAME_BYTES - 42)),
    ),
  );
}

/**
 * SYNs from everywhere to everywhere, as a scan with forged sources sends them; the ports of the large
 * flows are left out. Copies of one frame: their checksums, which nobody on the way looks at, are its own.
 */
function scanFrames(count: number): Buffer[] {
  const syn = over({ src: '198.18.0.0', dst: '10.51.0.2' }, tcp(1, 1));
  const all = Buffer.alloc(count * SCAN_FRAME_BYTES);
  return Array.from({ length: count }, (_, i) => {
    const frame = all.subarray(i * SCAN_FRAME_BYTES, (i + 1) * SCAN_FRAME_BYTES);
    syn.copy(frame);
    // An odd multiplier visits every number of 32 bits once, in an order that looks random.
    const number = Math.imul(i + 1, 0x9e3779b1) >>> 0;
    frame.writeUInt16BE(number >>> 16, 28); // last two bytes of the source address
    frame.writeUInt16BE(number & 0xffff, 34); // source port
    frame.writeUInt16BE(1 + (i % 8000), 36); // destination port
    return frame;
  });
}
