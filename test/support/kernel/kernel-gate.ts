// SPDX-License-Identifier: Apache-2.0
// Tests that need the kernel: root's capabilities, libbpf and the built BPF object. Where one is
// missing they are skipped with a loud line; with CI=true or XTRACE_REQUIRE_KERNEL=1 they fail.

import { existsSync } from 'node:fs';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readMissingCapabilities } from '../../../src/kernel/capabilities.js';
import { openLibbpf } from '../../../src/kernel/ffi.js';
import { gatedTest } from '../gated-test.js';

/** The object that `make build` makes. */
export const FLOW_OBJECT_PATH = fileURLToPath(new URL('../../../bpf/flow.bpf.o', import.meta.url));
/** The same for kernels that do not let a program look at their types. */
export const PORTABLE_OBJECT_PATH = fileURLToPath(
  new URL('../../../bpf/flow-portable.bpf.o', import.meta.url),
);

/** Why kernel tests cannot run here; undefined where they can. */
export function missingForKernelTests(): string | undefined {
  if (process.platform !== 'linux') return 'this is not Linux';
  // Network namespaces and foreign programs take more than CAP_BPF and CAP_NET_ADMIN.
  if (process.getuid?.() !== 0) return 'this is not root';
  const missing = readMissingCapabilities({ root: '/' });
  if (missing.length > 0) return `${missing.join(' and ')} missing`;
  if (!existsSync(FLOW_OBJECT_PATH)) return `${FLOW_OBJECT_PATH} is not built (make build)`;
  try {
    openLibbpf();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}

/** A test that needs the kernel. */
export function kernelTest(name: string, fn: (context: TestContext) => void | Promise<void>): void {
  gatedTest({ what: 'the kernel', missing: missingForKernelTests() }, name, fn);
}
