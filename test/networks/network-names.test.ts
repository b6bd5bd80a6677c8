// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  NETWORK_NAMES_MAX,
  NetworkNames,
  NO_NETWORK,
  OTHER_NETWORK,
} from '../../src/networks/network-names.js';
import { tableOf } from '../support/networks/networks-fixture.js';

test('a name keeps its number, and a number its name', () => {
  const names = new NetworkNames();
  assert.deepEqual(
    ['a', 'b', 'a', 'c', 'constructor'].map((name) => names.numberOf(name)),
    [1, 2, 1, 3, 4],
  );
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((number) => names.nameOf(number)),
    ['none', 'a', 'b', 'c', 'constructor'],
  );
});

test('"none" and "other" have the numbers that mean them', () => {
  const names = new NetworkNames();
  assert.equal(names.numberOf('none'), NO_NETWORK);
  assert.equal(names.numberOf('other'), OTHER_NETWORK);
  assert.equal(names.nameOf(OTHER_NETWORK), 'other');
});

test('beyond the last number every new name is "other", counted by the load; old names keep theirs', async () => {
  const names = new NetworkNames();
  for (let i = 1; i <= NETWORK_NAMES_MAX; i++) assert.equal(names.numberOf(`name ${i}`), i);
  const {
    nameOf,
    namesBeyond,
    names: different,
  } = await tableOf(
    [
      { cidr: '10.0.0.0/8', name: 'late' },
      { cidr: '11.0.0.0/8', name: 'name 65534' },
      { cidr: '12.0.0.0/8', name: 'later' },
      { cidr: '13.0.0.0/8', name: 'other' },
    ],
    names,
  );
  assert.deepEqual(['10.0.0.1', '11.0.0.1', '12.0.0.1', '13.0.0.1'].map(nameOf), [
    'other',
    'name 65534',
    'other',
    'other',
  ]);
  assert.deepEqual([different, namesBeyond], [4, 2]);
});
