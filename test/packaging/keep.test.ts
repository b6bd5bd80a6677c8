// SPDX-License-Identifier: Apache-2.0
// The command of keep.conf, which runs as root. With mount and chown that only say
// what they were asked for; with the real ones: test/systemd/secrets-and-pins.test.ts.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const DROP_IN = path.join(ROOT, 'systemd/xtrace-catch.service.d/keep.conf');

function createRig(t: TestContext, { systemctl = '#!/bin/sh\necho 61234\n' } = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), `xtrace-keep-${process.pid}-`));
  t.after(() => rmSync(folder, { recursive: true }));
  const pins = path.join(folder, 'pins');
  const programs = path.join(folder, 'programs');
  mkdirSync(programs);
  const says = '#!/bin/sh\necho "$(basename "$0") $*"\n';
  for (const [name, text] of [
    ['systemctl', systemctl],
    ['mountpoint', '#!/bin/sh\nexit 1\n'],
    ['mount', says],
    ['chown', says],
  ] as const) {
    writeFileSync(path.join(programs, name), text, { mode: 0o755 });
  }
  const [, command = ''] = /-- \/bin\/sh -c '(.*)'$/m.exec(readFileSync(DROP_IN, 'utf8')) ?? [];
  assert.ok(command.includes('/run/xtrace-catch-bpf'), 'the command has the folder');
  const script = command.replaceAll('$$', '$').replaceAll('/run/xtrace-catch-bpf', pins);
  return {
    pins,
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
  assert.match(owned ?? '', new RegExp(`^chown -hR 61234 ${rig.pins}$`));
  assert.deepEqual(rest, []);
});

test('where systemd knows no user of the unit, nothing is mounted', (t) => {
  const rig = createRig(t, { systemctl: '#!/bin/sh\nexit 1\n' });
  const { status, stdout } = rig.run();
  assert.notEqual(status, 0);
  assert.equal(stdout, '');
});
