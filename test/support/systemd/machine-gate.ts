// SPDX-License-Identifier: Apache-2.0
// Tests that boot a machine of systemd-nspawn: the kernel's tests' needs, and systemd with a merged /usr.
// Where something is missing they are skipped with a loud line; with CI=true or XTRACE_REQUIRE_KERNEL=1 they fail.

import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync } from 'node:fs';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { gatedTest } from '../gated-test.js';
import { missingForKernelTests } from '../kernel/kernel-gate.js';

export function missingForMachines(): string | undefined {
  const missing = missingForKernelTests();
  if (missing !== undefined) return missing;
  for (const program of ['systemd-nspawn', 'nsenter', 'findmnt', 'curl']) {
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
    const { status } = spawnSync(program, ['--version'], { env, stdio: 'ignore' });
    if (status !== 0) return `there is no ${program} (make test installs it)`;
  }
  if (!existsSync('/usr/lib/systemd/systemd')) return 'there is no /usr/lib/systemd/systemd';
  if (!lstatSync('/lib').isSymbolicLink()) return '/lib is not merged into /usr';
  return undefined;
}

/** A test that needs a booted machine. */
export function machineTest(name: string, fn: (context: TestContext) => Promise<void>): void {
  gatedTest({ what: 'a machine of systemd-nspawn', missing: missingForMachines() }, name, fn);
}
