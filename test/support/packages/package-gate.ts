// SPDX-License-Identifier: Apache-2.0
// Tests that build packages and install them on Debian: the needs of booted machines, and of package builds.
// Where something is missing they are skipped with a loud line; with CI=true or XTRACE_REQUIRE_KERNEL=1 they fail.

import { spawnSync } from 'node:child_process';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { gatedTest } from '../gated-test.js';
import { missingForMachines } from '../systemd/machine-gate.js';

function missingPrograms(names: readonly string[]): string | undefined {
  for (const name of names) {
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
    // Not asked for its version, which takes lintian seconds.
    if (spawnSync('sh', ['-c', 'command -v "$0"', name], { env, stdio: 'ignore' }).status !== 0)
      return `there is no ${name} (make test-packages installs it)`;
  }
  return undefined;
}

/** A test that needs packages, made and installed on Debian. */
export function packageTest(name: string, fn: (context: TestContext) => Promise<void>): void {
  const missing =
    missingForMachines() ?? missingPrograms(['dpkg-deb', 'debootstrap', 'objdump', 'flock', 'lintian']);
  gatedTest({ what: 'packages, made and installed on Debian', missing }, name, fn);
}
