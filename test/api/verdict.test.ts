// SPDX-License-Identifier: Apache-2.0
// One sentence for how things are, and what to do where they are not well.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeLive } from '../../src/api/verdict.js';
import type { RdmaView } from '../../src/rdma/rounds.js';
import type { RoceVisibility } from '../../src/rdma/visibility.js';
import { FIXTURE_FACTS as FACTS } from '../support/api/live-fixture.js';
import { FIXED_PUSH } from '../support/metrics/fixed-metrics.js';

const eth = (name: string, mode: string | undefined, isUp = true, note = '') => ({ name, mode, isUp, note });

test('all is well', () => {
  assert.deepEqual(judgeLive(FACTS, undefined), {
    level: 'ok',
    sentence: 'eth1 is watched: every packet that arrives is counted',
    findings: [],
  });
  const interfaces = ['a', 'b', 'c', 'd'].map((name) => eth(name, 'native'));
  assert.match(judgeLive({ ...FACTS, interfaces }, undefined).sentence, /^4 interfaces are watched/);
});

test('worst first: what is not attached, down, or not pushed is a problem, the rest a warning', () => {
  const note = 'there is no interface eth9';
  const { level, sentence, findings } = judgeLive(
    {
      ...FACTS,
      interfaces: [eth('eth1', 'generic'), eth('eth2', 'native', false), eth('eth9', undefined, false, note)],
      notAttached: [note, 'no interface matches usb*'],
      readiness: {
        ready: false,
        reason: 'Not ready: the last good refresh is older than 3 intervals of 1000 ms.',
      },
      binding: new Set(['max_series']),
      push: {
        ...FIXED_PUSH,
        isUp: false,
        trouble: 'push fails, trying again; batches wait in memory: no route',
      },
    },
    undefined,
  );
  assert.equal(level, 'problem');
  assert.equal(
    sentence,
    'the numbers are old: the last good refresh is older than 3 intervals of 1000 ms; the log says why',
  );
  assert.deepEqual(
    findings.map(({ code, level: own, interface: name }) => [code, own, name]),
    [
      ['no_refresh', 'problem', null],
      ['not_attached', 'problem', 'eth9'],
      ['not_attached', 'problem', null],
      ['down', 'problem', 'eth2'],
      ['push_down', 'problem', null],
      ['budget', 'warning', null],
      ['generic_mode', 'warning', 'eth1'],
    ],
  );
  assert.ok(
    findings.every(({ sentence: own }) => own.length > 0 && !own.endsWith('.') && !own.includes('\n')),
  );
});

test('generic mode that was asked for is no finding, nor push before its first request', () => {
  const facts = { ...FACTS, interfaces: [eth('eth1', 'generic')], wantsGeneric: true };
  assert.equal(
    judgeLive({ ...facts, push: { ...FIXED_PUSH, isUp: false, trouble: '' } }, undefined).level,
    'ok',
  );
});

function hidden(state: RoceVisibility, hasGidNetdevs: boolean): RdmaView {
  return {
    ports: [
      {
        name: { device: 'mlx5_0', port: 1 },
        identity: {
          ...{ device: 'mlx5_0', port: 1, driver: 'mlx5_core', isSoft: false, linkLayer: 'Ethernet' },
          ...{ netdevs: ['eth1'], hasGidNetdevs, nodeGuid: undefined, firmwareVersion: undefined },
          ...{ hcaType: undefined, boardId: undefined, isVirtualFunction: false },
        },
        link: undefined,
        counters: undefined,
        timeouts: 0,
        errors: 0,
      },
    ],
    visibility: [{ interfaceName: 'eth1', rdmaDevice: 'mlx5_0', state, unseenPackets: 412 }],
    readDurationMs: 1,
    readAtMs: 1,
  };
}

test('RoCE that the card hides is said with proof and remedy, in the words of the doctor', () => {
  const [offload] = judgeLive(FACTS, hidden('hidden_offload', true)).findings;
  assert.equal(offload?.code, 'hidden_offload');
  assert.match(
    offload.sentence,
    /^the RoCE of eth1 CANNOT be seen here: mlx5_0 \(mlx5_core\) .*received 412 RDMA packets.*; to see the RoCE of eth1, mirror its port/,
  );
  const [perhaps] = judgeLive(FACTS, hidden('hidden_offload', false)).findings;
  assert.match(perhaps?.sentence ?? '', /^it is UNKNOWN whether mlx5_0/);
  const [infiniband] = judgeLive(FACTS, hidden('hidden_infiniband', true)).findings;
  assert.match(infiniband?.sentence ?? '', /^native InfiniBand of mlx5_0 NEVER passes eth1/);
  assert.equal(judgeLive(FACTS, hidden('visible_soft', true)).level, 'ok');
});

test('a host of a thousand interfaces says fifty sentences', () => {
  const interfaces = Array.from({ length: 1000 }, (_, i) => eth(`eth${i}`, 'generic'));
  assert.equal(judgeLive({ ...FACTS, interfaces }, undefined).findings.length, 50);
});
