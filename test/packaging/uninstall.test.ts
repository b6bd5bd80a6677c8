// SPDX-License-Identifier: Apache-2.0
// What `make uninstall` does below a folder of its own (DESTDIR), where nobody asks systemd. On a machine:
// test/systemd/install.test.ts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const UNIT = 'etc/systemd/system/xtrace-catch.service';
const RUNTIME = 'run/private/xtrace-catch';
const PINS = 'run/xtrace-catch-bpf';

/** A root with a unit and a runtime folder, and programs of its own for what takes a privilege. */
function createRig(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), `xtrace-uninstall-${process.pid}-`));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const root = path.join(folder, 'root');
  const programs = path.join(folder, 'programs');
  const put = (file: string, text: string, mode = 0o644) => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
  };
  put(path.join(root, UNIT), '[Service]\n');
  put(path.join(root, RUNTIME, 'state'), 'counters\n');
  return {
    root,
    has: (file: string) => existsSync(path.join(root, file)),
    put: (file: string) => put(path.join(root, file), ''),
    /** To the script, this folder is one that something is mounted on, until it is told to unmount it. */
    mount(mounted: string) {
      const target = path.join(root, mounted);
      mkdirSync(target, { recursive: true });
      put(path.join(programs, 'mountpoint'), `#!/bin/sh\n[ "$2" = ${target} ]\n`, 0o755);
      put(path.join(programs, 'umount'), `#!/bin/sh\nrmdir "$1"\n`, 0o755);
    },
    uninstall(purge = '') {
      const { status, stdout, stderr } = spawnSync(
        path.join(ROOT, 'scripts', 'uninstall-files'),
        [root, purge],
        { encoding: 'utf8', env: { PATH: `${programs}:/usr/sbin:/usr/bin:/sbin:/bin` } },
      );
      return { status, stdout, stderr };
    },
  };
}

for (const { pins, mount } of [
  { pins: PINS, mount: true },
  { pins: 'sys/fs/bpf/xtrace-catch', mount: false },
]) {
  test(`nothing is removed while programs may be pinned under /${pins}`, (t) => {
    const rig = createRig(t);
    if (mount) rig.mount(pins);
    rig.put(`${pins}/links`);
    const { status, stderr } = rig.uninstall('1');
    assert.equal(status, 1);
    const where = path.join(rig.root, pins);
    assert.ok(stderr.includes(`First: xtrace-catch unpin --kernel.pin-path=${where}\n`), stderr);
    assert.ok(rig.has(UNIT) && rig.has(`${pins}/links`));
  });
}

test('where the pin path is below the mount, as keep.conf has it, that is what unpin is to be given', (t) => {
  const rig = createRig(t);
  rig.mount(PINS);
  rig.put(`${PINS}/maps.debug`);
  rig.put(`${PINS}/pins/links/2`);
  rig.put(`${PINS}/pins/generation-1/meta`);
  rig.put(`${PINS}/second/generation-7/meta`);
  const { status, stderr } = rig.uninstall('1');
  assert.equal(status, 1);
  const unpins = ['pins', 'second'].map(
    (name) => `xtrace-catch unpin --kernel.pin-path=${path.join(rig.root, PINS, name)}`,
  );
  assert.ok(stderr.endsWith(` First: ${unpins.join('; ')}\n`), stderr);
  assert.ok(rig.has(UNIT));
});

test('the manual page and the completions go with the program', (t) => {
  const rig = createRig(t);
  const files = [
    'usr/share/man/man1/xtrace-catch.1.gz',
    'usr/share/bash-completion/completions/xtrace-catch',
    'usr/share/zsh/vendor-completions/_xtrace-catch',
  ];
  for (const file of files) rig.put(file);
  const { status, stdout, stderr } = rig.uninstall();
  assert.equal(status, 0, stderr);
  for (const file of files) {
    assert.ok(!rig.has(file), file);
    assert.ok(stdout.includes(`uninstall: removed ${path.join(rig.root, file)}\n`), stdout);
  }
});

test('a BPF file system with nothing in it holds up nothing, and stays without PURGE=1', (t) => {
  const rig = createRig(t);
  rig.mount(PINS);
  // The kernel's own, in every such file system.
  for (const name of ['maps.debug', 'progs.debug']) rig.put(`${PINS}/${name}`);
  const { status, stdout, stderr } = rig.uninstall();
  assert.equal(status, 0, stderr);
  assert.ok(!rig.has(UNIT));
  const left = path.join(rig.root, RUNTIME);
  assert.ok(stdout.includes(`uninstall: left ${left} (PURGE=1 removes it)\n`), stdout);
  assert.ok(rig.has(PINS) && rig.has(`${RUNTIME}/state`));
});

test('with PURGE=1 it is unmounted, and what outlived restarts is removed', (t) => {
  const rig = createRig(t);
  rig.mount(PINS);
  const { status, stdout, stderr } = rig.uninstall('1');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^uninstall: unmounted .*\/run\/xtrace-catch-bpf$/m);
  assert.match(stdout, /^uninstall: removed .*\/run\/private\/xtrace-catch$/m);
  assert.ok(!rig.has(RUNTIME) && !rig.has(PINS));
});
