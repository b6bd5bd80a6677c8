// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createSystemdNotifier,
  type RefreshOutcome,
  takeSystemdEnvironment,
} from '../../src/compose/notify-systemd.js';

const attached = { name: 'eth0', attached: true, sentence: '' };
const awaited = { name: 'eth1', attached: false, sentence: 'there is no interface eth1' };

function fixture({ watchdogUs }: { watchdogUs?: number } = {}) {
  const sent: string[] = [];
  const warnings: string[] = [];
  const now = { us: 1_000_000 };
  const receiver: { problem: string | undefined } = { problem: undefined };
  const notifier = createSystemdNotifier(
    { notifySocket: '/run/systemd/notify', watchdogUs },
    {
      open: () => ({
        send(text) {
          if (receiver.problem === undefined) sent.push(text);
          return receiver.problem;
        },
        close: () => undefined,
      }),
      log: { warn: (message) => void warnings.push(message) },
      monotonicUs: () => now.us,
    },
  );
  let number = 0;
  const refresh = (outcome: Partial<RefreshOutcome> = {}): void => {
    number++;
    notifier.refreshed({ number, succeeded: true, interfaces: [attached], ...outcome });
  };
  /** What was sent since the last look, line by line. */
  const heard = (): string[] => sent.splice(0).flatMap((text) => text.split('\n'));
  return { notifier, refresh, heard, sent, warnings, now, receiver };
}

/** One that has started. */
function started(options: { watchdogUs?: number; intervalMs?: number } = {}) {
  const parts = fixture(options);
  parts.notifier.setInterval(options.intervalMs ?? 1000);
  parts.refresh();
  parts.notifier.ready();
  parts.heard();
  return parts;
}

test('it is ready once it has started and a refresh has succeeded, whichever comes last', () => {
  const late = fixture();
  late.refresh({ succeeded: false });
  late.notifier.ready();
  assert.ok(!late.heard().includes('READY=1'));
  late.refresh({ succeeded: false });
  assert.ok(!late.heard().includes('READY=1'));
  late.refresh();
  assert.deepEqual(late.heard(), ['READY=1', 'STATUS=counting on eth0 (refresh 3)']);

  const usual = fixture();
  usual.refresh();
  assert.ok(!usual.heard().includes('READY=1'));
  usual.notifier.ready();
  assert.deepEqual(usual.heard(), ['READY=1']);
  usual.notifier.ready();
  assert.deepEqual(usual.heard(), [], 'it is said once');
});

test('each step of a start is told, with the time it may take', () => {
  const { notifier, heard } = fixture();
  notifier.starting('loading');
  assert.deepEqual(heard(), ['STATUS=loading', 'EXTEND_TIMEOUT_USEC=60000000']);
});

test('the status is told when it changes, and only then', () => {
  const { refresh, heard } = started();
  refresh();
  refresh();
  assert.deepEqual(heard(), []);
  refresh({ interfaces: [attached, awaited] });
  refresh({ interfaces: [attached, awaited] });
  assert.deepEqual(heard(), ['STATUS=counting on eth0; there is no interface eth1 (refresh 4)']);
  refresh({ succeeded: false });
  refresh({ succeeded: false });
  assert.deepEqual(heard(), ['STATUS=the last refresh failed, see the log (refresh 6)']);
  refresh({ interfaces: [awaited] });
  assert.deepEqual(heard(), ['STATUS=counting nothing yet; there is no interface eth1 (refresh 8)']);
});

test('no reason makes a status of more than one line, or tells systemd something else', () => {
  const { notifier, heard } = started();
  notifier.status(`a\nREADY=1\nb ${'x'.repeat(1000)}`);
  const [line = '', ...more] = heard();
  assert.deepEqual(more, []);
  assert.match(line, /^STATUS=a READY=1 b x+$/);
  assert.ok(line.length <= 'STATUS='.length + 400);
});

test('a refresh that succeeds feeds the watchdog before it would wait for more than half its time', () => {
  for (const intervalMs of [100, 1000, 4000, 7000, 14_000, 15_000]) {
    const { refresh, heard, now } = started({ watchdogUs: 30e6, intervalMs });
    let fedUs = now.us;
    for (let beat = 0; beat < 200; beat++) {
      now.us += intervalMs * 1000;
      refresh();
      if (!heard().includes('WATCHDOG=1')) continue;
      assert.ok(now.us - fedUs <= 15e6, `${intervalMs} ms: ${now.us - fedUs} us`);
      assert.ok(now.us + intervalMs * 1000 - fedUs > 15e6, `${intervalMs} ms: not oftener than needed`);
      fedUs = now.us;
    }
    assert.ok(now.us - fedUs <= 15e6);
  }
});

