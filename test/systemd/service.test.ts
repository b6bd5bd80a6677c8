// SPDX-License-Identifier: Apache-2.0
// The service as systemd runs it: a start that means something, a status that says what is counted, a
// watchdog that bites, a stop that is clean. In a machine that was booted for it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Machine } from '../support/systemd/machine.js';
import { machineTest } from '../support/systemd/machine-gate.js';

const UNIT = 'xtrace-catch.service';
const METRICS = 'http://127.0.0.1:10060/metrics';
const CONFIG = 'etc/xtrace-catch/xtrace-catch.yaml';

let machine: Machine | undefined;
after(() => machine?.stop());
const booted = (): Machine => machine ?? assert.fail('no machine was booted');

async function writeConfig(text: string): Promise<void> {
  booted().write(CONFIG, text);
  await booted().exec('systemctl', 'reset-failed', UNIT); // nothing of the test before
}

machineTest('systemd boots', async (t) => {
  const began = performance.now();
  machine = await Machine.boot('s');
  t.diagnostic(`installed and booted in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  await machine.run('ip', 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
  await machine.run('ip', 'link', 'set', 'va', 'up');
  await machine.run('ip', 'link', 'set', 'vb', 'up');
});

machineTest('a start with a wrong configuration fails, says why, and is not tried again', async () => {
  await writeConfig('interval_ms: soon\n');
  const { code, stderr } = await booted().exec('systemctl', 'start', UNIT);
  assert.equal(code, 1, stderr);
  assert.match(await booted().journal(UNIT), /interval_ms/);
  const shown = (property: string) => booted().show(UNIT, property);
  assert.equal(await shown('ActiveState'), 'failed');
  assert.equal(await shown('ExecMainStatus'), '2');
  assert.equal(await shown('NRestarts'), '0');
});

machineTest(
  'a start where the port is taken fails, says so, and is tried again until it is free',
  async () => {
    await writeConfig('interfaces: [va]\ninterval_ms: 500\n');
    const holder = "require('node:net').createServer().listen(10060)";
    await booted().run('systemd-run', '--unit=holder', '/usr/bin/env', 'node', '--eval', holder);
    await booted().until('the port to be taken', 'holder', async () =>
      (await booted().run('ss', '-lnt')).includes(':10060'),
    );
    assert.equal((await booted().exec('systemctl', 'start', UNIT)).code, 1);
    assert.match(await booted().journal(UNIT), /10060.* in use/);
    await booted().run('systemctl', 'stop', 'holder');
    await booted().until(
      'the next try',
      UNIT,
      async () => (await booted().show(UNIT, 'ActiveState')) === 'active',
    );
    await booted().run('systemctl', 'stop', UNIT);
  },
);

machineTest(
  'a start that returns has refreshed: it serves, attached, and says so in its status',
  async () => {
    await writeConfig('interfaces: [va]\ninterval_ms: 500\n');
    await booted().run('systemctl', 'start', UNIT);
    const page = (await booted().page(METRICS)) ?? assert.fail('nobody answers');
    assert.match(page, /^xtrace_interface_attached\{interface="va"\} 1$/m);
    assert.equal(await booted().show(UNIT, 'StatusText'), 'counting on va (refresh 1)');
  },
);

machineTest('its main process is the program itself, which alone may speak for it', async () => {
  const pid = await booted().show(UNIT, 'MainPID');
  assert.equal((await booted().run('cat', `/proc/${pid}/comm`)).trim(), 'node');
  assert.equal(await booted().show(UNIT, 'NotifyAccess'), 'main');
});

machineTest('the status follows the interfaces', async () => {
  const status = () => booted().show(UNIT, 'StatusText');
  await booted().run('ip', 'link', 'del', 'va');
  await booted().until('the loss to be told', UNIT, async () =>
    /^counting nothing yet; .*va/.test(await status()),
  );
  await booted().run('ip', 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
  await booted().run('ip', 'link', 'set', 'va', 'up');
  await booted().until('the return to be told', UNIT, async () => /^counting on va \(/.test(await status()));
});

machineTest('a stop detaches, and is clean', async () => {
  await booted().run('systemctl', 'stop', UNIT);
  assert.equal(await booted().show(UNIT, 'Result'), 'success');
  assert.equal(await booted().show(UNIT, 'ExecMainStatus'), '0');
  assert.match(await booted().journal(UNIT), /detached; every packet is counted/);
  assert.doesNotMatch(await booted().run('ip', 'link', 'show', 'va'), /xdp/);
});

machineTest('an interface that is awaited does not hold up the start', async () => {
  await writeConfig('interfaces: [va, later0]\ninterval_ms: 500\n');
  await booted().run('systemctl', 'start', UNIT);
  assert.match(await booted().show(UNIT, 'StatusText'), /^counting on va; .*later0.* \(refresh 1\)$/);
  assert.equal(await booted().show(UNIT, 'ActiveState'), 'active');
});

machineTest('where refreshes end, the watchdog ends the program, and it is started again', async () => {
  booted().write('etc/systemd/system/xtrace-catch.service.d/watchdog.conf', '[Service]\nWatchdogSec=5s\n');
  await booted().run('systemctl', 'daemon-reload');
  await booted().run('systemctl', 'restart', UNIT);
  const pid = await booted().show(UNIT, 'MainPID');
  // Fed, it outlives twice the watchdog's time.
  const beganMs = performance.now();
  await booted().until('twice that time', UNIT, async () => performance.now() - beganMs > 10_000);
  assert.equal(await booted().show(UNIT, 'MainPID'), pid);
  await booted().run('kill', '-STOP', pid);
  await booted().until('another one to run', UNIT, async () => {
    const shown = await booted().run('systemctl', 'show', '--property=SubState,NRestarts', UNIT);
    return /^SubState=running$/m.test(shown) && /^NRestarts=1$/m.test(shown);
  });
  assert.notEqual(await booted().show(UNIT, 'MainPID'), pid);
  assert.match(await booted().journal(UNIT), /Watchdog timeout/);
  assert.match((await booted().page(METRICS)) ?? '', /^xtrace_interface_attached\{interface="va"\} 1$/m);
});

machineTest('an interval that is longer than half the watchdog moves the watchdog, and is told', async () => {
  await writeConfig('interfaces: [va]\ninterval_ms: 3000\n');
  await booted().run('systemctl', 'restart', UNIT);
  assert.equal(await booted().show(UNIT, 'WatchdogUSec'), '9s');
  assert.match(
    await booted().journal(UNIT),
    /watchdog of the unit waits 5 s and interval_ms is 3000: it is told to wait 9 s/,
  );
});

machineTest('counters that are kept in /run/xtrace-catch go on after a stop and a start', async () => {
  await writeConfig('interfaces: [lo]\ninterval_ms: 300\nstate_path: /run/xtrace-catch/state\n');
  const counted = async (): Promise<number> => {
    const page = (await booted().page(METRICS)) ?? '';
    const samples = page.matchAll(/^xtrace_interface_packets_total\{.* (\d+)$/gm);
    return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  await booted().run('systemctl', 'restart', UNIT);
  // What asks is counted: hundreds of packets, which no start alone brings.
  await booted().until('packets', UNIT, async () => (await counted()) > 200);
  const before = await counted();
  await booted().run('systemctl', 'stop', UNIT);
  await booted().run('test', '-s', '/run/xtrace-catch/state');
  await booted().run('systemctl', 'start', UNIT);
  assert.ok((await counted()) >= before);
});

test('the machine goes', async () => {
  await machine?.stop();
});
