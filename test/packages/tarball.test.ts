// SPDX-License-Identifier: Apache-2.0
// The tarball, unpacked on a Debian that has neither compiler nor Node, and moved from there.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { addWire, keepSending, packetsOf, scrape } from '../support/packages/machine-traffic.js';
import {
  type BuiltPackage,
  buildPackage,
  debianBase,
  makePackageFolder,
} from '../support/packages/package-build.js';
import { UNWANTED_FILE } from '../support/packages/package-files.js';
import { packageTest } from '../support/packages/package-gate.js';
import { run } from '../support/processes.js';
import { Machine, ROOT } from '../support/systemd/machine.js';

const UNIT = 'unpacked.service';
const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
const NAME = `xtrace-catch-${version}-linux-x64`;

const folder = makePackageFolder();
let tarball: BuiltPackage | undefined;
let machine: Machine | undefined;
after(() => machine?.stop());
const built = (): BuiltPackage => tarball ?? assert.fail('it was not built');
const booted = (): Machine => machine ?? assert.fail('no machine was booted');

packageTest('it is built, says how large it is, and has a checksum', async (t) => {
  tarball = await buildPackage('tarball', { version, folder });
  t.diagnostic(tarball.said);
  assert.match(tarball.said, /\.tar\.(xz|gz): [\d.]+ MB, [\d.]+ MB unpacked$/);
  const { stdout } = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder });
  assert.equal(stdout, `${built().file}: OK\n`);
});

packageTest('it has all that a host needs, in one folder, and nothing that only builds', async () => {
  const { stdout } = await run('tar', ['--list', `--file=${path.join(folder, built().file)}`]);
  const files = stdout.trim().split('\n');
  assert.deepEqual(
    files.filter((file) => !file.startsWith(`${NAME}/`) || UNWANTED_FILE.test(file)),
    [],
  );
  for (const file of [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'bin/xtrace-catch',
    'node/bin/node',
    'node/LICENSE',
    'man/xtrace-catch.1',
    'completions/xtrace-catch.bash',
    'completions/_xtrace-catch',
    'config/xtrace-catch.yaml',
    'systemd/xtrace-catch.service',
    'systemd/xtrace-catch.service.d/keep.conf',
    'deploy/prometheus/rules/exporter.yaml',
    'deploy/grafana/dashboards/xtrace-host.json',
    'docs/operation.md',
  ]) {
    assert.ok(files.includes(`${NAME}/${file}`), file);
  }
});

packageTest('unpacked, it runs and counts; moved to another folder, too', async () => {
  machine = await Machine.bootOn(await debianBase('trixie'), 't', { bind: [folder] });
  await addWire(machine, 'va');
  // The machine has no xz; this one unpacks, as a host's own tar does.
  await run('tar', [
    '--extract',
    `--directory=${path.join(machine.root, 'opt')}`,
    `--file=${path.join(folder, built().file)}`,
  ]);
  await countFrom(`/opt/${NAME}`);
  await machine.run('mv', `/opt/${NAME}`, '/srv/counting');
  await countFrom('/srv/counting');
});

async function countFrom(home: string): Promise<void> {
  const program = `${home}/bin/xtrace-catch`;
  assert.match(await booted().run(program, '--version'), new RegExp(`version ${version} [^]*v24\\.`));
  await booted().run(
    'systemd-run',
    `--unit=${UNIT}`,
    program,
    `--config.file=${home}/config/xtrace-catch.yaml`,
    '-i',
    'va',
    '-t',
    '500',
  );
  await booted().until('it to count on va', UNIT, async () => {
    const exposition = await scrape(booted());
    return exposition?.sum('xtrace_interface_attached', { interface: 'va' }) === 1;
  });
  const sent = await keepSending(booted(), 'va', () => true);
  await booted().until('every packet to be counted', UNIT, async () => {
    const exposition = await scrape(booted());
    return exposition !== undefined && packetsOf(exposition, 'va') === sent;
  });
  await booted().run('systemctl', 'stop', UNIT);
}

test('the machine goes', async () => {
  await machine?.stop();
});
