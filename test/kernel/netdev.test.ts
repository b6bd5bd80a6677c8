// SPDX-License-Identifier: Apache-2.0
// Devices of this process's own network namespace, told by ioctl.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { KernelError } from '../../src/errors.js';
import { openLibc } from '../../src/kernel/ffi.js';
import { openNetdev } from '../../src/kernel/netdev.js';
import { listInterfaces, readInterface } from '../../src/system/interfaces.js';
import { kernelTest, missingForKernelTests } from '../support/kernel/kernel-gate.js';
import { enterOwnNetns, ip } from '../support/kernel/own-netns.js';

if (missingForKernelTests() === undefined) {
  enterOwnNetns();
  ip('link', 'add', 'xt0', 'mtu', '9000', 'type', 'veth', 'peer', 'name', 'xt1');
  ip('link', 'set', 'xt0', 'up');
  ip('tuntap', 'add', 'xtun', 'mode', 'tun');
}

function open(t: TestContext) {
  const netdev = openNetdev(openLibc());
  t.after(() => netdev.close());
  return netdev;
}

/** As iproute2 sees it. */
function indexOf(name: string): number {
  const [link] = JSON.parse(ip('-json', 'link', 'show', 'dev', name)) as { ifindex: number }[];
  return link?.ifindex ?? assert.fail(name);
}

kernelTest('a device: index, link type, MTU, state, driver', (t) => {
  const netdev = open(t);
  const veth = { linkType: 1, driver: 'veth' };
  assert.deepEqual(netdev.read('xt0'), { ...veth, index: indexOf('xt0'), mtuBytes: 9000, isUp: true });
  assert.deepEqual(netdev.read('xt1'), { ...veth, index: indexOf('xt1'), mtuBytes: 1500, isUp: false });
  assert.deepEqual(netdev.read('lo'), { index: 1, linkType: 772, mtuBytes: 65536, isUp: false, driver: '' });
  assert.equal(netdev.read('xtun')?.linkType, 65534);
});

kernelTest('no such device is undefined, whatever its name looks like', (t) => {
  const netdev = open(t);
  for (const name of ['', 'nope', 'xt0:1', '../lo', 'lo\0', 'a-name-beyond-fifteen', 'ÄÖÜÄÖÜÄÖÜ']) {
    assert.equal(netdev.read(name), undefined, JSON.stringify(name));
  }
});

kernelTest('the list is that of the namespace, in the order of the kernel', (t) => {
  const netdev = open(t);
  const list = listInterfaces({ root: '/' }, { netdev });
  const names = ['lo', 'xt0', 'xt1', 'xtun'].sort((a, b) => indexOf(a) - indexOf(b));
  assert.deepEqual(
    list.map(({ name }) => name),
    names,
  );
  assert.deepEqual(
    readInterface('xt0', { netdev }),
    list.find(({ name }) => name === 'xt0'),
  );
  assert.equal(readInterface('nope', { netdev }), undefined);
});

kernelTest('after close() nothing can be read', (t) => {
  const netdev = open(t);
  netdev.close();
  assert.throws(() => netdev.read('lo'), KernelError);
});
