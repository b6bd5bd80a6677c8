// SPDX-License-Identifier: Apache-2.0
// The oldest kernel that we can get, in an emulated machine: boots it and runs tests in it; each of
// theirs is one of ours. `make test-vm` runs this, `make test` does not: it takes minutes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { buildSender } from '../support/kernel/sender.js';
import { start } from '../support/processes.js';
import { failureText, parseTap } from './tap.js';

/** Of Debian bookworm, whose packages we test with. */
const SERIES = '6.1';
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SCRIPTS = path.join(ROOT, 'test/vm');
const LIMIT_S = 720;

const GUEST_TESTS = [
  'vm/guest/kernel.guest-test.js',
  'vm/guest/exporter.guest-test.js',
  'vm/guest/plain-twin.guest-test.js',
  'vm/guest/rdma.guest-test.js',
  'bpf/vectors.test.js',
  'kernel/load.test.js',
  'kernel/attach.test.js',
  'kernel/maps.test.js',
].map((name) => `dist/test/${name}`);

/** The unpacked kernel, or why there is no machine to run it in. */
function prepareKernel(): { folder: string } | { missing: string } {
  if (process.arch !== 'x64') return { missing: `the guest is x86-64, this machine is ${process.arch}` };
  for (const command of ['qemu-system-x86_64', 'busybox', 'cpio', 'ib_write_bw', 'rping', 'dumpcap']) {
    if (spawnSync('which', [command]).status !== 0) return { missing: `there is no ${command}` };
  }
  const fetched = spawnSync(path.join(SCRIPTS, 'fetch-kernel'), [SERIES, path.join(ROOT, 'dist/vm')], {
    encoding: 'utf8',
  });
  if (fetched.status !== 0) return { missing: `there is no kernel ${SERIES}: ${fetched.stderr.trim()}` };
  return { folder: fetched.stdout.trim() };
}

test(`Linux ${SERIES}`, async (t) => {
  const kernel = prepareKernel();
  if ('missing' in kernel) {
    assert.notEqual(
      process.env['XTRACE_REQUIRE_VM'],
      '1',
      `the guest is required here, but ${kernel.missing}`,
    );
    process.stderr.write(`SKIPPED, needs a virtual machine (${kernel.missing}): Linux ${SERIES}\n`);
    t.skip(`SKIPPED: ${kernel.missing}`);
    return;
  }
  buildSender('send-frames'); // the guest cannot: it only reads our files
  const environment = ['env', 'XTRACE_REQUIRE_KERNEL=1', `XTRACE_VM_SERIES=${SERIES}`];
  const runner = [process.execPath, '--test', '--test-reporter=tap', '--test-concurrency=2'];
  const guest = start(
    path.join(SCRIPTS, 'run-guest'),
    [kernel.folder, ...environment, ...runner, ...GUEST_TESTS],
    { cwd: ROOT, env: { XTRACE_VM_LIMIT_S: String(LIMIT_S) } },
  );
  t.after(() => guest.stop('SIGKILL'));
  const { code } = await guest.exited;

  const { results, planned } = parseTap(guest.stdout);
  for (const result of results) {
    await t.test(result.name, (sub) => {
      for (const line of result.diagnostics) sub.diagnostic(line);
      if (result.skipped !== undefined) sub.skip(result.skipped);
      if (!result.ok) throw new Error(`in the guest:\n${failureText(result)}`);
    });
  }
  const tail = `\n${guest.stdout.slice(-4000)}\n${guest.stderr}`;
  assert.equal(results.length, planned, `the guest's tests did not come to their end${tail}`);
  assert.ok(results.length > GUEST_TESTS.length, `too few results${tail}`);
  if (results.every(({ ok }) => ok)) assert.equal(code, 0, `how the guest ended${tail}`);
});
