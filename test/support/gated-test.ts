// SPDX-License-Identifier: Apache-2.0
// Tests that need what not every machine has. Where it is missing they are skipped with a loud line; with
// CI=true or XTRACE_REQUIRE_KERNEL=1 they fail.

import process from 'node:process';
import { type TestContext, test } from 'node:test';

export interface Need {
  /** As in "needs the kernel". */
  readonly what: string;
  /** Why it is not there; undefined where it is. */
  readonly missing: string | undefined;
}

export function gatedTest(
  { what, missing }: Need,
  name: string,
  fn: (context: TestContext) => void | Promise<void>,
): void {
  if (missing === undefined) {
    test(name, fn);
    return;
  }
  if (process.env['CI'] === 'true' || process.env['XTRACE_REQUIRE_KERNEL'] === '1') {
    test(name, () => {
      throw new Error(`this test needs ${what}, and may not be skipped here, but ${missing}`);
    });
    return;
  }
  process.stderr.write(`SKIPPED, needs ${what} (${missing}): ${name}\n`);
  test(name, { skip: `SKIPPED: ${missing}` }, fn);
}
