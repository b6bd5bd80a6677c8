// SPDX-License-Identifier: Apache-2.0
// arm64 on this machine, emulated, with pages of 4 and of 16 KiB; Debian has no kernel with 64. The program, its
// addons and Node are those that such a host would have. `make test-vm-arm64` runs this; nothing else does.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { missingCommand, prepare, ROOT, runGuestTests, skipWithoutGuest } from './guest-run.js';

const VM = path.join(ROOT, 'dist/vm');
/** Both are seen in the guest in front of the repository. */
const LAYER = 'dist/vm/layer-arm64';
const ADDONS = 'dist/cross/arm64';
/** For a machine that others work on, too: emulation gets a tenth of it then. */
const LIMIT_S = 3600;

/** What the kernel of a host decides: loading, attaching, maps, sockets, and that every frame is counted. */
const KERNEL_TESTS = [
  'vm/guest/architecture.guest-test.js',
  'vm/guest/kernel.guest-test.js',
  'vm/guest/exporter.guest-test.js',
  'bpf/layout.test.js',
  'kernel/map-memory.test.js',
  'kernel/maps.test.js',
];
/** What the architecture decides, whatever the kernel. */
const ARCHITECTURE_TESTS = [
  'abi/key-masks.test.js',
  'abi/mask-rows.test.js',
  'abi/port-folding.test.js',
  'bpf/vectors.test.js',
  'kernel/attach.test.js',
  'kernel/load.test.js',
  'kernel/netdev.test.js',
  'kernel/notify-socket.test.js',
  'kernel/receive-buffer.test.js',
  'kernel/route-socket.test.js',
  'kernel/host-facts/xdp-features.test.js',
  'vm/guest/plain-twin.guest-test.js',
  'vm/guest/prebuilt.guest-test.js',
];

interface Machine {
  /** Row of test/vm/machines. */
  readonly name: string;
  readonly series: string;
  readonly pageBytes: number;
  readonly tests: readonly string[];
}

const MACHINES: readonly Machine[] = [
  { name: 'arm64', series: '6.1', pageBytes: 4096, tests: [...KERNEL_TESTS, ...ARCHITECTURE_TESTS] },
  { name: 'arm64-16k', series: '6.12', pageBytes: 16_384, tests: KERNEL_TESTS },
];

for (const { name, series, pageBytes, tests } of MACHINES) {
  test(`${name}: Linux ${series}, pages of ${pageBytes / 1024} KiB`, async (t) => {
    const prepared = prepareMachine(name);
    if ('missing' in prepared) {
      skipWithoutGuest(t, prepared.missing);
      return;
    }
    await runGuestTests(t, {
      kernel: prepared.kernel,
      options: ['-r', prepared.root, '-l', `${LAYER}:${ADDONS}`],
      node: '/usr/local/bin/node',
      environment: [
        'XTRACE_REQUIRE_KERNEL=1',
        `XTRACE_VM_SERIES=${series}`,
        'XTRACE_VM_ARCH=arm64',
        'XTRACE_SLOWNESS=10',
        `XTRACE_VM_PAGE_BYTES=${pageBytes}`,
      ],
      tests,
      limitS: LIMIT_S,
    });
  });
}

function prepareMachine(name: string): { kernel: string; root: string } | { missing: string } {
  const missing = missingCommand(['qemu-system-aarch64', 'aarch64-linux-gnu-gcc', 'busybox', 'cpio']);
  if (missing !== undefined) return { missing };
  if (!existsSync(path.join(ROOT, ADDONS, '.installed'))) return { missing: `there is no ${ADDONS}` };
  const root = prepare('fetch-root', 'arm64', VM);
  if ('missing' in root) return root;
  const kernel = prepare('fetch-kernel', name, VM);
  if ('missing' in kernel) return kernel;
  buildGuestSender();
  return { kernel: kernel.folder, root: root.folder };
}

/** The guest has no compiler, and of this machine's libraries none. */
function buildGuestSender(): void {
  const folder = path.join(LAYER, 'dist/test/support/kernel');
  mkdirSync(path.join(ROOT, folder), { recursive: true });
  const flags = ['-O2', '-static', '-Wall', '-Wextra', '-Werror'];
  const output = path.join(folder, 'send-frames');
  execFileSync('aarch64-linux-gnu-gcc', [...flags, '-o', output, 'test/support/kernel/send-frames.c'], {
    cwd: ROOT,
  });
}
