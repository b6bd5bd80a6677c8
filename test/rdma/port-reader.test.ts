// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { answerRdmaQuestion, type RdmaAnswer, type RdmaQuestion } from '../../src/rdma/answers.js';
import type { IsolatedReader, Reading } from '../../src/rdma/isolated-reader.js';
import { createRdmaReader, type RdmaReader } from '../../src/rdma/port-reader.js';
import * as devices from '../support/rdma/rdma-devices.js';
import { RdmaSysfs } from '../support/rdma/rdma-sysfs.js';

let tree: RdmaSysfs;
let reader: RdmaReader;
let asked: string[];
let failing: (key: string) => Reading<RdmaAnswer> | undefined;
let nowMs: number;
let warnings: object[];
let interfaces: readonly string[];

/** Answers here, without a process, but for what the test lets fail. */
const isolated: IsolatedReader<RdmaQuestion, RdmaAnswer> = {
  async ask(key, question) {
    asked.push(key);
    return failing(key) ?? { answer: answerRdmaQuestion({ sysfsPath: tree.path }, question) };
  },
  release: () => asked.push('release'),
  close: () => undefined,
};

beforeEach(() => {
  tree = new RdmaSysfs({ mlx5_0: devices.MLX5_ROCE }, { eth2: {} });
  asked = [];
  warnings = [];
  interfaces = ['eth2'];
  failing = () => undefined;
  nowMs = 0;
  reader = createRdmaReader(
    {
      sysfsPath: tree.path,
      get interfaces() {
        return interfaces;
      },
    },
    {
      isolated,
      clock: { nowMs: () => nowMs },
      log: { info: () => undefined, warn: (fields) => warnings.push(fields) },
    },
  );
});
afterEach(() => tree.remove());

test('numbers are read in every round, the identity every half a minute', async () => {
  await reader.read();
  assert.deepEqual(asked, ['relatives eth2', 'identity mlx5_0/1', 'numbers mlx5_0/1']);
  tree.write('mlx5_0/ports/1/gid_attrs/ndevs/4', 'eth2.200');
  tree.write('mlx5_0/ports/1/state', '1: DOWN');
  nowMs = 29_999;
  const [early] = (await reader.read()).ports;
  assert.deepEqual(early?.identity?.netdevs, ['eth2', 'eth2.100']);
  assert.equal(early?.link?.state, 'down');
  nowMs = 30_000;
  const [late] = (await reader.read()).ports;
  assert.deepEqual(late?.identity?.netdevs, ['eth2', 'eth2.100', 'eth2.200']);
});

test('a port that cannot be read keeps its identity, counts its failures, and is told of once', async () => {
  await reader.read();
  failing = (key) => (key.startsWith('numbers') ? { failure: 'error', reason: 'gone' } : undefined);
  await reader.read();
  failing = (key) => (key.startsWith('numbers') ? { failure: 'timeout', reason: 'late' } : undefined);
  await reader.read();
  failing = () => ({ failure: 'resting', reason: 'hung' });
  nowMs = 60_000;
  const { ports, relatives } = await reader.read();
  const [port] = ports;
  assert.deepEqual(port?.identity?.netdevs, ['eth2', 'eth2.100']);
  assert.equal(port?.link, undefined);
  assert.equal(port?.counters, undefined);
  assert.deepEqual([port?.timeouts, port?.errors], [1, 1]);
  assert.deepEqual(warnings, [{ device: 'mlx5_0', port: 1, reason: 'gone' }]);
  assert.deepEqual(relatives.get('eth2'), ['eth2']);
});

test('an identity that cannot be read is counted, and asked for again in the next round', async () => {
  const failures: Reading<RdmaAnswer>[] = [
    { failure: 'timeout', reason: 'late' },
    { failure: 'resting', reason: 'hung' },
    { failure: 'error', reason: 'gone' },
  ];
  failing = (key) => (key.startsWith('identity') ? failures.shift() : undefined);
  const seen: unknown[] = [];
  for (let round = 0; round < 5; round++) {
    const [port] = (await reader.read()).ports;
    seen.push([port?.identity?.driver, port?.timeouts, port?.errors]);
    assert.ok(port?.counters !== undefined);
  }
  assert.deepEqual(seen, [
    [undefined, 1, 0],
    [undefined, 1, 0],
    [undefined, 1, 1],
    ['mlx5_core', 1, 1],
    ['mlx5_core', 1, 1],
  ]);
  assert.deepEqual(warnings, [], 'its counters are read');
});

test('refused files are counted in every round', async () => {
  tree.addDevice('bnxt_re0', devices.BNXT_RE);
  await reader.read();
  const { ports } = await reader.read();
  assert.deepEqual(
    ports.map(({ name, errors }) => [name.device, errors]),
    [
      ['bnxt_re0', 6],
      ['mlx5_0', 0],
    ],
  );
});

test('a port that goes is forgotten, with its failures; without ports the process is let go', async () => {
  failing = (key) => (key.startsWith('numbers') ? { failure: 'error', reason: 'gone' } : undefined);
  await reader.read();
  tree.removeDevice('mlx5_0');
  asked = [];
  assert.deepEqual((await reader.read()).ports, []);
  assert.deepEqual(asked, ['release']);
  tree.addDevice('mlx5_0', devices.MLX5_ROCE);
  failing = () => undefined;
  const { ports } = await reader.read();
  assert.deepEqual(
    ports.map(({ errors }) => errors),
    [0],
  );
});

test('the time a round took', async () => {
  failing = () => {
    nowMs += 100;
    return undefined;
  };
  assert.equal((await reader.read()).durationMs, 300);
});

test('of an interface that is no longer watched nothing is told', async () => {
  assert.deepEqual([...(await reader.read()).relatives.keys()], ['eth2']);
  interfaces = [];
  assert.deepEqual([...(await reader.read()).relatives.keys()], []);
});
