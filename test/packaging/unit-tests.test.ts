// SPDX-License-Identifier: Apache-2.0
// `make test-unit` as whoever has nothing: not root, no network but a loopback, no clang, none of the
// programs that the other tests need.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { Namespace } from '../support/kernel/namespace.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
/** What a developer's machine has beside Node and make: a shell, its usual tools, openssl. */
const ABSENT =
  /^(clang|llvm|gcc|g\+\+|cc$|c\+\+|x86_64-|aarch64-|ip$|bpftool|nsenter|unshare|tshark|promtool|prometheus|vmagent|victoria|iperf3|ethtool|buildah|runc|qemu|systemd)/;
const NOBODY = 65534;

/** In seconds; it takes two minutes, in one process beside other tests. */
const LIMIT_S = '900';

kernelTest('the unit tests need no root, no clang, no network and nothing of Debian', async () => {
  const site = new Namespace('unit');
  const folder = mkdtempSync(join(tmpdir(), 'xtrace-unit-'));
  const [programs, tree] = [join(folder, 'bin'), join(folder, 'tree')];
  try {
    for (const path of [folder, programs, tree]) {
      mkdirSync(path, { recursive: true });
      chmodSync(path, 0o755);
    }
    for (const name of readdirSync('/usr/bin')) {
      if (!ABSENT.test(name) && name !== 'node') symlinkSync(join('/usr/bin', name), join(programs, name));
    }
    symlinkSync(process.execPath, join(programs, 'node'));
    // By a mount, because the way to the repository may be closed to others.
    const drop = `--reuid=${NOBODY} --regid=${NOBODY} --clear-groups`;
    const run = `env -i PATH=${programs} HOME=/tmp timeout ${LIMIT_S} make -C ${tree} test-unit CONCURRENCY=1`;
    const script = `mount --bind ${ROOT} ${tree} && exec setpriv ${drop} ${run}`;
    const child = site.start('unshare', ['--mount', 'sh', '-c', script]);
    const { code } = await child.exited;
    assert.equal(code, 0, `${child.stdout.slice(-4000)}\n${child.stderr.slice(-4000)}`);
    assert.doesNotMatch(child.stdout, /tsc -p/, 'it was built before');
  } finally {
    rmSync(folder, { recursive: true, force: true });
    site.dispose();
  }
});
