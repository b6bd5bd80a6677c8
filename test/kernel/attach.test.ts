// SPDX-License-Identifier: Apache-2.0
// The attach ladder on real interfaces, in a network namespace of this process's own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FRAMING } from '../../src/abi/kinds.js';
import { type AttachOptions, attachXdp } from '../../src/kernel/attach.js';
import { ERRNO } from '../../src/kernel/errno.js';
import { type KernelObject, loadKernelObject } from '../../src/kernel/load.js';
import { openNetdev } from '../../src/kernel/netdev.js';
import { queryXdp } from '../../src/kernel/xdp-query.js';
import { waitFor } from '../support/conditions.js';
import { attachForeignXdp } from '../support/kernel/foreign-xdp.js';
import {
  FLOW_OBJECT_PATH,
  kernelTest,
  missingForKernelTests,
  PORTABLE_OBJECT_PATH,
} from '../support/kernel/kernel-gate.js';
import { addVethPair, enterOwnNetns, ip } from '../support/kernel/own-netns.js';

const ATTACH_AND_WAIT = fileURLToPath(new URL('./attach-and-wait.js', import.meta.url));
const LOOPBACK = 1;

if (missingForKernelTests() === undefined) enterOwnNetns();

function load(t: TestContext): KernelObject {
  const object = loadKernelObject({
    objectPath: FLOW_OBJECT_PATH,
    portableObjectPath: PORTABLE_OBJECT_PATH,
    flowCapacity: 64,
    slotsPerCpu: 64,
  });
  t.after(() => object.close());
  return object;
}

/** A veth pair up to the end of the test; the index of its first end. */
function vethIndex(t: TestContext, object: KernelObject, name: string): number {
  addVethPair(name, `${name}p`);
  const netdev = openNetdev(object.libc);
  t.after(() => {
    if (netdev.read(name) !== undefined) ip('link', 'delete', name);
    netdev.close();
  });
  return netdev.read(name)?.index ?? assert.fail(`no ${name}`);
}

/** Attaches, and detaches at the end of the test. */
function attach(t: TestContext, options: Pick<AttachOptions, 'object' | 'ifindex'> & Partial<AttachOptions>) {
  const outcome = attachXdp({ interfaceName: 'xt0', framing: FRAMING.ethernet, mode: 'auto', ...options });
  if (outcome.attached) t.after(() => outcome.link.close());
  return outcome;
}

kernelTest('a veth takes native mode, and close() detaches', (t) => {
  const object = load(t);
  const ifindex = vethIndex(t, object, 'xt0');
  const outcome = attach(t, { object, ifindex });
  assert.ok(outcome.attached);
  assert.equal(outcome.mode, 'native');
  assert.equal(outcome.flavour, object.flavours[0]);
  assert.deepEqual(outcome.failures, []);
  assert.equal(outcome.link.ifindex, ifindex);
  assert.ok(outcome.link.isAlive());
  assert.equal(queryXdp(object, ifindex).incumbent?.mode, 'native');

  outcome.link.close();
  outcome.link.close();
  assert.ok(!outcome.link.isAlive());
  assert.deepEqual(queryXdp(object, ifindex), { errno: 0 });
});

kernelTest('generic mode when asked for', (t) => {
  const object = load(t);
  const ifindex = vethIndex(t, object, 'xt0');
  const outcome = attach(t, { object, ifindex, mode: 'generic' });
  assert.ok(outcome.attached);
  assert.equal(outcome.mode, 'generic');
  assert.equal(queryXdp(object, ifindex).incumbent?.mode, 'generic');
});

kernelTest('a driver without native XDP takes generic, and the failed steps are kept', (t) => {
  const object = load(t);
  const outcome = attach(t, { object, ifindex: LOOPBACK, interfaceName: 'lo' });
  assert.ok(outcome.attached);
  assert.equal(outcome.mode, 'generic');
  assert.deepEqual(
    outcome.failures.map(({ mode, flavour, errnoName }) => ({ mode, flavour, errnoName })),
    object.flavours.map((flavour) => ({ mode: 'native', flavour, errnoName: 'EOPNOTSUPP' })),
  );
  assert.match(outcome.failures[0]?.advice ?? '', /ethtool -K lo /);
});

kernelTest('native alone on such a driver is not attached, and says why in one sentence', (t) => {
  const object = load(t);
  const outcome = attach(t, { object, ifindex: LOOPBACK, interfaceName: 'lo', mode: 'native' });
  assert.ok(!outcome.attached);
  assert.equal(outcome.incumbent, undefined);
  assert.match(outcome.sentence, /^XDP cannot be attached to lo: native: EOPNOTSUPP: [^\n]+$/);
  assert.equal(outcome.sentence.split('EOPNOTSUPP').length, 2, 'the twin adds nothing');
});

kernelTest('an interface that is not there: ENODEV, one step', (t) => {
  const outcome = attach(t, { object: load(t), ifindex: 0x7fff_0000 });
  assert.ok(!outcome.attached);
  assert.deepEqual(
    outcome.failures.map(({ errno }) => errno),
    [ERRNO.ENODEV],
  );
});

for (const mode of ['native', 'generic'] as const) {
  kernelTest(`somebody else's program (${mode}) is named and left alone`, (t) => {
    const object = load(t);
    const ifindex = vethIndex(t, object, 'xt0');
    attachForeignXdp(ifindex, mode, 'their_filter');
    const before = queryXdp(object, ifindex);
    assert.ok(before.incumbent);
    for (const ours of ['auto', 'native', 'generic'] as const) {
      const outcome = attach(t, { object, ifindex, mode: ours });
      assert.ok(!outcome.attached);
      assert.deepEqual(outcome.incumbent, {
        id: before.incumbent.id,
        name: 'their_filter',
        mode,
        isOurs: false,
      });
      assert.match(
        outcome.sentence,
        new RegExp(`xt0 .*"their_filter", id ${before.incumbent.id}, ${mode} mode`),
      );
    }
    assert.deepEqual(queryXdp(object, ifindex), before);
  });
}

kernelTest('a second instance is recognised', (t) => {
  const object = load(t);
  const ifindex = vethIndex(t, object, 'xt0');
  const first = attach(t, { object, ifindex });
  assert.ok(first.attached);
  const second = attach(t, { object: load(t), ifindex });
  assert.ok(!second.attached);
  assert.equal(second.incumbent?.isOurs, true);
  assert.match(second.sentence, /another xtrace-catch/);
  assert.ok(first.link.isAlive());
});

kernelTest('a link without its interface is not alive', (t) => {
  const object = load(t);
  const ifindex = vethIndex(t, object, 'xt0');
  const outcome = attach(t, { object, ifindex });
  assert.ok(outcome.attached && outcome.link.isAlive());
  ip('link', 'delete', 'xt0');
  assert.ok(!outcome.link.isAlive());
});

kernelTest('kill -9 leaves no program behind', async (t) => {
  const object = load(t);
  const ifindex = vethIndex(t, object, 'xt0');
  const child = spawn(process.execPath, [ATTACH_AND_WAIT, PORTABLE_OBJECT_PATH, `${ifindex}`], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const exited = once(child, 'exit');
  t.after(() => child.kill('SIGKILL'));
  const { id } = await waitFor('the child has attached', () => queryXdp(object, ifindex).incumbent);
  child.kill('SIGKILL');
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  await waitFor('the interface is free', () => queryXdp(object, ifindex).incumbent === undefined);
  // Programs are freed after a grace period.
  await waitFor(`program ${id} is gone`, () => object.libbpf.bpf_prog_get_fd_by_id(id) === -ERRNO.ENOENT);
});
