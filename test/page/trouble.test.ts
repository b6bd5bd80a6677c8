// SPDX-License-Identifier: Apache-2.0
// The page when something is not well: an interface that goes down, an exporter that goes away, nothing to see,
// hostile names.

import assert from 'node:assert/strict';
import { startExporter } from '../support/exporter/exporter.js';
import { withExporter } from '../support/exporter/with-exporter.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import { openView, textOf, waitForText, withBrowser } from '../support/page/browser.js';
import { browserTest } from '../support/page/browser-gate.js';
import { roceFrames, startTraffic, tcpFrames } from '../support/page/page-traffic.js';

const INTERVAL_MS = 1000;
const HOSTILE_INTERFACE = '<b>x';
const HOSTILE_WORD = `"'></script><script>document.title="taken"</script><img src=x onerror=alert(1)>`;

async function withWire(use: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = createWire('t');
  try {
    await use(wire);
  } finally {
    wire.dispose();
  }
}

browserTest('an interface that goes down says so within two intervals', async () => {
  await withWire((wire) =>
    withExporter(wire, { intervalMs: INTERVAL_MS }, (exporter) =>
      withBrowser(async (browser) => {
        const { page, complaints } = await openView(browser, exporter);
        await waitForText(page, '.verdict .said', (text) => text.startsWith('All is well'));
        await waitForText(page, '.rates .empty', (text) => /^no packet has arrived at rx0/.test(text));
        wire.sink.exec('ip', 'link', 'set', wire.sinkDevice(), 'down');
        const { refresh } = (await (await exporter.page('/api/v1/overview')).json()) as { refresh: number };
        const shownBy = await page.waitForFunction(
          () => {
            const verdict = document.querySelector('.verdict[data-level="problem"]');
            return verdict?.textContent?.includes('rx0') ? verdict.getAttribute('data-refresh') : undefined;
          },
          { polling: 'mutation', timeout: 60_000 },
        );
        const shown = Number(await shownBy.jsonValue());
        assert.ok(shown <= refresh + 2, `down after refresh ${refresh}, shown by ${shown}`);
        assert.match((await textOf(page, '.verdict .sentence')) ?? '', /rx0 .*(ip link set|up)/);
        assert.deepEqual(complaints, []);
      }),
    ),
  );
});

browserTest(
  'an exporter that has gone leaves numbers that are called old; one that comes again is followed',
  async () => {
    await withWire(async (wire) => {
      const options = { namespace: wire.sink, args: ['--interface=rx0', '--interval=500'] };
      const first = await startExporter(options);
      await withBrowser(async (browser) => {
        const { page } = await openView(browser, first);
        const address = `--web.listen-address=127.0.0.1:${first.port}`;
        await first.stop('SIGKILL');
        await waitForText(page, '.old:not([hidden])', (text) =>
          /^No answer from the exporter for .* old\.$/.test(text),
        );
        assert.equal(await textOf(page, 'header .state'), 'no answer');
        const second = await startExporter({ ...options, args: [...options.args, address] });
        try {
          await waitForText(page, 'header .state', (text) => text.startsWith('live'));
          await page.waitForSelector('.old', { hidden: true });
        } finally {
          await second.stop();
        }
      });
    });
  },
);

browserTest('hostile names are text', async () => {
  await withWire(async (wire) => {
    for (const args of [['down'], ['name', HOSTILE_INTERFACE], ['up']]) {
      wire.sink.exec('ip', 'link', 'set', args[0] === 'up' ? HOSTILE_INTERFACE : 'rx0', ...args);
    }
    const settings = { collect_agg: HOSTILE_WORD };
    await withExporter(
      wire,
      { interfaces: [HOSTILE_INTERFACE], intervalMs: 500, settings },
      async (exporter) => {
        const frames = [...tcpFrames(1, 3), ...roceFrames({ from: 1, to: 2, count: 4, marked: 1 })];
        const traffic = startTraffic(wire, { frames, packetsPerSecond: 500 });
        try {
          await withBrowser(async (browser) => {
            const { page, complaints } = await openView(browser, exporter);
            await waitForText(page, '.interfaces tbody', (text) => text.includes(HOSTILE_INTERFACE));
            await waitForText(page, '.flows tbody', (text) => text.includes(HOSTILE_INTERFACE));
            await waitForText(page, '.rates .legend', (text) => text.includes(`${HOSTILE_INTERFACE} TCP`));
            await waitForText(page, 'header .host', (text) => text.endsWith(HOSTILE_WORD));
            await page.click('.interfaces tbody button');
            await waitForText(page, '.flow-panel .note', (text) => /^[2-9] of/.test(text));
            await page.waitForSelector('.matrix .dot');
            await page.click('.matrix td:has(.dot)');
            await waitForText(page, 'h1', (text) => text.endsWith(`through ${HOSTILE_INTERFACE}`));
            await waitForText(page, '.words.trouble', (text) => text.includes('are marked'));
            await page.goto(new URL('/#/exporter', exporter.url).href);
            await waitForText(page, '.facts', (text) => text.includes(HOSTILE_WORD));
            await waitForText(page, '.balance', (text) => text.startsWith('✓'));
            const made = await page.evaluate(() => ({
              elements: document.querySelectorAll('main b b, td > b, img, script:not([src])').length,
              title: document.title,
            }));
            assert.deepEqual(made, { elements: 0, title: 'Exporter · xtrace-catch' });
            assert.deepEqual(complaints, []);
          });
        } finally {
          await traffic.stop();
        }
      },
    );
  });
});
