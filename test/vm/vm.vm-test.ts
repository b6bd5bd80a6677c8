// SPDX-License-Identifier: Apache-2.0
// The oldest kernel that we can get, in an emulated machine of x86-64. `make test-vm` runs this, `make test`
// does not: it takes minutes.

import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { buildSender } from '../support/kernel/sender.js';
import { missingCommand, prepare, ROOT, runGuestTests, skipWithoutGuest } from './guest-run.js';

/** Of Debian bookworm, whose packages we test with. */
const SERIES = '6.1';
const LIMIT_S = 1500;

const GUEST_TESTS = [
  'vm/guest/kernel.guest-test.js',
  'vm/guest/architecture.guest-test.js',
  'vm/guest/exporter.guest-test.js',
  'vm/guest/plain-twin.guest-test.js',
  'vm/guest/rdma.guest-test.js',
  'bpf/vectors.test.js',
  'kernel/load.test.js',
  'kernel/attach.test.js',
  'kernel/maps.test.js',
];

/** The unpacked kernel, or why there is no machine to run it in. */
function prepareKernel(): { folder: string } | { missing: string } {
  if (process.arch !== 'x64') return { missing: `the guest is x86-64, this machine is ${process.arch}` };
  const missing = missingCommand([
    'qemu-system-x86_64',
    'busybox',
    'cpio',
    'ib_write_bw',
    'rping',
    'dumpcap',
  ]);
  if (missing !== undefined) return { missing };
  return prepare('fetch-kernel', 'x86-64', path.join(ROOT, 'dist/vm'));
}

test(`Linux ${SERIES}`, async (t) => {
  const kernel = prepareKernel();
  if ('missing' in kernel) {
    skipWithoutGuest(t, kernel.missing);
    return;
  }
  buildSender('send-frames'); // the guest cannot: it only reads our files
  await runGuestTests(t, {
    kernel: kernel.folder,
    node: process.execPath,
    environment: [
      'XTRACE_REQUIRE_KERNEL=1',
      `XTRACE_VM_SERIES=${SERIES}`,
      'XTRACE_VM_ARCH=x64',
      'XTRACE_VM_PAGE_BYTES=4096',
    ],
    tests: GUEST_TESTS,
    limitS: LIMIT_S,
  });
});
