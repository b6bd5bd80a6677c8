// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readNetdevRelatives } from '../../src/system/netdev-relatives.js';
import { type NetdevSpec, RdmaSysfs, REFUSED } from '../support/rdma/rdma-sysfs.js';

const ETHERNET = { type: '1' };
const NETDEVS: Readonly<Record<string, NetdevSpec>> = {
  eth0: { files: { ...ETHERNET, ifindex: 2, iflink: 2 }, master: 'bond0' },
  eth1: { files: { ...ETHERNET, ifindex: 3, iflink: 3 }, master: 'bond0' },
  bond0: { files: { ...ETHERNET, ifindex: 4, iflink: 4 }, lowers: ['eth0', 'eth1'] },
  'bond0.100': { files: { ...ETHERNET, ifindex: 5, iflink: 4 }, lowers: ['bond0'] },
  ib0: { files: { type: '32', ifindex: 6, iflink: 6 } },
  'ib0.8001': { files: { type: '32', ifindex: 7, iflink: 6 } },
  storage: { files: { type: '32', ifindex: 8, iflink: 7 } },
  // The other end of a veth pair has an index of its own namespace, which may well be one of ours.
  veth0: { files: { ...ETHERNET, ifindex: 9, iflink: 2 } },
  loop0: { files: ETHERNET, lowers: ['loop1'] },
  loop1: { files: ETHERNET, lowers: ['loop0'] },
  refused: { files: { type: '32', ifindex: REFUSED, iflink: REFUSED } },
};
const tree = new RdmaSysfs({}, NETDEVS);
after(() => tree.remove());

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  eth0: ['eth0', 'bond0'],
  bond0: ['bond0', 'eth0', 'eth1'],
  'bond0.100': ['bond0.100', 'bond0', 'eth0', 'eth1'],
  ib0: ['ib0'],
  'ib0.8001': ['ib0.8001', 'ib0'],
  storage: ['storage', 'ib0.8001', 'ib0'],
  veth0: ['veth0'],
  loop0: ['loop0', 'loop1'],
  refused: ['refused'],
  absent: ['absent'],
};

for (const [name, relatives] of Object.entries(EXPECTED)) {
  test(`${name} shares its frames with ${relatives.slice(1).join(', ') || 'none'}`, () => {
    assert.deepEqual(readNetdevRelatives({ sysfsPath: tree.path }, name), relatives);
  });
}
