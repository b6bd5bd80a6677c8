// SPDX-License-Identifier: Apache-2.0
// The Debian package from its build to its purge, on Debian 12 and 13 with their own systemd.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { addWire, keepSending, NeverLower, packetsOf, scrape } from '../support/packages/machine-traffic.js';
import {
  type BuiltPackage,
  buildPackage,
  debianBase,
  makePackageFolder,
  type Suite,
} from '../support/packages/package-build.js';
import {
  listFiles,
  type PackageFacts,
  readPackage,
  UNWANTED_FILE,
} from '../support/packages/package-files.js';
import { packageTest } from '../support/packages/package-gate.js';
import { run } from '../support/processes.js';
import { Machine, ROOT } from '../support/systemd/machine.js';

const UNIT = 'xtrace-catch.service';
const SETTINGS = 'etc/xtrace-catch/xtrace-catch.yaml';
const DROP_IN = 'etc/systemd/system/xtrace-catch.service.d/keep.conf';
const CONFIG = `interfaces: [va]
interval_ms: 500
state_path: /run/xtrace-catch/state
kernel: { pin_path: /run/xtrace-catch-bpf/pins }
`;
const COMPILERS = /^(g\+\+|gcc|clang|cc|c\+\+|make|node|npm)(-[\d.]+)?$/;

const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
const NEXT = `${version}+next`;

const folder = makePackageFolder();
let first: BuiltPackage | undefined;
let second: BuiltPackage | undefined;
const built = (one: BuiltPackage | undefined): BuiltPackage => one ?? assert.fail('it was not built');

packageTest('it is built, and says how large it is', async (t) => {
  first = await buildPackage('deb', { version, folder });
  t.diagnostic(first.said);
  assert.match(first.said, /^\S+\/xtrace-catch_\S+_amd64\.deb: [\d.]+ MB, [\d.]+ MB unpacked$/);
  second = await buildPackage('deb', { version: NEXT, folder, level: 'none' });
  await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder });
});

packageTest('it has what the program needs and nothing that only builds or describes', async () => {
  const { files, fields, conffiles }: PackageFacts = await readPackage(path.join(folder, built(first).file));
  assert.deepEqual(
    files.filter((file) => UNWANTED_FILE.test(file)),
    [],
  );
  for (const file of [
    'usr/bin/xtrace-catch',
    'usr/lib/xtrace-catch/node/bin/node',
    'usr/lib/xtrace-catch/node_modules/ffi-napi/build/Release/ffi_bindings.node',
    'usr/lib/systemd/system/xtrace-catch.service',
    'usr/lib/systemd/system/xtrace-catch.socket',
    'usr/share/doc/xtrace-catch/copyright',
    'usr/share/doc/xtrace-catch/changelog.gz',
    'usr/share/doc/xtrace-catch/keep.conf',
    'usr/share/man/man1/xtrace-catch.1.gz',
    'usr/share/bash-completion/completions/xtrace-catch',
    'usr/share/zsh/vendor-completions/_xtrace-catch',
    'usr/share/xtrace-catch/prometheus/rules/exporter.yaml',
    'usr/share/xtrace-catch/grafana/dashboards/xtrace-host.json',
  ]) {
    assert.ok(files.includes(file), file);
  }
  assert.deepEqual(conffiles, ['/etc/xtrace-catch/xtrace-catch.yaml', '/etc/default/xtrace-catch']);
  assert.match(fields.get('Depends') ?? '', /^libbpf1 \(>= 1:1\.1\), libc6 \(>= 2\.\d+\), /);
  for (const name of (fields.get('Depends') ?? '').split(/[ ,|]+/)) assert.doesNotMatch(name, COMPILERS);
});

packageTest('lintian finds no error in it, nor a warning', async (t) => {
  const child = await run('lintian', [
    '--tag-display-limit=0',
    '--fail-on=none',
    path.join(folder, built(first).file),
  ]);
  t.diagnostic(child.stdout.trim());
  assert.deepEqual(
    child.stdout.split('\n').filter((line) => /^[EW]: /.test(line)),
    [],
  );
});

for (const suite of ['bookworm', 'trixie'] as const satisfies readonly Suite[]) {
  describe(`on Debian ${suite}`, () => liveThrough(suite));
}

