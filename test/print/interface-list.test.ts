// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderInterfaceList } from '../../src/print/interface-list.js';

test('a table in the order of the index, with a dash for what is not there', () => {
  const table = renderInterfaceList([
    {
      ...{ name: 'enp1s0f0np0', index: 3, type: 'ethernet', mtu: 9000, state: 'up', driver: 'mlx5_core' },
      addresses: ['192.0.2.1/24', '2001:db8::1/64'],
    },
    { name: 'lo', index: 1, type: 'loopback', mtu: 65536, state: 'up', addresses: ['127.0.0.1/8'] },
    { name: 'ib0', index: 12, type: 'infiniband', mtu: 2044, state: 'down', driver: '', addresses: [] },
  ]);
  assert.equal(
    table,
    [
      'NAME         INDEX  TYPE        MTU    STATE  DRIVER     ADDRESSES',
      'lo           1      loopback    65536  up     -          127.0.0.1/8',
      'enp1s0f0np0  3      ethernet    9000   up     mlx5_core  192.0.2.1/24 2001:db8::1/64',
      'ib0          12     infiniband  2044   down   -          -',
      '',
    ].join('\n'),
  );
});

test('no interface at all', () => {
  assert.equal(renderInterfaceList([]), 'There are no network interfaces.\n');
});
