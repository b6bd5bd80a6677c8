// SPDX-License-Identifier: Apache-2.0
// Roles of interfaces, from trees like /sys, and whose namespace a /sys shows.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isSysfsOf, readNetdevRole } from '../../src/system/netdev-role.js';

/** Files and symbolic links below class/net, by path; a link's text starts with `->`. */
function sysfs(t: TestContext, entries: Readonly<Record<string, string>>): { sysfsPath: string } {
  const sysfsPath = mkdtempSync(join(tmpdir(), 'xtrace-role-'));
  t.after(() => rmSync(sysfsPath, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(entries)) {
    const full = join(sysfsPath, 'class/net', path);
    mkdirSync(dirname(full), { recursive: true });
    if (text.startsWith('->')) symlinkSync(text.slice(2), full);
    else writeFileSync(full, `${text}\n`);
  }
  return { sysfsPath };
}

const PLAIN = {
  deviceType: undefined,
  master: undefined,
  masterType: undefined,
  lowers: [],
  isVirtualFunction: false,
  virtualFunctions: 0,
  representorOf: undefined,
  pciAddress: undefined,
  isPromiscuous: false,
  operState: undefined,
};

test('a VLAN on a bond of two ports', (t) => {
  const options = sysfs(t, {
    'bond0.100/uevent': 'DEVTYPE=vlan\nINTERFACE=bond0.100\nIFINDEX=7',
    'bond0.100/lower_bond0': '->../bond0',
    'bond0.100/operstate': 'up',
    'bond0/uevent': 'INTERFACE=bond0\nDEVTYPE=bond',
    'bond0/lower_eth2': '->../eth2',
    'bond0/lower_eth3': '->../eth3',
    'bond0/flags': '0x1403',
    'eth2/uevent': 'INTERFACE=eth2',
    'eth2/master': '->../bond0',
    'eth2/flags': '0x1903',
  });
  assert.deepEqual(readNetdevRole(options, 'bond0.100'), {
    ...PLAIN,
    deviceType: 'vlan',
    lowers: ['bond0'],
    operState: 'up',
  });
  assert.deepEqual(readNetdevRole(options, 'bond0'), {
    ...PLAIN,
    deviceType: 'bond',
    lowers: ['eth2', 'eth3'],
  });
  assert.deepEqual(readNetdevRole(options, 'eth2'), {
    ...PLAIN,
    master: 'bond0',
    masterType: 'bond',
    isPromiscuous: true,
  });
});

test('SR-IOV: a physical function, its virtual function, a representor', (t) => {
  const options = sysfs(t, {
    'eth2/device': '->../../../0000:03:00.0',
    'eth2/phys_port_name': 'p0',
    'eth4/device/physfn': '->../0000:03:00.0',
    'eth4r/phys_port_name': 'pf0vf3',
    'eth5/device/sriov_numvfs': '8',
    'vm/device': '->../../../virtio0',
  });
  assert.deepEqual(readNetdevRole(options, 'eth2'), { ...PLAIN, pciAddress: '0000:03:00.0' });
  assert.deepEqual(readNetdevRole(options, 'eth4'), { ...PLAIN, isVirtualFunction: true });
  assert.deepEqual(readNetdevRole(options, 'eth4r'), { ...PLAIN, representorOf: 'pf0vf3' });
  assert.deepEqual(readNetdevRole(options, 'eth5'), { ...PLAIN, virtualFunctions: 8 });
  assert.deepEqual(readNetdevRole(options, 'vm'), PLAIN);
});

test("names of ports in the card's switch", (t) => {
  const names = ['pf0', 'pf1vf127', 'c1pf0sf88', 'p0', 'p1s0', '', 'vf0', 'pf0vfx'];
  const options = sysfs(
    t,
    Object.fromEntries(names.map((name, index) => [`e${index}/phys_port_name`, name])),
  );
  assert.deepEqual(
    names.filter((_, index) => readNetdevRole(options, `e${index}`).representorOf !== undefined),
    ['pf0', 'pf1vf127', 'c1pf0sf88'],
  );
});

test('what is not there, or makes no sense, is left out', (t) => {
  const options = sysfs(t, { 'eth0/flags': 'what', 'eth0/device/sriov_numvfs': '-1', 'eth0/uevent': '' });
  assert.deepEqual(readNetdevRole(options, 'eth0'), PLAIN);
  assert.deepEqual(readNetdevRole(options, 'nope'), PLAIN);
});

test('whose namespace it is: the same names, indexes and MTUs, and no others', (t) => {
  const options = sysfs(t, {
    'lo/ifindex': '1',
    'lo/mtu': '65536',
    'eth0/ifindex': '2',
    'eth0/mtu': '1500',
    bonding_masters: 'bond0',
  });
  const lo = { name: 'lo', index: 1, mtuBytes: 65_536 };
  const eth0 = { name: 'eth0', index: 2, mtuBytes: 1500 };
  assert.equal(isSysfsOf(options, [lo, eth0]), true);
  assert.equal(isSysfsOf(options, [lo]), false);
  assert.equal(isSysfsOf(options, [lo, eth0, { ...eth0, name: 'eth1' }]), false);
  assert.equal(isSysfsOf(options, [lo, { ...eth0, index: 3 }]), false);
  assert.equal(isSysfsOf(options, [lo, { ...eth0, mtuBytes: 9000 }]), false);
  assert.equal(isSysfsOf({ sysfsPath: '/nonexistent' }, [lo]), undefined);
});
