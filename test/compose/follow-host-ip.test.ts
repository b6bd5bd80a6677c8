// SPDX-License-Identifier: Apache-2.0
// When a new address of the host is taken over, and what ends with the former one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHostIpStep } from '../../src/compose/follow-host-ip.js';

function createRig() {
  const rig = {
    nowMs: 0,
    seenEnds: 0,
    lastRefresh: 5,
    isDue: true,
    fault: undefined as Error | undefined,
    events: [] as string[],
  };
  const step = createHostIpStep(
    { maxIntervalMs: 10_000 },
    {
      hostIp: {
        current: 'a',
        get isDue() {
          return rig.isDue;
        },
        look: () => undefined,
        adopt() {
          rig.isDue = false;
          rig.events.push('adopt');
          return true;
        },
      },
      accounts: {
        async beginAnew() {
          if (rig.fault !== undefined) throw rig.fault;
          rig.events.push('flows');
        },
      },
      roce: {
        async beginAnew() {
          rig.events.push('pairs');
        },
      },
      roceSeen: { keep: () => rig.events.push('keep') },
      audiences: [{ seen: () => ({ beginnings: 0, ends: rig.seenEnds }) }],
      lastRefresh: () => rig.lastRefresh,
      clock: { nowMs: () => rig.nowMs },
      log: { info: () => rig.events.push('told'), error: () => rig.events.push('error') },
    },
  );
  return Object.assign(rig, { step });
}

test('it waits until everybody has seen what the last refresh showed', async () => {
  const rig = createRig();
  rig.seenEnds = 4;
  await rig.step();
  assert.deepEqual(rig.events, []);
  rig.seenEnds = 5;
  await rig.step();
  assert.deepEqual(rig.events, ['adopt', 'told', 'keep', 'flows', 'pairs']);
  await rig.step();
  assert.equal(rig.events.length, 5, 'once');
});

test('where nobody scrapes it waits for nobody, and never longer than hold_max_ms', async () => {
  const alone = createRig();
  alone.seenEnds = Number.POSITIVE_INFINITY;
  await alone.step();
  assert.equal(alone.events[0], 'adopt');

  const rig = createRig();
  await rig.step();
  rig.nowMs = 9999;
  await rig.step();
  assert.deepEqual(rig.events, []);
  rig.nowMs = 10_000;
  await rig.step();
  assert.equal(rig.events[0], 'adopt');
});

test('a fault is told, and what it kept from ending ends with the next refresh', async () => {
  const rig = createRig();
  rig.seenEnds = 5;
  rig.fault = new Error('no');
  await rig.step();
  assert.deepEqual(rig.events, ['adopt', 'told', 'keep', 'error']);
  rig.fault = undefined;
  await rig.step();
  assert.deepEqual(rig.events.slice(4), ['flows', 'pairs']);
});
