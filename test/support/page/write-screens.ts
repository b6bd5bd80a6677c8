// SPDX-License-Identifier: Apache-2.0
// Screenshots of each page of a real exporter under traffic, into dist/screens (make screens). Needs root and
// Chromium. Usage: node dist/test/support/page/write-screens.js [SECONDS of traffic before them, 45 unless told]
// [large]; `large`: of a host with 16 interfaces, 300 RoCE pairs and 2,000 flows.

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser } from 'puppeteer-core';
import { type Exporter, startExporter } from '../exporter/exporter.js';
import { createWire, type Wire } from '../kernel/wire.js';
import { MLX5_ROCE } from '../rdma/rdma-devices.js';
import { RdmaSysfs } from '../rdma/rdma-sysfs.js';
import { LARGE_SCREEN, openView, PHONE_SCREEN, withBrowser } from './browser.js';
import { missingForBrowserTests } from './browser-gate.js';
import { startLargeHost } from './large-host.js';
import { roceAddress, roceFrames, startTraffic, tcpFrames, udpFrames } from './page-traffic.js';

const TARGET = path.resolve(import.meta.dirname, '../../../screens');
const SCREENS = { '1440x900': LARGE_SCREEN, '390x844': PHONE_SCREEN } as const;
const COUNTER_STEPS_MS = 1000;
const LOOKED_AT_MS = 4000;
const HOSTS = 8;

function pagesOf(device: string): Readonly<Record<string, string>> {
  const pairId = `${device} ${roceAddress(1)} ${roceAddress(2)}`;
  return {
    live: '#/',
    pair: `#/pair/${encodeURIComponent(pairId)}`,
    rdma: '#/rdma',
    exporter: '#/exporter',
  };
}

/** Flows and pairs of very different sizes, as there are in the field. */
function startAll(wire: Wire): { stop(): Promise<void> }[] {
  const tcpFlows = Array.from({ length: 18 }, (_, i) => tcpFrames(i + 1, Math.ceil(60 / (i + 1))));
  const udpFlows = Array.from({ length: 14 }, (_, i) => udpFrames(i + 1, Math.ceil(30 / (i + 1))));
  const talks = Array.from({ length: HOSTS * HOSTS }, (_, i) => ({
    from: 1 + Math.floor(i / HOSTS),
    to: 1 + (i % HOSTS),
  }))
    .filter(({ from, to }) => from !== to && (from * to) % 5 !== 4)
    .map(({ from, to }) => ({ from, to, count: Math.ceil(240 / (from * to) ** 1.3) }));
  const roce = talks.flatMap((talk) =>
    roceFrames(
      talk.from === 1 && talk.to === 2
        ? { ...talk, marked: 4, cnps: 9 }
        : talk.from === 5 && talk.to === 6
          ? { ...talk, count: 6, marked: 1 }
          : talk,
    ),
  );
  return [
    startTraffic(wire, { frames: roce, packetsPerSecond: 1500 }),
    startTraffic(wire, { frames: tcpFlows.flat(), packetsPerSecond: 900 }),
    startTraffic(wire, { frames: udpFlows.flat(), packetsPerSecond: 500, pair: 1 }),
  ];
}

/** A card whose counters grow while it is looked at. */
function startCounters(sysfs: RdmaSysfs): () => void {
  let steps = 0;
  const timer = setInterval(() => {
    steps++;
    const port = 'mlx5_0/ports/1';
    sysfs.write(`${port}/counters/port_rcv_data`, 1_000_000_000_000 + steps * 1_200_000_000);
    sysfs.write(`${port}/counters/port_xmit_data`, 250 + steps * 310_000_000);
    sysfs.write(`${port}/counters/port_rcv_packets`, 4_000_017 + steps * 1_100_000);
    sysfs.write(`${port}/counters/port_xmit_packets`, 1003 + steps * 300_000);
    sysfs.write(`${port}/hw_counters/np_cnp_sent`, 77 + steps * 12);
    sysfs.write(`${port}/hw_counters/np_ecn_marked_roce_packets`, 88 + steps * 31);
  }, COUNTER_STEPS_MS);
  return () => clearInterval(timer);
}

async function writeScreens(seconds: number): Promise<void> {
  mkdirSync(TARGET, { recursive: true });
  const wire = createWire('p', { pairs: 2 });
  const sysfs = new RdmaSysfs({ mlx5_0: MLX5_ROCE });
  const exporter = await startExporter({
    namespace: wire.sink,
    args: ['--interface=rx0,rx1', '--interval=1000'],
    settings: { rdma: { sysfs_path: sysfs.path }, collect_agg: 'rack-7', host_ip: '10.3.0.254' },
  });
  const traffic = startAll(wire);
  const stopCounters = startCounters(sysfs);
  try {
    await withBrowser((browser) => takeScreens(browser, exporter, pagesOf(wire.sinkDevice()), seconds));
  } finally {
    stopCounters();
    for (const one of traffic) await one.stop();
    await exporter.stop();
    sysfs.remove();
    wire.dispose();
  }
}

async function writeLargeScreens(seconds: number): Promise<void> {
  mkdirSync(TARGET, { recursive: true });
  const host = await startLargeHost('p');
  try {
    const pages = { 'large-live': '#/', 'large-exporter': '#/exporter' };
    await withBrowser((browser) => takeScreens(browser, host.exporter, pages, seconds));
  } finally {
    await host.stop();
  }
}

async function takeScreens(
  browser: Browser,
  exporter: Exporter,
  pages: Readonly<Record<string, string>>,
  seconds: number,
): Promise<void> {
  // Pairs are followed from the first look on.
  const { page: first } = await openView(browser, exporter);
  await delay(seconds * 1000);
  await first.close();
  for (const [size, screen] of Object.entries(SCREENS)) {
    for (const [name, hash] of Object.entries(pages)) {
      for (const scheme of ['light', 'dark'] as const) {
        const { page, complaints } = await openView(browser, exporter, { hash, scheme, screen });
        await delay(LOOKED_AT_MS);
        await page.screenshot({ path: path.join(TARGET, `${name}-${size}-${scheme}.png`) });
        // What one scrolls to.
        if (screen === PHONE_SCREEN && name.startsWith('large')) {
          await page.screenshot({
            path: path.join(TARGET, `${name}-${size}-${scheme}-whole.png`),
            fullPage: true,
          });
        }
        for (const complaint of complaints) process.stderr.write(`${name}: ${complaint}\n`);
        await page.close();
      }
    }
  }
}

const missing = missingForBrowserTests();
const [, , seconds = '45', host] = process.argv;
if (missing === undefined) {
  await (host === 'large' ? writeLargeScreens : writeScreens)(Number(seconds));
} else {
  process.stderr.write(`no screenshots: ${missing}\n`);
  process.exitCode = 1;
}
