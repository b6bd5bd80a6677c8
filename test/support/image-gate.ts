// SPDX-License-Identifier: Apache-2.0
// Tests that build and run the container image: the kernel's tests' needs, a builder and a runtime. Where
// one is missing they are skipped with a loud line; with CI=true or XTRACE_REQUIRE_KERNEL=1 they fail.

import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { missingForKernelTests } from './kernel-gate.js';
import { findNodeVersion } from './node-version.js';

function missingForImages(): string | undefined {
  const missing = missingForKernelTests();
  if (missing !== undefined) return missing;
  for (const program of ['buildah', 'runc', 'debootstrap', 'flock']) {
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
    const { status } = spawnSync(program, ['--version'], { env, stdio: 'ignore' });
    if (status !== 0) return `there is no ${program} (make test installs it)`;
  }
  return findNodeVersion('24').missing;
}

/** A test that needs a built image. */
export function imageTest(name: string, fn: (context: TestContext) => Promise<void>): void {
  const missing = missingForImages();
  if (missing === undefined) {
    test(name, fn);
    return;
  }
  if (process.env['CI'] === 'true' || process.env['XTRACE_REQUIRE_KERNEL'] === '1') {
    test(name, () => {
      throw new Error(`tests of the container image are required here, but ${missing}`);
    });
    return;
  }
  process.stderr.write(`SKIPPED, needs a builder of images (${missing}): ${name}\n`);
  test(name, { skip: `SKIPPED: ${missing}` }, fn);
}
