// SPDX-License-Identifier: Apache-2.0
// What DynamicUser= keeps from the service, and how it gets it all the same: a secret that is root's alone,
// and a place for pins. As docs/operation.md and the drop-in say, in a machine that was booted for it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { Machine, ROOT } from '../support/systemd/machine.js';
import { machineTest } from '../support/systemd/machine-gate.js';

const UNIT = 'xtrace-catch.service';
const CONFIG = 'etc/xtrace-catch/xtrace-catch.yaml';
const SECRET = '/etc/xtrace-catch/push-password';
const DROP_INS = 'etc/systemd/system/xtrace-catch.service.d';
const PIN = '/run/xtrace-catch-bpf/kept';
/** A kernel's own, of an array of one: what is in it tells that it is the same map. */
const MAP = ['type', 'array', 'key', '4', 'value', '4', 'entries', '1', 'name', 'kept'];

let machine: Machine | undefined;
after(() => machine?.stop());
const booted = (): Machine => machine ?? assert.fail('no machine was booted');

/** Pushes to a port that nobody has: that it gets as far shows that the password was read. */
function pushWith(passwordFile: string): string {
  const push = 'enabled: true, url: "http://127.0.0.1:9/api/v1/write"';
  return `interfaces: [lo]\npush: { ${push}, basic_auth: { username: host, password_file: ${passwordFile} } }\n`;
}

/** The ini block of a document that has the word in it. */
function iniOf(document: string, word: string): string {
  const text = readFileSync(path.join(ROOT, document), 'utf8');
  const blocks = [...text.matchAll(/^ *```ini\n(.*?)^ *```$/gms)].map(([, lines = '']) => lines);
  return (
    blocks.find((lines) => lines.includes(word))?.replace(/^ +/gm, '') ?? assert.fail(`no ${word} in it`)
  );
}

/** Runs a command with the user, the capabilities and the files of the running service, and no more. */
async function asService(...command: readonly string[]): Promise<string> {
  const pid = await booted().show(UNIT, 'MainPID');
  const uid = (await booted().run('stat', '--format=%u', `/proc/${pid}`)).trim();
  const sets = ['bounding-set', 'inh-caps', 'ambient-caps'].map(
    (set) => `--${set}=-all,+bpf,+net_admin,+perfmon`,
  );
  const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs'];
  return await booted().run(
    'nsenter',
    `--target=${pid}`,
    '--mount',
    '--',
    'setpriv',
    ...user,
    ...sets,
    ...command,
  );
}

machineTest('systemd boots', async () => {
  machine = await Machine.boot('k');
  machine.write(SECRET, 'open sesame\n', 0o600);
});

machineTest('a secret that only root may read is out of reach, and the log says so', async () => {
  booted().write(CONFIG, pushWith(SECRET));
  await booted().run('systemctl', 'start', UNIT);
  await booted().until('the sentence', UNIT, async () =>
    /password_file: \/etc\/xtrace-catch\/push-password cannot be read: permission denied/.test(
      await booted().journal(UNIT),
    ),
  );
});

machineTest(
  'as a credential, as the documentation has it, it is read; the file stays root-only',
  async () => {
    const since = (await booted().journal(UNIT)).length;
    booted().write(path.join(DROP_INS, 'secrets.conf'), iniOf('docs/operation.md', 'LoadCredential='));
    booted().write(CONFIG, pushWith('/run/credentials/xtrace-catch.service/push-password'));
    await booted().run('systemctl', 'daemon-reload');
    await booted().run('systemctl', 'restart', UNIT);
    await booted().until('a push that nobody takes', UNIT, async () =>
      (await booted().journal(UNIT)).slice(since).includes('nothing listens at 127.0.0.1:9'),
    );
    assert.doesNotMatch((await booted().journal(UNIT)).slice(since), /cannot be read/);
    assert.equal(await booted().run('stat', '--format=%a %U', SECRET), '600 root\n');
  },
);

machineTest('without the drop-in the service finds nowhere to pin', async () => {
  for (const pin of ['/sys/fs/bpf/kept', PIN]) {
    await assert.rejects(asService('bpftool', 'map', 'create', pin, ...MAP), pin);
  }
});

machineTest('with it, what the service pins outlives a restart and a stop, for the same user', async () => {
  booted().write(
    path.join(DROP_INS, 'keep.conf'),
    readFileSync(path.join(ROOT, 'systemd/xtrace-catch.service.d/keep.conf'), 'utf8'),
  );
  booted().write(CONFIG, 'interfaces: [lo]\n'); // nothing that waits to be pushed holds up a stop
  await booted().run('systemctl', 'daemon-reload');
  await booted().run('systemctl', 'restart', UNIT);
  await asService('bpftool', 'map', 'create', PIN, ...MAP);
  await asService(
    'bpftool',
    'map',
    'update',
    'pinned',
    PIN,
    'key',
    '0',
    '0',
    '0',
    '0',
    'value',
    '7',
    '0',
    '0',
    '0',
  );
  for (const again of [['restart'], ['stop', 'start']]) {
    for (const verb of again) await booted().run('systemctl', verb, UNIT);
    const entries = JSON.parse(await asService('bpftool', '--json', 'map', 'dump', 'pinned', PIN)) as {
      value: string[];
    }[];
    assert.equal(Number(entries[0]?.value[0]), 7, again.join(', '));
  }
  await asService('rm', PIN);
});

machineTest('that place is the service user alone, and mounted once', async () => {
  const mounts = await booted().run('findmnt', '--noheadings', '--types=bpf', '--output=TARGET');
  assert.equal(mounts.trim(), '/run/xtrace-catch-bpf');
  const owner = await booted().run('stat', '--format=%a %U', '/run/xtrace-catch-bpf');
  assert.match(owner, /^1?700 xtrace-catch$/m);
});

test('the machine goes', async () => {
  await machine?.stop();
});
