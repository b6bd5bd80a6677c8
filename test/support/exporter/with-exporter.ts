// SPDX-License-Identifier: Apache-2.0
// The exporter on the receiving end of a wire, for as long as a test needs it. For tests only.

import assert from 'node:assert/strict';
import type { Wire } from '../kernel/wire.js';
import type { Exposition } from '../oracle/exposition-parser.js';
import { type Exporter, startExporter } from './exporter.js';

export interface OnWireOptions {
  /** Default: that of pair 0. */
  readonly interfaces?: readonly string[];
  /** Default 100, the shortest there is. */
  readonly intervalMs?: number;
  readonly args?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Starts an exporter, hands it over, and stops it whatever happens; fails unless it exits with 0. */
export async function withExporter(
  wire: Wire,
  options: OnWireOptions,
  use: (exporter: Exporter) => Promise<void>,
): Promise<void> {
  const { interfaces = [wire.sinkDevice()], intervalMs = 100, args = [], settings } = options;
  const exporter = await startExporter({
    namespace: wire.sink,
    args: [`--interface=${interfaces.join(',')}`, `--interval=${intervalMs}`, ...args],
    ...(settings === undefined ? {} : { settings }),
  });
  try {
    await use(exporter);
  } finally {
    await exporter.stop();
  }
  const { code } = await exporter.stop();
  assert.equal(code, 0, `how the exporter exits:\n${exporter.child.stderr}`);
}

/** A scrape that so many more good refreshes have gone into, whatever they brought. */
export async function scrapeAfterRefreshes(exporter: Exporter, more: number): Promise<Exposition> {
  const before = goodRefreshes(await exporter.scrape());
  return exporter.scrapeUntil(`${more} more refreshes`, (now) => goodRefreshes(now) >= before + more);
}

export function goodRefreshes(exposition: Exposition): number {
  return exposition.value('xtrace_refreshes_total') - exposition.sum('xtrace_refresh_failures_total');
}

/** Waits until the interface totals reach so many packets; fails with what is shown instead. */
export function scrapeOfPackets(exporter: Exporter, device: string, packets: number): Promise<Exposition> {
  return exporter.scrapeUntil(
    `${packets} packets on ${device}`,
    (now) => now.sum('xtrace_interface_packets_total', { interface: device }) >= packets,
  );
}
