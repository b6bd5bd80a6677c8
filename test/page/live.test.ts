// SPDX-License-Identifier: Apache-2.0
// The page in Chromium, over a real exporter under real traffic: what stands there is what was sent.

import assert from 'node:assert/strict';
import type { Page } from 'puppeteer-core';
import { withExporter } from '../support/exporter/with-exporter.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import { openView, quantityIn, textOf, waitForText, withBrowser } from '../support/page/browser.js';
import { browserTest } from '../support/page/browser-gate.js';
import { roceAddress, roceFrames, startTraffic, tcpFrames, udpFrames } from '../support/page/page-traffic.js';

const INTERVAL_MS = 500;
const PACKETS_PER_SECOND = 1000;
/** 10 of the first to 4 of the second to 2 of the third: the top flow is host 7. */
const FRAMES = [...tcpFrames(7, 10), ...udpFrames(8, 4), ...tcpFrames(9, 2)];
const BITS_PER_SECOND =
  (FRAMES.reduce((sum, frame) => sum + frame.length, 0) / FRAMES.length) * 8 * PACKETS_PER_SECOND;

async function withWire(use: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = createWire('l');
  try {
    await use(wire);
  } finally {
    wire.dispose();
  }
}

function isNear(text: string, expected: number, unit: string): boolean {
  return Math.abs(quantityIn(text, unit) - expected) <= 0.02 * expected;
}

/** Of the flows, in the order of rows. */
function sources(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('.flows tbody td.source')].map((cell) => cell.textContent ?? ''),
  );
}

browserTest('rates on the screen are those sent, and the top flow is the top flow', async () => {
  await withWire((wire) =>
    withExporter(wire, { intervalMs: INTERVAL_MS }, async (exporter) => {
      const traffic = startTraffic(wire, { frames: FRAMES, packetsPerSecond: PACKETS_PER_SECOND });
      try {
        await withBrowser(async (browser) => {
          const { page, complaints } = await openView(browser, exporter);
          const row = `tr[data-interface="${wire.sinkDevice()}"]`;
          await waitForText(page, `${row} .mean`, (text) => isNear(text, BITS_PER_SECOND, 'bit/s'));
          await waitForText(page, `${row} td.packets`, (text) => isNear(text, PACKETS_PER_SECOND, 'pkt/s'));
          await waitForText(page, '.flows tbody tr:first-child .source', (text) =>
            text.startsWith('10.1.0.7:'),
          );
          assert.deepEqual((await sources(page)).slice(0, 3), [
            '10.1.0.7:40007',
            '10.2.0.8:50008',
            '10.1.0.9:40009',
          ]);
          const share = FRAMES.filter((frame) => frame === FRAMES[0]).length / FRAMES.length;
          const topBits = share * PACKETS_PER_SECOND * (FRAMES[0]?.length ?? 0) * 8;
          await waitForText(page, '.flows tbody tr:first-child .rate', (text) =>
            isNear(text, topBits, 'bit/s'),
          );
          await waitForText(page, '.rates .legend', (text) => /rx0 TCP/.test(text) && /rx0 UDP/.test(text));
          assert.match((await textOf(page, '.verdict .said')) ?? '', /^All is well: rx0 is watched/);
          const height = await page.evaluate(() => document.documentElement.scrollHeight);
          assert.ok(height <= 900, `the first screen needs no scrolling, but is ${height} high`);
          assert.deepEqual(complaints, []);
        });
      } finally {
        await traffic.stop();
      }
    }),
  );
});

