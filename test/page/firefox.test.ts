// SPDX-License-Identifier: Apache-2.0
// The page in Firefox, over a real exporter under real traffic: what stands there is what was sent.

import assert from 'node:assert/strict';
import { withExporter } from '../support/exporter/with-exporter.js';
import { createWire } from '../support/kernel/wire.js';
import { LARGE_SCREEN, quantityIn } from '../support/page/browser.js';
import { firefoxTest } from '../support/page/browser-gate.js';
import { waitForTextIn, withFirefox } from '../support/page/marionette.js';
import { startTraffic, tcpFrames, udpFrames } from '../support/page/page-traffic.js';

const PACKETS_PER_SECOND = 1000;
const FRAMES = [...tcpFrames(7, 10), ...udpFrames(8, 4)];
const BITS_PER_SECOND =
  (FRAMES.reduce((sum, frame) => sum + frame.length, 0) / FRAMES.length) * 8 * PACKETS_PER_SECOND;

firefoxTest('rates are those sent, the first screen does not scroll, and the filter filters', async () => {
  const wire = createWire('x');
  try {
    await withExporter(wire, { intervalMs: 500 }, async (exporter) => {
      const traffic = startTraffic(wire, { frames: FRAMES, packetsPerSecond: PACKETS_PER_SECOND });
      try {
        await withFirefox(new URL('/', exporter.url).href, LARGE_SCREEN, async (page) => {
          await waitForTextIn(page, `tr[data-interface="${wire.sinkDevice()}"] .mean`, (text) => {
            return Math.abs(quantityIn(text, 'bit/s') - BITS_PER_SECOND) <= 0.02 * BITS_PER_SECOND;
          });
          await waitForTextIn(
            page,
            '.flows tbody tr:first-child .source',
            (text) => text === '10.1.0.7:40007',
          );
          await waitForTextIn(page, '.verdict .said', (text) =>
            text.startsWith('All is well: rx0 is watched'),
          );
          await waitForTextIn(page, '.rates .legend', (text) => /rx0 TCP.*rx0 UDP/s.test(text));
          assert.deepEqual(
            await page.evaluate('[innerWidth, innerHeight, document.documentElement.scrollHeight]'),
            [LARGE_SCREEN.width, LARGE_SCREEN.height, LARGE_SCREEN.height],
          );
          assert.equal(await page.evaluate("document.querySelector('.rates canvas').width > 0"), true);
          await page.type('.flow-panel input', '10.2.0.0/16');
          await waitForTextIn(page, '.flow-panel .note', (text) => text === '1 of 1');
          await waitForTextIn(page, '.flows tbody', (text) => text.includes('10.2.0.8:50008'));
        });
      } finally {
        await traffic.stop();
      }
    });
  } finally {
    wire.dispose();
  }
});
