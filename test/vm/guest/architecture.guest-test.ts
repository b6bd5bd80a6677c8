// SPDX-License-Identifier: Apache-2.0
// That the guest has the architecture and the pages it was asked to have, and that the program knows them. What
// depends on either is told by the tests of test/kernel that run in here, too.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import process from 'node:process';
import { test } from 'node:test';
import { openLibbpf } from '../../../src/kernel/ffi.js';
import { readHostLimits } from '../../../src/system/host-limits.js';
import { kernelTest } from '../../support/kernel/kernel-gate.js';

test('the architecture and the pages are those that were asked for', (t) => {
  const { XTRACE_VM_ARCH, XTRACE_VM_PAGE_BYTES } = process.env;
  const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));
  t.diagnostic(`Linux ${os.release()} ${os.machine()}, pages of ${pageBytes} bytes, Node ${process.version}`);
  assert.equal(process.arch, XTRACE_VM_ARCH);
  assert.equal(pageBytes, Number(XTRACE_VM_PAGE_BYTES));
  assert.equal(readHostLimits({ root: '/' }).pageBytes, pageBytes);
});

kernelTest('libbpf counts the CPUs that the kernel may ever have', () => {
  const possible = readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim();
  const [first = '', last = first] = possible.split('-');
  assert.equal(openLibbpf().libbpf_num_possible_cpus(), Number(last) - Number(first) + 1);
});
