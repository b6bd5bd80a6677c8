// SPDX-License-Identifier: Apache-2.0
// What `make install` and `make uninstall` do on a machine with systemd, and what they say of it.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Machine, NODE_PREFIX, ROOT } from '../support/systemd/machine.js';
import { machineTest } from '../support/systemd/machine-gate.js';

const UNIT = 'xtrace-catch.service';

let machine: Machine | undefined;
after(() => machine?.stop());
const booted = (): Machine => machine ?? assert.fail('no machine was booted');
const has = (file: string) => existsSync(path.join(booted().root, file));

/** A script of the repository, as make runs it. */
function script(name: string, ...args: readonly string[]) {
  const PATH = `${NODE_PREFIX}/bin:/usr/sbin:/usr/bin`;
  return booted().exec('env', `PATH=${PATH}`, path.join(ROOT, 'scripts', name), ...args);
}

machineTest('systemd boots', async () => {
  machine = await Machine.boot('i', { bind: [ROOT] });
  machine.write('etc/xtrace-catch/xtrace-catch.yaml', 'interfaces: [lo]\n');
});

machineTest(
  'an installation over another keeps the configuration, and systemd reads the new units',
  async () => {
    await booted().run('systemctl', 'start', UNIT);
    booted().write(`etc/systemd/system/${UNIT}`, '[Service]\nExecStart=/bin/false\n');
    await booted().run('systemctl', 'daemon-reload');
    const { code, stdout, stderr } = await script('install-files');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^install: \/etc\/systemd\/system\/xtrace-catch\.service$/m);
    assert.match(stdout, /^install: \/etc\/xtrace-catch\/xtrace-catch\.yaml is there already and stays/m);
    assert.match(
      stdout,
      /read its units again; the former program still runs: systemctl restart xtrace-catch$/m,
    );
    assert.match(await booted().show(UNIT, 'ExecStart'), /\/usr\/bin\/xtrace-catch/);
    assert.equal(await booted().show(UNIT, 'NeedDaemonReload'), 'no');
    await booted().run('systemctl', 'restart', UNIT);
  },
);

machineTest('nothing is removed while the service runs, or is enabled', async () => {
  const running = await script('uninstall-files');
  assert.equal(running.code, 1);
  assert.match(
    running.stderr,
    /still running or enabled: xtrace-catch\.service; nothing was removed.*systemctl disable --now/,
  );
  await booted().run('systemctl', 'enable', UNIT);
  await booted().run('systemctl', 'stop', UNIT);
  const enabled = await script('uninstall-files');
  assert.equal(enabled.code, 1);
  assert.ok(has('opt/xtrace-catch/bin/xtrace-catch'));
  assert.ok(has(`etc/systemd/system/${UNIT}`));
  await booted().run('systemctl', 'disable', UNIT);
});

machineTest('nor while the service starts', async () => {
  const dropIn = `etc/systemd/system/${UNIT}.d/slow.conf`;
  booted().write(dropIn, '[Service]\nExecStartPre=/bin/sleep infinity\n');
  await booted().run('systemctl', 'daemon-reload');
  await booted().run('systemctl', 'start', '--no-block', UNIT);
  await booted().until(
    'the start',
    UNIT,
    async () => (await booted().show(UNIT, 'ActiveState')) === 'activating',
  );
  const { code, stderr } = await script('uninstall-files');
  assert.equal(code, 1);
  assert.match(stderr, /still running or enabled: xtrace-catch\.service; nothing was removed/);
  await booted().run('systemctl', 'stop', UNIT);
  booted().remove(dropIn);
  await booted().run('systemctl', 'daemon-reload');
});

machineTest(
  'then all goes but the configuration, each path is named, and systemd knows no such unit',
  async () => {
    const { code, stdout, stderr } = await script('uninstall-files');
    assert.equal(code, 0, stderr);
    const removed = [
      `/etc/systemd/system/${UNIT}`,
      '/etc/systemd/system/xtrace-catch.socket',
      '/usr/bin/xtrace-catch',
      '/opt/xtrace-catch',
      '/usr/share/doc/xtrace-catch',
      '/usr/share/man/man1/xtrace-catch.1.gz',
      '/usr/share/bash-completion/completions/xtrace-catch',
      '/usr/share/zsh/vendor-completions/_xtrace-catch',
    ];
    for (const file of removed) {
      assert.ok(stdout.includes(`uninstall: removed ${file}\n`), file);
      assert.ok(!has(file), file);
    }
    for (const file of ['/etc/xtrace-catch/xtrace-catch.yaml', '/etc/default/xtrace-catch']) {
      assert.ok(stdout.includes(`uninstall: left ${file} (PURGE=1 removes it)\n`), file);
      assert.ok(has(file), file);
    }
    assert.equal(await booted().show(UNIT, 'LoadState'), 'not-found');
  },
);

machineTest('with PURGE=1 the configuration and the state go, too', async () => {
  const { code, stdout, stderr } = await script('uninstall-files', '', '1');
  assert.equal(code, 0, stderr);
  const files = [
    '/etc/xtrace-catch',
    '/etc/default/xtrace-catch',
    '/var/lib/private/xtrace-catch',
    '/run/private/xtrace-catch',
  ];
  for (const file of files) {
    assert.match(stdout, new RegExp(`^uninstall: removed ${file}`, 'm'));
    assert.ok(!has(file), file);
  }
});

test('the machine goes', async () => {
  await machine?.stop();
});
