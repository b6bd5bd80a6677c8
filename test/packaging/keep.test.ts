// SPDX-License-Identifier: Apache-2.0
// The command of keep.conf, which runs as root on a folder of the unit's user. With mount and chown that only say
// what they were asked for; with the real ones: test/systemd/secrets-and-pins.test.ts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const DROP_IN = path.join(ROOT, 'systemd/xtrace-catch.service.d/keep.conf');

function createRig(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), `xtrace-keep-${process.pid}-`));
  t.after(() => rmSync(folder, { recursive: true }));
  const runtime = path.join(folder, 'runtime');
  const programs = path.join(folder, 'programs');
  mkdirSync(runtime);
  mkdirSync(programs);
  const says = '#!/bin/sh\necho "$(basename "$0") $*"\n';
  for (const [name, text] of [
    ['mountpoint', '#!/bin/sh\nexit 1\n'],
    ['mount', says],
    ['chown', says],
  ] as const) {
    writeFileSync(path.join(programs, name), text, { mode: 0o755 });
  }
  const [, command = ''] = /-- \/bin\/sh -c '(.*)'$/m.exec(readFileSync(DROP_IN, 'utf8')) ?? [];
  assert.ok(command.includes('/run/private/xtrace-catch'), 'the command has the folder');
  const script = command.replaceAll('$$', '$').replaceAll('/run/private/xtrace-catch', runtime);
  return {
    folder,
    pins: path.join(runtime, 'bpf'),
    run: () =>
      spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8', env: { PATH: `${programs}:/usr/bin:/bin` } }),
  };
}

test('a BPF file system is mounted in the folder, and given to the user of the unit', (t) => {
  const rig = createRig(t);
  const { status, stdout, stderr } = rig.run();
  assert.equal(status, 0, stderr);
  const [mounted, owned, ...rest] = stdout.trimEnd().split('\n');
  assert.match(mounted ?? '', new RegExp(`^mount -t bpf .* bpf ${rig.pins}$`));
  assert.match(owned ?? '', new RegExp(`^chown -h --reference=\\S+ ${rig.pins}$`));
  assert.deepEqual(rest, []);
});

test('a symbolic link that the user of the unit put there is refused, and nothing is done to its target', (t) => {
  const rig = createRig(t);
  const target = path.join(rig.folder, 'of-root');
  mkdirSync(target);
  symlinkSync(target, rig.pins);
  const { status, stdout, stderr } = rig.run();
  assert.notEqual(status, 0);
  assert.equal(stdout, '');
  assert.equal(stderr, `${rig.pins} is a symbolic link; remove it\n`);
});