function liveThrough(suite: Suite): void {
  let machine: Machine | undefined;
  after(() => machine?.stop());
  const booted = (): Machine => machine ?? assert.fail('no machine was booted');
  const has = (file: string): boolean => existsSync(path.join(booted().root, file));
  const apt = (...args: readonly string[]): Promise<string> =>
    booted().run(
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '--yes',
      // Lines that end as its scripts end them.
      '--option=Dpkg::Use-Pty=false',
      ...args,
    );
  const install = (one: BuiltPackage | undefined): Promise<string> =>
    apt('install', path.join(folder, built(one).file));
  const watch = new NeverLower();
  let before: readonly string[] = [];
  let sent = 0;

  packageTest('a system boots that has no compiler and no Node', async () => {
    machine = await Machine.bootOn(await debianBase(suite), suite.slice(0, 1), { bind: [folder] });
    const programs = (await machine.run('ls', '/usr/bin', '/usr/local/bin')).split('\n');
    assert.deepEqual(
      programs.filter((name) => COMPILERS.test(name)),
      [],
    );
    await addWire(machine, 'va');
    before = await listFiles(machine);
  });

  packageTest('installed, it starts and enables nothing, says so, and runs', async () => {
    assert.match(await install(first), /^xtrace-catch: nothing was started\. .*systemctl enable --now/m);
    for (const unit of [UNIT, 'xtrace-catch.socket']) {
      assert.equal(await booted().show(unit, 'LoadState'), 'loaded');
      assert.equal(await booted().show(unit, 'ActiveState'), 'inactive');
      assert.equal(await booted().show(unit, 'UnitFileState'), 'disabled');
    }
    const said = await booted().run('xtrace-catch', '--version');
    assert.match(said, new RegExp(`version ${version} [^]*node version: +v24\\.`));
    assert.match((await booted().exec('xtrace-catch', 'doctor', '-i', 'va')).stdout, /^ *va\b/m);
    assert.equal(
      (await booted().exec('xtrace-catch', '--config.check', `--config.file=/${SETTINGS}`)).code,
      0,
    );
  });

  packageTest('configured and started, it counts every packet', async () => {
    booted().write(SETTINGS, CONFIG);
    booted().write(DROP_IN, await booted().run('cat', '/usr/share/doc/xtrace-catch/keep.conf'));
    await booted().run('systemctl', 'daemon-reload');
    await booted().run('systemctl', 'enable', '--now', UNIT);
    sent += await keepSending(booted(), 'va', () => true);
    await countAll();
  });

  async function countAll(): Promise<void> {
    await booted().until('every packet to be counted', UNIT, async () => {
      const exposition = await scrape(booted());
      if (exposition === undefined) return false;
      watch.look(exposition);
      return packetsOf(exposition, 'va') >= sent;
    });
    assert.equal(packetsOf((await scrape(booted())) ?? assert.fail('nobody answers'), 'va'), sent);
  }

  packageTest('upgraded under traffic, it misses no packet, and no counter goes back', async () => {
    const pid = await booted().show(UNIT, 'MainPID');
    let isUpgraded = false;
    const sending = keepSending(booted(), 'va', () => isUpgraded);
    const upgrade = install(second).finally(() => {
      isUpgraded = true;
    });
    while (!isUpgraded) {
      const exposition = await scrape(booted());
      if (exposition !== undefined) watch.look(exposition);
    }
    assert.doesNotMatch(await upgrade, /nothing was started/);
    sent += await sending;
    await countAll();
    assert.notEqual(await booted().show(UNIT, 'MainPID'), pid);
    const exposition = (await scrape(booted())) ?? assert.fail('nobody answers');
    assert.equal(exposition.select('xtrace_build_info')[0]?.labels.get('version'), NEXT);
    assert.equal(await booted().run('cat', `/${SETTINGS}`), CONFIG);
    assert.equal(await booted().show(UNIT, 'UnitFileState'), 'enabled');
  });

  packageTest('an upgrade starts nothing that was stopped', async () => {
    await booted().run('systemctl', 'stop', UNIT);
    await apt('install', '--reinstall', path.join(folder, built(second).file));
    assert.equal(await booted().show(UNIT, 'ActiveState'), 'inactive');
    await booted().run('systemctl', 'start', UNIT);
    await countAll();
  });

  packageTest('removed, it leaves neither process nor program, and keeps the configuration', async () => {
    const link = [...booted().enterNetwork, 'ip', '-details', 'link', 'show', 'dev', 'va'];
    const [command = '', ...args] = link;
    assert.match((await run(command, args)).stdout, /prog\/xdp/);
    assert.match(await apt('remove', 'xtrace-catch'), /^detached from va /m);
    assert.doesNotMatch((await run(command, args)).stdout, /prog\/xdp/);
    assert.equal(await booted().show(UNIT, 'LoadState'), 'not-found');
    assert.equal((await booted().exec('pgrep', '--full', 'xtrace-catch')).code, 1);
    assert.equal(await booted().run('cat', `/${SETTINGS}`), CONFIG);
    assert.ok(!has('usr/bin/xtrace-catch') && !has('usr/lib/xtrace-catch'));
  });

  packageTest('purged, nothing of it is left, and it says what else it removed', async () => {
    const said = await apt('purge', 'xtrace-catch');
    for (const gone of [
      '/run/private/xtrace-catch',
      '/var/lib/private/xtrace-catch',
      path.dirname(`/${DROP_IN}`),
    ])
      assert.ok(said.includes(`xtrace-catch: removed ${gone}\n`), said);
    assert.deepEqual(
      (await listFiles(booted())).filter((file) => !before.includes(file)),
      [],
    );
  });

  test('the machine goes', async () => {
    await machine?.stop();
  });
}