browserTest('filter and sort work by keyboard alone', async () => {
  await withWire((wire) =>
    withExporter(wire, { intervalMs: INTERVAL_MS }, async (exporter) => {
      const traffic = startTraffic(wire, { frames: FRAMES, packetsPerSecond: PACKETS_PER_SECOND });
      try {
        await withBrowser(async (browser) => {
          const { page, complaints } = await openView(browser, exporter);
          await waitForText(page, '.flow-panel .note', (text) => text === '3 of 3');
          await page.keyboard.press('/');
          await page.keyboard.type('10.2.0.0/16');
          await waitForText(page, '.flow-panel .note', (text) => text === '1 of 1');
          assert.deepEqual(await sources(page), ['10.2.0.8:50008']);
          await page.keyboard.press('Escape');
          await page.keyboard.type('40009');
          await waitForText(
            page,
            '.flows tbody',
            (text) => text.includes('10.1.0.9') && !text.includes('10.1.0.7'),
          );
          await page.keyboard.press('Escape');
          await page.keyboard.type('nothing like this');
          await waitForText(page, '.flow-panel .note', (text) =>
            text.startsWith('No flow matches the filter'),
          );
          await page.keyboard.press('Escape');
          await waitForText(page, '.flow-panel .note', (text) => text === '3 of 3');
          // From the filter to the scrolling part, to the heads Rate and Source.
          for (const _step of ['part', 'rate', 'source']) await page.keyboard.press('Tab');
          await page.keyboard.press('Enter');
          const sorted = (): Promise<string | null | undefined> =>
            page.evaluate(() =>
              document.querySelector('th[data-column="source"]')?.getAttribute('aria-sort'),
            );
          assert.equal(await sorted(), 'ascending');
          await waitForText(page, '.flows tbody tr:first-child .source', (text) =>
            text.startsWith('10.1.0.7'),
          );
          await page.keyboard.press('Enter');
          assert.equal(await sorted(), 'descending');
          await waitForText(page, '.flows tbody tr:first-child .source', (text) =>
            text.startsWith('10.2.0.8'),
          );
          assert.deepEqual(complaints, []);
        });
      } finally {
        await traffic.stop();
      }
    }),
  );
});

browserTest(
  'a RoCE pair with marks shows its dot, another does not, and Enter opens it in words',
  async () => {
    await withWire((wire) =>
      withExporter(wire, { intervalMs: INTERVAL_MS }, async (exporter) => {
        const frames = [
          ...roceFrames({ from: 1, to: 2, count: 20, marked: 5, cnps: 2 }),
          ...roceFrames({ from: 3, to: 4, count: 20 }),
        ];
        const traffic = startTraffic(wire, { frames, packetsPerSecond: PACKETS_PER_SECOND });
        try {
          await withBrowser(async (browser) => {
            const { page, complaints } = await openView(browser, exporter);
            const cell = (from: number, to: number): string =>
              `[data-pair="${wire.sinkDevice()} ${roceAddress(from)} ${roceAddress(to)}"]`;
            await page.waitForSelector(`${cell(1, 2)} .dot`, { timeout: 60_000 });
            assert.equal(await page.$(`${cell(3, 4)} .dot`), null, 'nothing is wrong there');
            await waitForText(page, '.troubles', (text) =>
              /2[3-7](\.\d)? % of the packets from 10\.3\.0\.1 to 10\.3\.0\.2/.test(text),
            );
            // Arrow keys walk from wherever the grid is entered: to the first row and its second column.
            await page.focus('.matrix [tabindex="0"]');
            await page.keyboard.press('ArrowDown');
            await page.keyboard.press('ArrowUp');
            await page.keyboard.press('Home');
            await page.keyboard.press('ArrowRight');
            await page.keyboard.press('Enter');
            await waitForText(page, 'h1', (text) => text === 'RoCE: 10.3.0.1 to 10.3.0.2 through rx0');
            await waitForText(page, '.words.trouble', (text) =>
              /are marked: a switch on their way is congested\./.test(text),
            );
            await waitForText(page, '.words.trouble', (text) =>
              text.includes('10.3.0.2 asks 10.3.0.1 to slow down'),
            );
            const payloadBits = (20 / frames.length) * PACKETS_PER_SECOND * 1024 * 8;
            await waitForText(page, '.numbers tbody tr:first-child', (text) =>
              isNear(text, payloadBits, 'bit/s'),
            );
            assert.deepEqual(complaints, []);
          });
        } finally {
          await traffic.stop();
        }
      }),
    );
  },
);
