// SPDX-License-Identifier: Apache-2.0
// Tests that build and run the container image: the kernel's tests' needs, a builder and a runtime. Where
// one is missing they are skipped with a loud line; with CI=true or XTRACE_REQUIRE_KERNEL=1 they fail.

import { spawnSync } from 'node:child_process';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { missingDeployTools } from '../deploy/deploy-tools.js';
import { gatedTest } from '../gated-test.js';
import { missingForKernelTests } from '../kernel/kernel-gate.js';
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
  gatedTest({ what: 'a builder of images', missing: missingForImages() }, name, fn);
}

/** A test that runs one as a manifest of deploy/ says. */
export function podTest(name: string, fn: (context: TestContext) => Promise<void>): void {
  const missing = missingForImages() ?? missingDeployTools();
  gatedTest({ what: 'a builder of images and kubectl', missing }, name, fn);
}
