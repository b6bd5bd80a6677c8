// SPDX-License-Identifier: Apache-2.0
// axe-core finds nothing on any page, light or dark, large or small, and nothing complains on the console.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, RunOptions } from 'axe-core';
import { startExporter } from '../support/exporter/exporter.js';
import { createWire } from '../support/kernel/wire.js';
import { LARGE_SCREEN, openView, PHONE_SCREEN, waitForText, withBrowser } from '../support/page/browser.js';
import { browserTest } from '../support/page/browser-gate.js';
import { roceAddress, roceFrames, startTraffic, tcpFrames } from '../support/page/page-traffic.js';
import { MLX5_ROCE } from '../support/rdma/rdma-devices.js';
import { RdmaSysfs } from '../support/rdma/rdma-sysfs.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OPTIONS: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
};

/** By page: its address, and what stands there when it is filled. */
const PAGES: Readonly<Record<string, readonly [hash: string, selector: string]>> = {
  live: ['#/', '.matrix .dot'],
  pair: [`#/pair/${encodeURIComponent(`rx0 ${roceAddress(1)} ${roceAddress(2)}`)}`, '.numbers tbody tr'],
  rdma: ['#/rdma', '.port .meter'],
  exporter: ['#/exporter', '.books tbody tr'],
};

browserTest('no page has a violation, light or dark, large or small', async () => {
  const wire = createWire('a');
  const sysfs = new RdmaSysfs({ mlx5_0: MLX5_ROCE });
  const exporter = await startExporter({
    namespace: wire.sink,
    args: ['--interface=rx0', '--interval=1000'],
    settings: { rdma: { sysfs_path: sysfs.path } },
  });
  const frames = [...tcpFrames(1, 5), ...roceFrames({ from: 1, to: 2, count: 9, marked: 2, cnps: 1 })];
  const traffic = startTraffic(wire, { frames, packetsPerSecond: 200 });
  const found: string[] = [];
  try {
    await withBrowser(async (browser) => {
      for (const scheme of ['light', 'dark'] as const) {
        for (const screen of [LARGE_SCREEN, PHONE_SCREEN]) {
          for (const [name, [hash, selector]] of Object.entries(PAGES)) {
            const { page, complaints } = await openView(browser, exporter, { hash, scheme, screen });
            await page.waitForSelector(selector, { timeout: 60_000 });
            await waitForText(page, '.verdict .sentence', (text) => text !== '');
            await page.evaluate(AXE);
            const { violations } = await page.evaluate(
              (options) =>
                (globalThis as unknown as { axe: { run(run: object): Promise<AxeResults> } }).axe.run(
                  options,
                ),
              OPTIONS,
            );
            const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
            const wrong = [
              ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
              ...complaints,
              ...(isTooWide ? ['wider than the screen'] : []),
            ];
            found.push(...wrong.map((one) => `${name}, ${scheme}, ${screen.width} wide: ${one}`));
            await page.close();
          }
        }
      }
    });
    assert.deepEqual(found, []);
  } finally {
    await traffic.stop();
    await exporter.stop();
    sysfs.remove();
    wire.dispose();
  }
});
