// SPDX-License-Identifier: Apache-2.0
// What systemd asks of a running service, and what it holds for it: a reload that means something, a socket
// that outlives a restart. In a machine that was booted for it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Machine } from '../support/systemd/machine.js';
import { machineTest } from '../support/systemd/machine-gate.js';

const UNIT = 'xtrace-catch.service';
const SOCKET = 'xtrace-catch.socket';
const METRICS = 'http://127.0.0.1:10060/metrics';
const CONFIG = 'etc/xtrace-catch/xtrace-catch.yaml';
const RIGHT = 'interfaces: [lo]\ninterval_ms: 500\n';

let machine: Machine | undefined;
after(() => machine?.stop());
const booted = (): Machine => machine ?? assert.fail('no machine was booted');

async function sampleOf(metric: string): Promise<number | undefined> {
  const page = (await booted().page(METRICS)) ?? assert.fail('nobody answers');
  const [, value] = new RegExp(`^${metric} (\\S+)$`, 'm').exec(page) ?? [];
  return value === undefined ? undefined : Number(value);
}

machineTest('systemd boots, and the service with it', async () => {
  machine = await Machine.boot('r');
  machine.write(CONFIG, RIGHT);
  await machine.run('systemctl', 'start', UNIT);
});

machineTest('a reload with a wrong configuration fails, says why, and leaves the program alone', async () => {
  const pid = await booted().show(UNIT, 'MainPID');
  booted().write(CONFIG, 'interval_ms: soon\n');
  const { code } = await booted().exec('systemctl', 'reload', UNIT);
  assert.equal(code, 1);
  assert.match(await booted().journal(UNIT), /interval_ms: .*soon/);
  assert.doesNotMatch(await booted().journal(UNIT), /SIGHUP/);
  assert.equal(await booted().show(UNIT, 'ActiveState'), 'active');
  assert.equal(await booted().show(UNIT, 'MainPID'), pid);
  assert.notEqual(await booted().page(METRICS), undefined);
});

machineTest('a reload that returns has taken the configuration, in the same process', async (t) => {
  booted().write(CONFIG, RIGHT);
  if ((await sampleOf('xtrace_config_last_reload_successful')) === undefined) {
    process.stderr.write(
      'SKIPPED, the program does not reload: a reload that returns has taken the configuration\n',
    );
    t.skip('SKIPPED: this build has no xtrace_config_last_reload_successful');
    return;
  }
  const pid = await booted().show(UNIT, 'MainPID');
  const before = (await sampleOf('xtrace_config_last_reload_success_timestamp_seconds')) ?? 0;
  await booted().run('systemctl', 'reload', UNIT);
  assert.equal(await sampleOf('xtrace_config_last_reload_successful'), 1);
  assert.ok(((await sampleOf('xtrace_config_last_reload_success_timestamp_seconds')) ?? 0) > before);
  assert.equal(await booted().show(UNIT, 'MainPID'), pid);
  assert.equal(await booted().show(UNIT, 'ActiveState'), 'active');
  await booted().until('the status to be that of before', UNIT, async () =>
    /^counting on lo/.test(await booted().show(UNIT, 'StatusText')),
  );
});

machineTest('with the socket unit, clients wait through a restart and none is refused', async (t) => {
  const flag = '--web.systemd-socket';
  if (!(await booted().run('xtrace-catch', '--help=all')).includes(flag)) {
    process.stderr.write(`SKIPPED, the program has no ${flag}: with the socket unit, clients wait\n`);
    t.skip(`SKIPPED: this build has no ${flag}`);
    return;
  }
  booted().write('etc/default/xtrace-catch', `ARGS="--config.file=/${CONFIG} ${flag}"\n`);
  await booted().run('systemctl', 'stop', UNIT);
  await booted().run('systemctl', 'enable', '--now', SOCKET, UNIT);
  assert.match((await booted().page(METRICS)) ?? '', /^xtrace_interface_attached/m);
  for (const host of ['127.0.0.1', '[::1]']) {
    assert.match((await booted().page(`http://${host}:10060/-/healthy`)) ?? '', /./, host);
  }
  await booted().run('systemctl', 'restart', '--no-block', UNIT);
  let answers = 0;
  await booted().until('the other process to answer', UNIT, async () => {
    const { code, stderr } = await booted().exec('curl', '-sSf', '--max-time', '30', METRICS);
    // 7: refused. A connection that the former process had may be cut; one that waits in the socket is not.
    assert.notEqual(code, 7, stderr);
    if (code === 0) answers++;
    return answers > 3 && (await booted().show(UNIT, 'SubState')) === 'running';
  });
  await booted().run('systemctl', 'reload', UNIT); // whose check is passed no socket
});

machineTest('a client starts the service that is stopped, by its socket', async (t) => {
  if ((await booted().show(SOCKET, 'ActiveState')) !== 'active') {
    t.skip('SKIPPED: there is no socket, as above');
    return;
  }
  await booted().run('systemctl', 'stop', UNIT);
  const { code, stdout } = await booted().exec('curl', '-sSf', '--max-time', '60', METRICS);
  assert.equal(code, 0, await booted().journal(UNIT));
  assert.match(stdout, /^xtrace_interface_attached\{interface="lo"\} 1$/m);
});

test('the machine goes', async () => {
  await machine?.stop();
});
