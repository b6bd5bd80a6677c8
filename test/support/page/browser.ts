// SPDX-License-Identifier: Apache-2.0
// Chromium in the namespace that the test process has joined, and the page of an exporter in it. For tests only.

import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { type WaitOptions, waitFor } from '../conditions.js';
import type { Exporter } from '../exporter/exporter.js';
import { chromiumPath } from './browser-gate.js';

/** Emulated and crowded machines are slow. */
const PROTOCOL_LIMIT_MS = 120_000;
/** As root it has no sandbox; without a screen it needs no graphics card, and a container's /dev/shm is small. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
];

export const LARGE_SCREEN = { width: 1440, height: 900 } as const;
export const PHONE_SCREEN = { width: 390, height: 844 } as const;

export interface ViewOptions {
  readonly hash?: string;
  readonly scheme?: 'light' | 'dark';
  readonly screen?: { readonly width: number; readonly height: number };
}

/** A page of the exporter, and all it has complained of. */
export interface View {
  readonly page: Page;
  /** Messages on the console, faults, requests that failed. */
  readonly complaints: readonly string[];
}

/** Starts Chromium, hands it over, and ends it whatever happens. */
export async function withBrowser(use: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await puppeteer.launch({
    executablePath: chromiumPath() ?? '',
    args: ARGUMENTS,
    protocolTimeout: PROTOCOL_LIMIT_MS,
  });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

/** Resolves when the verdict of a refresh stands there. */
export async function openView(
  browser: Browser,
  exporter: Exporter,
  { hash = '#/', scheme = 'light', screen = LARGE_SCREEN }: ViewOptions = {},
): Promise<View> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`fault: ${String(error)}`));
  page.on('requestfailed', (request) => {
    // A question is called off when another page is opened.
    const reason = request.failure()?.errorText ?? '';
    if (reason !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${reason}`);
  });
  await page.setViewport(screen);
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(new URL(`/${hash}`, exporter.url).href);
  await page.waitForSelector('.verdict[data-refresh]', { timeout: PROTOCOL_LIMIT_MS });
  return { page, complaints };
}

/** The text of an element, as it stands; undefined where there is none. */
export function textOf(page: Page, selector: string): Promise<string | undefined> {
  return page.evaluate((wanted) => document.querySelector(wanted)?.textContent ?? undefined, selector);
}

/** Waits for a text on the page; rejects with what stands there instead. */
export async function waitForText(
  page: Page,
  selector: string,
  holds: (text: string) => boolean,
  options?: WaitOptions,
): Promise<string> {
  let last: string | undefined;
  try {
    return await waitFor(
      `the text of ${selector}`,
      async () => {
        last = await textOf(page, selector);
        return last !== undefined && holds(last) && last;
      },
      { intervalMs: 100, ...options },
    );
  } catch (error) {
    throw new Error(`${String(error)}; it is ${JSON.stringify(last)}`, { cause: error });
  }
}

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** 8.02 Mbit/s as 8020000; NaN where there is no number with this unit. */
export function quantityIn(text: string, unit: string): number {
  const [, digits = 'x', prefix = ''] = new RegExp(`(-?[\\d.]+)\\s([kMGT]?)${unit}`).exec(text) ?? [];
  return Number(digits) * (FACTORS[prefix] ?? Number.NaN);
}
