// SPDX-License-Identifier: Apache-2.0
// Tests that need a mount of their own (a small disk to fill): root and `unshare --mount`. Where
// those are missing they are skipped with a loud line; with CI=true or XTRACE_REQUIRE_KERNEL=1 they fail.

import { spawnSync } from 'node:child_process';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { gatedTest } from '../gated-test.js';

function missingForMounts(): string | undefined {
  if (process.getuid?.() !== 0) return 'this is not root';
  const { status, error } = spawnSync('unshare', ['--mount', 'true']);
  if (status === 0) return undefined;
  return `unshare --mount does not work here${error === undefined ? '' : `: ${error.message}`}`;
}

/** A test that mounts, in a namespace that goes with its process. */
export function mountTest(name: string, fn: (context: TestContext) => Promise<void>): void {
  gatedTest({ what: 'mounts', missing: missingForMounts() }, name, fn);
}

/** Arguments for start(): runs a command with a tmpfs of so many bytes at the path, which only it sees. */
export function onSmallDisk(
  path: string,
  bytes: number,
  command: readonly string[],
): [command: string, args: readonly string[]] {
  const script = `mount -t tmpfs -o size=${bytes} tmpfs "$0" && exec "$@"`;
  return ['unshare', ['--mount', 'sh', '-c', script, path, ...command]];
}
