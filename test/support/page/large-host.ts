// SPDX-License-Identifier: Apache-2.0
// A large host: 16 interfaces with the long names of cards, 300 RoCE pairs among 40 hosts, 2,000 flows, a tenth of
// them IPv6. For tests, measurements and screenshots only.

import { waitFor } from '../conditions.js';
import { type Exporter, startExporter } from '../exporter/exporter.js';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, tcp, udp } from '../frames/frames.js';
import { createWire, type Wire } from '../kernel/wire.js';
import { roceFrames, startTraffic } from './page-traffic.js';

export const LARGE_HOST = { interfaces: 16, pairs: 300, flows: 2000 } as const;
const ROCE_HOSTS = 40;
const PACKETS_PER_SECOND = 150;
/** Of the frames that go round on each interface, so many are of its largest flow. */
const LARGEST_FLOW = 40;
const GOLDEN_RATIO = 0.618_033_988_75;

export interface LargeHost {
  readonly wire: Wire;
  readonly exporter: Exporter;
  /** In the order of the wire's pairs. */
  readonly devices: readonly string[];
  stop(): Promise<void>;
}

/** As cards of four ports are called: up to 14 characters. */
function deviceName(i: number): string {
  return `enp${161 + Math.floor(i / 4)}s0f${i % 4}np${i % 4}`;
}

/** Resolves when all flows and pairs have come in. */
export async function startLargeHost(suffix: string, intervalMs = 1000): Promise<LargeHost> {
  const count = LARGE_HOST.interfaces;
  const wire = createWire(suffix, { pairs: count });
  const devices = Array.from({ length: count }, (_, i) => deviceName(i));
  const closers: (() => unknown)[] = [wire.dispose];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    for (const [i, name] of devices.entries()) {
      wire.sink.exec('ip', 'link', 'set', wire.sinkDevice(i), 'down');
      wire.sink.exec('ip', 'link', 'set', wire.sinkDevice(i), 'name', name);
      wire.sink.exec('ip', 'link', 'set', name, 'up');
    }
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${devices.join(',')}`, `--interval=${intervalMs}`],
      settings: { collect_agg: 'rack-7', host_ip: '10.3.0.254' },
    });
    closers.push(() => exporter.stop());
    for (const pair of devices.keys()) {
      const traffic = startTraffic(wire, {
        frames: framesOf(pair),
        // The first carry more than the last.
        packetsPerSecond: PACKETS_PER_SECOND + Math.round((PACKETS_PER_SECOND * (count - pair)) / count),
        pair,
      });
      closers.push(() => traffic.stop());
    }
    await waitFor('all flows and pairs', async () => {
      const overview = (await (await exporter.page('/api/v1/overview')).json()) as Sizes;
      return overview.series.count >= LARGE_HOST.flows && overview.pairs.count >= LARGE_HOST.pairs;
    });
    return { wire, exporter, devices, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Sizes {
  readonly series: { readonly count: number };
  readonly pairs: { readonly count: number };
}

function framesOf(device: number): Buffer[] {
  const roce = everyNth(LARGE_HOST.pairs, device).flatMap((pair) => {
    const from = 1 + (pair % ROCE_HOSTS);
    const to = 1 + ((from + Math.floor(pair / ROCE_HOSTS)) % ROCE_HOSTS);
    const count = 2 + Math.floor(24 / (1 + (pair % 23)));
    return roceFrames({ from, to, count, ...(pair % 25 === 0 ? { marked: 1 } : {}) });
  });
  // A RoCE pair is a flow, too.
  const flows = everyNth(LARGE_HOST.flows - LARGE_HOST.pairs, device).flatMap((flow, rank) =>
    Array.from({ length: Math.ceil(LARGEST_FLOW / (rank + 1)) }, () => frameOf(flow)),
  );
  return interleaved([...roce, ...flows]);
}

function frameOf(flow: number): Buffer {
  const [high, low] = [flow >> 8, flow & 0xff];
  if (flow % 10 === 3) {
    const ends = { src: `2001:db8:85a3:8d3:1319:8a2e:${high + 1}:${low + 1}`, dst: '2001:db8::ffff:1' };
    return ethernet(ETHERTYPE.ipv6, ipv6(ends, tcp(40_000 + flow, 443, payloadOf(926))));
  }
  const ends = { src: `10.${100 + high}.${low}.${flow % 250}`, dst: `10.1.255.${flow % 7}` };
  const segment =
    flow % 3 === 0 ? udp(50_000 + flow, 53, payloadOf(472)) : tcp(40_000 + flow, 443, payloadOf(946));
  return ethernet(ETHERTYPE.ipv4, ipv4(ends, segment));
}

function everyNth(count: number, device: number): number[] {
  const { interfaces } = LARGE_HOST;
  return Array.from({ length: count }, (_, i) => i).filter((i) => i % interfaces === device);
}

/** What a flow sends, spread over the round. */
function interleaved(frames: readonly Buffer[]): Buffer[] {
  const place = (i: number): number => (i * GOLDEN_RATIO) % 1;
  return frames
    .map((frame, i) => ({ frame, at: place(i) }))
    .sort((a, b) => a.at - b.at)
    .map(({ frame }) => frame);
}
