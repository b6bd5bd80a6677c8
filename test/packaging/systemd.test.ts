// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { resolveConfig } from '../../src/config/resolve-config.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const UNIT = readFileSync(join(ROOT, 'systemd/xtrace-catch.service'), 'utf8');
const DEFAULT = readFileSync(join(ROOT, 'systemd/xtrace-catch.default'), 'utf8');

/** Assignments of a unit or an environment file, in order; comments left out. */
function assignments(text: string): [string, string][] {
  return text
    .split('\n')
    .filter((line) => /^[A-Za-z_]+=/.test(line))
    .map((line) => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]);
}
const unit = new Map(assignments(UNIT));

test('no example of a socket is in the folder of the unit, which root alone can enter', () => {
  assert.equal(unit.get('DynamicUser'), 'yes');
  for (const file of [
    'docs/web-configuration.md',
    'config/xtrace-catch.yaml',
    'src/config/listen-address.ts',
  ]) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    const examples = [...text.matchAll(/unix:(\/\w[\w./-]*)/g)].map(([, path = '']) => path);
    assert.ok(examples.length > 0, file);
    for (const path of examples) assert.ok(!path.startsWith('/run/xtrace-catch/'), `${file}: ${path}`);
  }
});

/** The files of systemd/ as they are, but for the program, which verify looks for: any that is there will do. */
function analyze(t: TestContext, check: (folder: string) => void): void {
  if (spawnSync('systemd-analyze', ['--version']).status !== 0) {
    t.skip('SKIPPED: there is no systemd-analyze (package systemd)');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), `xtrace-unit-${process.pid}-`));
  try {
    assert.match(UNIT, /^ExecStart=\/usr\/bin\/xtrace-catch \$ARGS$/m);
    cpSync(join(ROOT, 'systemd'), folder, { recursive: true });
    const path = join(folder, 'xtrace-catch.service');
    writeFileSync(path, UNIT.replaceAll('/usr/bin/xtrace-catch', '/bin/true'));
    check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('systemd-analyze verify has nothing to say of service, drop-in and socket', (t) => {
  analyze(t, (folder) => {
    const units = ['service', 'socket'].map((kind) => join(folder, `xtrace-catch.${kind}`));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', ...units], {
      encoding: 'utf8',
    });
    assert.deepEqual([stdout, stderr, status], ['', '', 0]);
  });
});

test('systemd-analyze security finds no more than 2.1 of exposure, with and without the drop-in', (t) => {
  analyze(t, (folder) => {
    const unit = join(folder, 'xtrace-catch.service');
    const dropIn = readFileSync(join(folder, 'xtrace-catch.service.d/keep.conf'), 'utf8');
    for (const text of [UNIT, `${UNIT}\n${dropIn}`]) {
      writeFileSync(unit, text);
      const how = ['security', '--offline=true', '--threshold=21', unit];
      const { status, stdout, stderr } = spawnSync('systemd-analyze', how, { encoding: 'utf8' });
      assert.equal(status, 0, `${stderr}${stdout.split('\n').slice(-3).join('\n')}`);
    }
  });
});

test('a start means that it counts, and the network comes first', () => {
  assert.equal(unit.get('Type'), 'notify');
  assert.equal(unit.get('NotifyAccess'), 'main');
  assert.equal(unit.get('WatchdogSec'), '30s');
  assert.equal(unit.get('After'), 'network-online.target');
  assert.equal(unit.get('Wants'), 'network-online.target');
});

test('a reload checks the configuration before the program hears of it', () => {
  const commands = assignments(UNIT).filter(([key]) => key === 'ExecReload');
  assert.deepEqual(
    commands.slice(0, 2).map(([, command]) => command),
    ['/usr/bin/xtrace-catch $ARGS --config.check', '/bin/kill -HUP $MAINPID'],
  );
});

test('the unit restarts after a fault or a stray SIGHUP, but not after a wrong configuration, and waits for the last drain', () => {
  assert.equal(unit.get('Restart'), 'on-failure');
  assert.equal(unit.get('RestartForceExitStatus'), 'SIGHUP');
  assert.equal(unit.get('RestartPreventExitStatus'), '2');
  assert.equal(unit.get('TimeoutStopSec'), '20s');
  assert.equal(unit.get('EnvironmentFile'), '-/etc/default/xtrace-catch');
});

test('it has the capabilities that XDP takes, and no others', () => {
  const wanted = 'CAP_BPF CAP_NET_ADMIN CAP_PERFMON';
  assert.equal(unit.get('AmbientCapabilities'), wanted);
  assert.equal(unit.get('CapabilityBoundingSet'), wanted);
  assert.equal(unit.get('NoNewPrivileges'), 'yes');
});

test('it allows what BPF needs and forbids nothing that Node needs', () => {
  assert.equal(unit.get('LimitMEMLOCK'), 'infinity');
  assert.deepEqual(unit.get('SystemCallFilter')?.split(' '), ['@system-service', 'bpf', 'perf_event_open']);
  for (const family of ['AF_INET', 'AF_INET6', 'AF_NETLINK']) {
    assert.ok(unit.get('RestrictAddressFamilies')?.split(' ').includes(family), family);
  }
  for (const key of ['MemoryDenyWriteExecute', 'PrivateNetwork', 'PrivateUsers', 'ProcSubset']) {
    assert.ok(!unit.has(key), key);
  }
});

test('its lines are each there once', () => {
  const keys = assignments(UNIT).flatMap(([key]) => (key === 'ExecReload' ? [] : [key]));
  assert.deepEqual(
    keys.filter((key, index) => keys.indexOf(key) !== index),
    [],
  );
});

test('the environment file has the variables of the contract, and its flags resolve', () => {
  const env = Object.fromEntries(
    assignments(DEFAULT).map(([key, value]) => [key, value.replace(/^"|"$/g, '')]),
  );
  assert.deepEqual(Object.keys(env), [
    'ARGS',
    'NETWORK_INTERFACE',
    'VICTORIAMETRICS_ENABLED',
    'VICTORIAMETRICS_REMOTE_WRITE',
    'COLLECT_AGG',
  ]);
  const paths: string[] = [];
  const resolution = resolveConfig({
    argv: (env['ARGS'] ?? '').split(' '),
    env,
    readFile: (path) => {
      paths.push(path);
      return readFileSync(join(ROOT, 'config/xtrace-catch.yaml'));
    },
  });
  assert.equal(resolution.action, 'run');
  assert.deepEqual(paths, ['/etc/xtrace-catch/xtrace-catch.yaml']);
});