test('a refresh that fails does not feed it, and no refresh does while it stops', () => {
  const { refresh, heard, now, notifier } = started({ watchdogUs: 30e6 });
  now.us += 29e6;
  refresh({ succeeded: false });
  assert.ok(!heard().includes('WATCHDOG=1'));
  refresh();
  assert.ok(heard().includes('WATCHDOG=1'));
  now.us += 29e6;
  notifier.stopping();
  assert.equal(heard()[0], 'STOPPING=1');
  refresh();
  assert.deepEqual(heard(), []);
});

test('an interval above half the watchdog makes it wait three intervals, with one sentence; a shorter one undoes that', () => {
  const { notifier, heard, warnings } = fixture({ watchdogUs: 30e6 });
  notifier.setInterval(15_000);
  assert.deepEqual(heard(), []);
  notifier.setInterval(20_000);
  assert.deepEqual(heard(), ['WATCHDOG_USEC=60000000']);
  assert.deepEqual(warnings, [
    'the watchdog of the unit waits 30 s and interval_ms is 20000: it is told to wait 60 s; set WatchdogSec= to more than twice the interval',
  ]);
  notifier.setInterval(20_000);
  notifier.setInterval(1000);
  assert.deepEqual(heard(), ['WATCHDOG_USEC=30000000']);
  assert.equal(warnings.length, 1);
});

test('without a watchdog nothing is fed', () => {
  const { refresh, heard, now, notifier } = started();
  notifier.setInterval(600_000);
  now.us += 1e9;
  refresh();
  assert.deepEqual(heard(), []);
});

test('a reload is told with the time, and ends with being ready; then it is said again what is counted', () => {
  const { notifier, refresh, heard, now } = started();
  now.us = 123_456_789;
  notifier.reloading();
  assert.deepEqual(heard(), [
    'RELOADING=1',
    'MONOTONIC_USEC=123456789',
    'STATUS=reading the configuration again',
  ]);
  notifier.ready();
  assert.deepEqual(heard(), ['READY=1']);
  refresh();
  assert.deepEqual(heard(), ['STATUS=counting on eth0 (refresh 2)']);

  notifier.reloading();
  notifier.status('the new configuration was refused');
  notifier.ready();
  heard();
  refresh();
  assert.deepEqual(heard(), [], 'a refusal is shown until something else changes');
});

test('what systemd cannot take is told again, the last word of each kind in order, but no old feed', () => {
  const { notifier, refresh, heard, warnings, receiver, now } = started({ watchdogUs: 30e6 });
  receiver.problem = 'EAGAIN';
  notifier.reloading();
  notifier.ready();
  now.us += 29e6;
  refresh();
  refresh();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /EAGAIN/);
  receiver.problem = undefined;
  refresh({ succeeded: false });
  assert.deepEqual(heard(), [
    'RELOADING=1',
    'MONOTONIC_USEC=1000000',
    'READY=1',
    'STATUS=the last refresh failed, see the log (refresh 4)',
  ]);
  refresh();
  assert.ok(heard().includes('WATCHDOG=1'), 'it is due at once');
});

test('without a socket, or with an address that is none, nothing is told', () => {
  const warnings: string[] = [];
  for (const notifySocket of ['', 'vsock:2:1']) {
    const notifier = createSystemdNotifier(
      { notifySocket, watchdogUs: 1 },
      {
        open: (address) => `${address} is none`,
        log: { warn: (message) => void warnings.push(message) },
        monotonicUs: () => 0,
      },
    );
    notifier.starting('loading');
    notifier.setInterval(1000);
    notifier.ready();
    notifier.refreshed({ number: 1, succeeded: true, interfaces: [] });
    notifier.stopping();
    notifier.close();
  }
  assert.deepEqual(warnings, ['vsock:2:1 is none']);
});

test('the variables are taken out of the environment, and a watchdog of another process is none', () => {
  const env: Record<string, string | undefined> = {
    NOTIFY_SOCKET: '@x',
    WATCHDOG_USEC: '30000000',
    WATCHDOG_PID: '17',
    PATH: '/bin',
  };
  assert.deepEqual(takeSystemdEnvironment({ ...env }, 17), { notifySocket: '@x', watchdogUs: 30e6 });
  assert.deepEqual(takeSystemdEnvironment({ ...env }, 18), { notifySocket: '@x', watchdogUs: undefined });
  assert.deepEqual(takeSystemdEnvironment({ ...env, WATCHDOG_PID: undefined }, 18), {
    notifySocket: '@x',
    watchdogUs: 30e6,
  });
  for (const wrong of ['', '0', '-1', 'soon', '1e9']) {
    assert.equal(takeSystemdEnvironment({ WATCHDOG_USEC: wrong }, 1).watchdogUs, undefined, wrong);
  }
  takeSystemdEnvironment(env, 17);
  assert.deepEqual(Object.keys(env), ['PATH']);
});
