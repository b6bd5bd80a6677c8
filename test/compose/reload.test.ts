// SPDX-License-Identifier: Apache-2.0
// Who asks for a reload, when, and what he is told; what a configuration does is in test/e2e/reload.test.ts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AutoReload } from '../../src/compose/auto-reload.js';
import { readAnew } from '../../src/compose/config-source.js';
import { Reloader } from '../../src/compose/reload.js';
import type { Config } from '../../src/config/config.js';
import { ConfigError, type ConfigProblem } from '../../src/errors.js';
import { resolveRun } from '../support/config/fixture-text.js';

function createRig(text = '') {
  const rig = {
    text,
    current: resolveRun({ file: text }),
    applied: [] as Config[],
    applyError: undefined as Error | undefined,
    /** What is then not in force. */
    applyProblem: undefined as string | undefined,
    outcomes: [] as boolean[],
    told: [] as string[],
    reads: 0,
    /** Before each read is over. */
    gate: Promise.resolve(),
  };
  const tell =
    (level: string) =>
    (first: object | string, message?: string): void => {
      rig.told.push(`${level} ${message ?? first}`);
    };
  const reloader = new Reloader({
    async readConfig() {
      rig.reads++;
      const given = rig.text;
      await rig.gate;
      return resolveRun({ file: given });
    },
    currentConfig: () => rig.current,
    async apply(config) {
      if (rig.applyError !== undefined) throw rig.applyError;
      rig.applied.push(config);
      rig.current = config;
      return rig.applyProblem;
    },
    onDone: (succeeded) => rig.outcomes.push(succeeded),
    nowMs: () => 0,
    log: { info: tell('info'), warn: tell('warn'), error: tell('error') },
  });
  return Object.assign(rig, { reloader });
}

test('what is in force, and what waits for a restart, is told by key', async () => {
  const rig = createRig();
  rig.text = 'filter: tcp\nattach_mode: generic\n';
  assert.deepEqual(await rig.reloader.reload('SIGHUP'), { ok: true });
  assert.deepEqual(rig.told, [
    'info SIGHUP: in force now: filter',
    'warn SIGHUP: only a restart brings attach_mode into force',
  ]);
  assert.equal(rig.current.attachMode, 'auto');
  await rig.reloader.reload('again');
  assert.equal(rig.applied.length, 1, 'nothing else has changed');
  assert.deepEqual(rig.told.slice(2), [
    'info again: the configuration is as before',
    'warn again: only a restart brings attach_mode into force',
  ]);
});

test('a wrong configuration, and one that cannot be had, are one sentence and no change', async () => {
  const rig = createRig();
  rig.text = 'filter: banana\nintervall_ms: 5\n';
  const outcome = await rig.reloader.reload('SIGHUP');
  assert.ok('problem' in outcome);
  assert.match(outcome.problem, /^filter: must be .*; intervall_ms: there is no such key/);
  assert.deepEqual(rig.told, [`error SIGHUP: the configuration stays as it was: ${outcome.problem}`]);
  rig.text = 'filter: tcp\n';
  rig.applyError = new Error('the kernel will not');
  assert.deepEqual(await rig.reloader.reload('SIGHUP'), { problem: 'the kernel will not' });
  assert.deepEqual([rig.outcomes, rig.applied], [[false, false], []]);
});

test('what could not be brought into force is told as that, and tried again by the next reload', async () => {
  const rig = createRig();
  rig.text = 'filter: tcp\n';
  rig.applyProblem = 'pushing has ended: no spool';
  assert.deepEqual(await rig.reloader.reload('SIGHUP'), { problem: 'pushing has ended: no spool' });
  rig.applyProblem = undefined;
  assert.deepEqual(await rig.reloader.reload('again'), { ok: true });
  assert.deepEqual(await rig.reloader.reload('once more'), { ok: true });
  assert.deepEqual(rig.told, [
    'error SIGHUP: not all is in force: pushing has ended: no spool',
    'info again: the configuration is as before',
    'info once more: the configuration is as before',
  ]);
  assert.deepEqual([rig.outcomes, rig.applied.length], [[false, true, true], 2]);
});

test('a reload looks at the web configuration file as well, and is refused with it', async () => {
  const config = resolveRun({ file: 'filter: tcp' });
  let looks = 0;
  const problems: ConfigProblem[] = [];
  const webFile = {
    async lookNow() {
      looks++;
      return problems;
    },
  };
  const source = { read: async () => config };
  assert.equal(await readAnew(source, undefined), config, 'where there is none');
  assert.equal(await readAnew(source, webFile), config);
  problems.push({ path: 'basic_auth_users', message: 'no' });
  await assert.rejects(readAnew(source, webFile), new ConfigError(problems));
  assert.equal(looks, 2);
  await assert.rejects(readAnew({ read: () => Promise.reject(new Error('gone')) }, webFile), /gone/);
  assert.equal(looks, 2, 'what cannot come into force changes nothing');
});

test('however many ask while one is under way, one more follows, with what was written until then', async () => {
  const rig = createRig();
  let open = (): void => undefined;
  rig.gate = new Promise((resolve) => {
    open = resolve;
  });
  rig.text = 'filter: tcp\n';
  const first = rig.reloader.reload('first');
  const others = [1, 2, 3].map(() => rig.reloader.reload('another'));
  rig.text = 'filter: udp\n';
  open();
  await Promise.all([first, ...others]);
  assert.equal(rig.reads, 2);
  assert.equal(rig.current.filter, 'udp');
  await rig.reloader.reload('later');
  assert.equal(rig.reads, 3);
});

test('a file with other contents is reloaded once, whatever comes of it', async () => {
  let contents: string | Error = 'a';
  let reloads = 0;
  const told: string[] = [];
  const tasks: (() => void)[] = [];
  const auto = new AutoReload(100, Buffer.from('a'), {
    async readContents() {
      if (contents instanceof Error) throw contents;
      return Buffer.from(contents);
    },
    async reload() {
      reloads++;
    },
    clock: {
      schedule(task) {
        tasks.push(task);
        return () => tasks.splice(tasks.indexOf(task), 1);
      },
    },
    log: { warn: (message) => told.push(message) },
  });
  const look = async (): Promise<void> => {
    tasks.shift()?.();
    while (tasks.length === 0) await new Promise((resolve) => setImmediate(resolve));
  };
  await look();
  assert.equal(reloads, 0, 'it is what the start has read');
  contents = 'b';
  await look();
  await look();
  assert.equal(reloads, 1);
  contents = new Error('it is gone');
  await look();
  await look();
  assert.deepEqual([reloads, told], [1, ['the configuration file cannot be looked at: it is gone']]);
  contents = 'a';
  await look();
  assert.equal(reloads, 2);
  auto.stop();
  assert.deepEqual(tasks, []);
});
