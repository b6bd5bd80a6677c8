// SPDX-License-Identifier: Apache-2.0
// The first page of a large host: 16 interfaces, 300 RoCE pairs and 2,000 flows fit the screen, nothing is cut off,
// nothing moves when numbers come, and what is left out is said.

import assert from 'node:assert/strict';
import type { Browser, Page } from 'puppeteer-core';
import { openView, PHONE_SCREEN, textOf, waitForText, withBrowser } from '../support/page/browser.js';
import { browserTest } from '../support/page/browser-gate.js';
import { LARGE_HOST, type LargeHost, startLargeHost } from '../support/page/large-host.js';

const REFRESHES_WATCHED = 4;

/** What is wider or higher than the box that shows it, by its text. */
function cutOff(page: Page, selector: string): Promise<string[]> {
  return page.evaluate(
    (wanted) =>
      [...document.querySelectorAll(wanted)]
        .filter((one) => one.clientWidth > 0)
        .filter((one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight)
        .map((one) => `${one.className} ${one.textContent?.slice(0, 40)}`),
    selector,
  );
}

/** Of what must stay where it is, in whole pixels. */
function places(page: Page): Promise<Record<string, string>> {
  return page.evaluate(() => {
    const fixed =
      '.panel, .panel h2, .legend li, .figures div, thead th, .interfaces tbody tr, .flows tbody tr';
    const matrix = document.querySelector('.matrix-panel');
    const all = [...document.querySelectorAll(fixed)].filter(
      (one) => one === matrix || !matrix?.contains(one),
    );
    return Object.fromEntries(
      all.map((one, i) => {
        const { x, y, height } = one.getBoundingClientRect();
        return [`${i} ${one.tagName} ${one.className}`, [x, y, height].map(Math.round).join(' ')];
      }),
    );
  });
}

function refreshShown(page: Page): Promise<number> {
  return page.evaluate(() => Number(document.querySelector('.verdict')?.getAttribute('data-refresh')));
}

async function seeRefreshes(page: Page, count: number): Promise<void> {
  const from = await refreshShown(page);
  await page.waitForFunction(
    (least) => Number(document.querySelector('.verdict')?.getAttribute('data-refresh')) >= least,
    { timeout: 60_000 },
    from + count,
  );
}

/** Cells of numbers that do not fit what they may have to show. Others come with the next refresh. */
function tooNarrow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const widest = { rate: '888 Mbit/s', mean: '888 Mbit/s', packets: '88.8 kpkt/s', total: '88.8 MB' };
    return ['.interfaces', '.flows'].flatMap((table) =>
      Object.entries(widest).flatMap(([column, text]) => {
        const cell = document.querySelector<HTMLElement>(`${table} tbody tr td.${column}`);
        if (cell === null || cell.clientWidth === 0) return [];
        cell.textContent = text;
        return cell.scrollWidth > cell.clientWidth ? [`${table} ${column}: ${text}`] : [];
      }),
    );
  });
}

async function judgeLargeScreen(browser: Browser, { exporter, devices }: LargeHost): Promise<void> {
  const { page, complaints } = await openView(browser, exporter);
  const caption = await waitForText(page, '.matrix-panel .note', (text) => / of 300 pairs/.test(text));
  await waitForText(page, '.rates h2', (text) => text === 'Rate by traffic type, last 10 minutes');
  await page.waitForSelector('.matrix .dot');
  await seeRefreshes(page, 2);

  const [, shown = ''] =
    /; (\d+) of 300 pairs, those with trouble first, then the largest; the others carry \d/.exec(caption) ??
    [];
  assert.ok(Number(shown) > 0 && Number(shown) < LARGE_HOST.pairs, caption);
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight), 900);
  assert.deepEqual(await tooNarrow(page), []);
  await seeRefreshes(page, 1);
  const parts = [
    '.interfaces .scroll',
    '.interfaces th',
    '.interfaces td',
    '.flow-panel .scroll',
    '.flows td.interface',
    '.flows td.source',
    '.flows td.rate',
    '.talk',
    '.talk .matrix',
    '.rates',
  ];
  assert.deepEqual(await cutOff(page, parts.join(', ')), []);
  const names = await page.evaluate(() =>
    [...document.querySelectorAll('.interfaces tbody th')].map((one) => one.textContent),
  );
  assert.deepEqual(names, [...devices]);
  const overlapping = await page.evaluate(() => {
    const boxes = [...document.querySelectorAll('.panel, .verdict, header, footer, .talk > *')].map(
      (one) => ({
        one,
        box: one.getBoundingClientRect(),
      }),
    );
    return boxes.flatMap(({ one, box: a }, i) =>
      boxes
        .slice(i + 1)
        .filter(({ one: other }) => !one.contains(other))
        .filter(
          ({ box: b }) => a.right > b.x + 1 && b.right > a.x + 1 && a.bottom > b.y + 1 && b.bottom > a.y + 1,
        )
        .map(({ one: other }) => `${one.className} and ${other.className}`),
    );
  });
  assert.deepEqual(overlapping, []);

  const before = await places(page);
  await seeRefreshes(page, REFRESHES_WATCHED);
  assert.deepEqual(await places(page), before, 'what a refresh moves');

  // A pair that found no room is found by the filter, by keyboard; the order of names is that of all 1,000.
  await page.keyboard.press('/');
  await page.keyboard.type('src:10.3.0.23');
  await waitForText(page, '.matrix-panel .note', (text) =>
    /; all of [78] pairs that match the filter$/.test(text),
  );
  assert.deepEqual(
    await page.evaluate(() =>
      [...document.querySelectorAll('.matrix tbody th')].map((one) => one.textContent),
    ),
    ['10.3.0.23'],
  );
  await page.keyboard.press('Escape');
  await waitForText(page, '.matrix-panel .note', (text) => / of 300 pairs, /.test(text));
  await page.click('th[data-column="source"] button');
  await waitForText(page, '.flows tbody tr:first-child .source', (text) =>
    text.startsWith('[2001:db8:85a3:8d3:1319:8a2e:1:'),
  );
  assert.equal(await textOf(page, '.flow-panel .note'), '20 of 1,000, among the 1,000 largest');
  assert.deepEqual(complaints, []);
  await page.close();
}

async function judgePhone(browser: Browser, { exporter }: LargeHost): Promise<void> {
  const { page, complaints } = await openView(browser, exporter, { screen: PHONE_SCREEN, scheme: 'dark' });
  await waitForText(page, '.matrix-panel .note', (text) => / of 300 pairs/.test(text));
  await seeRefreshes(page, 2);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE_SCREEN.width);
  const parts = ['.interfaces th', '.interfaces td', '.flows td', '.talk', '.talk .matrix'];
  assert.deepEqual(await cutOff(page, parts.join(', ')), []);
  assert.deepEqual(complaints, []);
  await page.close();
}

browserTest(
  '16 interfaces, 300 pairs and 2,000 flows fit, stay in place, and what is left out is said',
  async () => {
    const host = await startLargeHost('g');
    try {
      await withBrowser(async (browser) => {
        await judgeLargeScreen(browser, host);
        await judgePhone(browser, host);
      });
    } finally {
      await host.stop();
    }
  },
);
