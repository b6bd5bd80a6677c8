// SPDX-License-Identifier: Apache-2.0
// Tests that need a browser beside the kernel: Debian's Chromium or Firefox, without a screen.

import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { gatedTest } from '../gated-test.js';
import { missingForKernelTests } from '../kernel/kernel-gate.js';

export const FIREFOX = '/usr/bin/firefox-esr';
const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser'];

export function chromiumPath(): string | undefined {
  return CHROMIUM_PATHS.find((path) => existsSync(path));
}

export function missingForBrowserTests(): string | undefined {
  return missingForKernelTests() ?? (chromiumPath() === undefined ? 'there is no Chromium' : undefined);
}

/** A test that opens the page of a real exporter. */
export function browserTest(name: string, fn: (context: TestContext) => void | Promise<void>): void {
  gatedTest({ what: 'the kernel and Chromium', missing: missingForBrowserTests() }, name, fn);
}

/** Likewise in Firefox. */
export function firefoxTest(name: string, fn: (context: TestContext) => void | Promise<void>): void {
  const missing =
    missingForKernelTests() ?? (existsSync(FIREFOX) ? undefined : 'there is no Firefox ESR (firefox-esr)');
  gatedTest({ what: 'the kernel and Firefox', missing }, name, fn);
}
