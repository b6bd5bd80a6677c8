// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND } from '../../src/abi/kinds.js';
import { NetworkBytes } from '../../src/flows/network-bytes.js';
import { drainOf } from '../support/flows/rows.js';

const using = (...numbers: number[]) => ({ hasNumber: (number: number) => numbers.includes(number) });

function addInterval(bytes: NetworkBytes, carried: Readonly<Record<number, number>>): void {
  bytes.beginInterval();
  for (const [number, count] of Object.entries(carried)) {
    const { keys } = drainOf([{ kind: KIND.tcp, srcNetwork: Number(number), dstNetwork: 9 }]);
    bytes.add(keys, 0, count);
  }
}

test('an idle network counts for the mean, addresses without one do not', () => {
  const bytes = new NetworkBytes({ current: using(1, 2, 9) });
  addInterval(bytes, { 0: 700, 1: 100, 2: 100 });
  assert.deepEqual(bytes.imbalance, { src: 1, dst: 1 });
  addInterval(bytes, { 1: 100 });
  assert.deepEqual(bytes.imbalance, { src: 2, dst: 1 });
  addInterval(bytes, {});
  assert.deepEqual(bytes.imbalance, { src: 0, dst: 0 });
});

test('names that are gone count no more, those that stay do, and one that comes back begins anew', () => {
  const networks = { current: using(1, 2, 9) };
  const bytes = new NetworkBytes(networks);
  addInterval(bytes, { 1: 100, 2: 100 });
  networks.current = using(2, 3, 9);
  addInterval(bytes, { 3: 100 });
  assert.deepEqual(bytes.imbalance, { src: 2, dst: 1 }, '2 is idle');
  networks.current = using(1, 3, 9);
  addInterval(bytes, { 3: 100 });
  assert.deepEqual(bytes.imbalance, { src: 1, dst: 1 });
  addInterval(bytes, { 1: 100, 3: 100 });
  assert.deepEqual(bytes.imbalance, { src: 1, dst: 1 });
});

test('a network that has carried bytes is an idle one in the next process, where it is in use', () => {
  const bytes = new NetworkBytes({ current: using(1, 2, 3, 9) });
  addInterval(bytes, { 1: 100, 2: 100, 3: 100 });
  const state = bytes.exportState((number) => `n${number}`);
  const next = new NetworkBytes({ current: using(11, 12, 19) });
  assert.equal(
    next.importState(state, (name) => 10 + Number(name.slice(1))),
    undefined,
  );
  next.beginInterval();
  const { keys } = drainOf([{ kind: KIND.tcp, srcNetwork: 11, dstNetwork: 19 }]);
  next.add(keys, 0, 5);
  assert.deepEqual(next.imbalance, { src: 2, dst: 1 });
  assert.match(next.importState({}, () => 0)?.problem ?? '', /it has no rails\.facts/);
});
