// SPDX-License-Identifier: Apache-2.0
// The scripts of the Debian package where it goes wrong, with folders and programs of the test's own in place of the
// host's, which they name by absolute paths. On whole systems: test/packages/deb.test.ts.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { mountTest } from '../support/kernel/mount-gate.js';
import { start } from '../support/processes.js';

const SCRIPTS = path.join(import.meta.dirname, '..', '..', '..', 'packaging', 'deb');
/** Of the host, and hidden from the scripts. */
const HIDDEN = ['/etc/default', '/etc/xtrace-catch', '/run', '/sys/fs/bpf', '/var/lib'];

interface Place {
  /** Before the script runs, in sh. */
  readonly prepare: string;
  /** In place of programs: what they do, in sh. */
  readonly programs?: Readonly<Record<string, string>>;
}

/** Resolves with what it said, on both of its outputs, and what the programs were called with. */
async function runScript(t: TestContext, script: string, args: readonly string[], place: Place) {
  const folder = mkdtempSync(path.join(tmpdir(), 'xtrace-deb-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const calls = path.join(folder, 'calls');
  writeFileSync(calls, '');
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  const silent = { 'deb-systemd-invoke': '', 'deb-systemd-helper': '', systemctl: '' };
  for (const [name, body] of Object.entries({ ...silent, ...place.programs })) {
    const log = `#!/bin/sh\necho "${name} $*" >>${calls}\n`;
    writeFileSync(path.join(bin, name), `${log}${body}\n`, { mode: 0o755 });
  }
  const hide = HIDDEN.map((one) => `if [ -d ${one} ]; then mount -t tmpfs tmpfs ${one}; fi`).join('\n');
  const child = start(
    'unshare',
    [
      '--mount',
      'sh',
      '-euc',
      `${hide}\n${place.prepare}\nexec "$@"`,
      'sh',
      path.join(SCRIPTS, script),
      ...args,
    ],
    { env: { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin`, DPKG_ROOT: '' } },
  );
  const { code } = await child.exited;
  return {
    code,
    said: child.stdout + child.stderr,
    calls: readFileSync(calls, 'utf8').trim().split('\n'),
  };
}

mountTest('prerm unpins what the flags of the service say, and what is in the folders of pins', async (t) => {
  const { code, said, calls } = await runScript(t, 'prerm', ['remove'], {
    prepare: [
      `printf '# ARGS=-x\\nARGS="--config.file=/srv/x.yaml -i eth*"\\n' >/etc/default/xtrace-catch`,
      'mkdir -p /run/xtrace-catch-bpf/pins /sys/fs/bpf/xtrace-catch/node',
    ].join('\n'),
    programs: {
      'xtrace-catch': `case $2 in
--config.file=*) echo "xtrace-catch: /srv/x.yaml: cannot be read" >&2; echo "xtrace-catch: see --help" >&2; exit 2 ;;
*/pins) echo "detached from va" ;;
*) echo "nothing is pinned under it" ;;
esac`,
    },
  });
  assert.deepEqual(calls, [
    'xtrace-catch unpin --config.file=/srv/x.yaml -i eth*',
    'xtrace-catch unpin --kernel.pin-path=/sys/fs/bpf/xtrace-catch',
    'xtrace-catch unpin --kernel.pin-path=/sys/fs/bpf/xtrace-catch/node',
    'xtrace-catch unpin --kernel.pin-path=/run/xtrace-catch-bpf',
    'xtrace-catch unpin --kernel.pin-path=/run/xtrace-catch-bpf/pins',
  ]);
  assert.equal(said, 'xtrace-catch: /srv/x.yaml: cannot be read\ndetached from va\n');
  assert.equal(code, 0);
});

mountTest('prerm says nothing where no pin path is set', async (t) => {
  const { code, said, calls } = await runScript(t, 'prerm', ['remove'], {
    prepare: ':',
    programs: {
      'xtrace-catch': `printf 'xtrace-catch: kernel.pin_path: is not set: give it\\nxtrace-catch: see --help\\n' >&2; exit 2`,
    },
  });
  assert.deepEqual([code, said, calls], [0, '', ['xtrace-catch unpin']]);
});

mountTest('a purge goes through where a mount is busy, and where a folder cannot go', async (t) => {
  const { code, said } = await runScript(t, 'postrm', ['purge'], {
    // The second is a mount of its own, which rm cannot remove.
    prepare: [
      'mkdir -p /run/xtrace-catch-bpf /run/private/xtrace-catch/mine /var/lib/private/xtrace-catch',
      'mount -t tmpfs tmpfs /run/xtrace-catch-bpf',
      'mount -t tmpfs tmpfs /run/private/xtrace-catch/mine',
      'exec 9</run/xtrace-catch-bpf',
    ].join('\n'),
  });
  assert.match(said, /^xtrace-catch: unmounted \/run\/xtrace-catch-bpf$/m);
  assert.match(said, /^xtrace-catch: removed \/run\/xtrace-catch-bpf$/m);
  assert.match(said, /^xtrace-catch: left \/run\/private\/xtrace-catch$/m);
  assert.match(said, /^xtrace-catch: removed \/var\/lib\/private\/xtrace-catch$/m);
  assert.equal(code, 0);
});

mountTest('installed again after a removal, it says that what is enabled does not run', async (t) => {
  const installed = (isEnabled: boolean, isActive: boolean) =>
    runScript(t, 'postinst', ['configure', ''], {
      prepare: 'mkdir -p /run/systemd/system',
      programs: {
        systemctl: `case $* in
*is-enabled*) exit ${isEnabled ? 0 : 1} ;;
*is-active*) exit ${isActive ? 0 : 3} ;;
esac`,
      },
    });
  const again = await installed(true, false);
  assert.deepEqual(
    [again.code, again.said],
    [0, 'xtrace-catch: enabled but not running: systemctl start xtrace-catch\n'],
  );
  const first = await installed(false, false);
  assert.match(first.said, /^xtrace-catch: nothing was started\. .*\n$/);
  assert.equal(first.code, 0);
});

mountTest('a removal that is called off starts what it had stopped', async (t) => {
  const { code, calls } = await runScript(t, 'postinst', ['abort-remove'], {
    prepare: 'mkdir -p /run/systemd/system',
  });
  assert.ok(
    calls.includes('deb-systemd-invoke start xtrace-catch.socket xtrace-catch.service'),
    calls.join(),
  );
  assert.ok(!calls.some((call) => call.includes('try-restart')));
  assert.equal(code, 0);
});
