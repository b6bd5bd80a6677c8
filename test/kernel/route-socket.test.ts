// SPDX-License-Identifier: Apache-2.0
// Links and their events as this kernel tells them, in a network namespace of this process's own.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { KernelError } from '../../src/errors.js';
import { openLibc } from '../../src/kernel/ffi.js';
import { decodeRouteMessages, type RouteMessage } from '../../src/kernel/route-messages.js';
import { openRouteSocket } from '../../src/kernel/route-socket.js';
import { waitFor } from '../support/conditions.js';
import { kernelTest, missingForKernelTests } from '../support/kernel/kernel-gate.js';
import { enterOwnNetns, ip } from '../support/kernel/own-netns.js';

if (missingForKernelTests() === undefined) enterOwnNetns();

function open(t: TestContext) {
  const socket = openRouteSocket(openLibc());
  t.after(() => socket.close());
  return socket;
}

kernelTest('a list of links: names, state, what they stand on and belong to', (t) => {
  const socket = open(t);
  ip('link', 'add', 'ra0', 'type', 'veth', 'peer', 'name', 'ra1');
  t.after(() => ip('link', 'delete', 'ra0'));
  ip('link', 'add', 'rab', 'type', 'bridge');
  t.after(() => ip('link', 'delete', 'rab'));
  ip('link', 'set', 'ra1', 'master', 'rab', 'up');
  const byName = new Map(socket.listLinks().links.map((one) => [one.name, one]));
  assert.deepEqual([...byName.keys()].sort(), ['lo', 'ra0', 'ra1', 'rab']);
  assert.equal(byName.get('ra0')?.lowerIndex, byName.get('ra1')?.index, 'of a veth: its peer');
  assert.equal(byName.get('ra1')?.masterIndex, byName.get('rab')?.index);
  assert.deepEqual([byName.get('ra1')?.isUp, byName.get('ra0')?.isUp], [true, false]);
  assert.equal(byName.get('lo')?.linkType, 772);
  assert.deepEqual([...new Set([...byName.values()].map(({ parentDevice }) => parentDevice))], [undefined]);
});

kernelTest('events of links and addresses; a port that leaves its bridge is not gone', async (t) => {
  const socket = open(t);
  const seen: RouteMessage[] = [];
  const until = (what: string, isSeen: (message: RouteMessage) => boolean) =>
    waitFor(what, () => {
      assert.equal(
        socket.read(1000, (message) => seen.push(message)),
        'all',
      );
      return seen.some(isSeen);
    });
  ip('link', 'add', 'rb0', 'type', 'veth', 'peer', 'name', 'rb1');
  ip('link', 'add', 'rbb', 'type', 'bridge');
  t.after(() => ip('link', 'delete', 'rbb'));
  ip('link', 'set', 'rb0', 'master', 'rbb');
  ip('link', 'set', 'rb0', 'nomaster');
  ip('link', 'set', 'rb0', 'name', 'rb9');
  await until('the new name', (message) => message.kind === 'link' && message.link.name === 'rb9');
  assert.ok(!seen.some(({ kind }) => kind === 'link gone'));
  ip('address', 'add', '192.0.2.1/24', 'dev', 'rb9');
  await until('the address', ({ kind }) => kind === 'address');
  const index = socket.listLinks().links.find(({ name }) => name === 'rb9')?.index;
  ip('link', 'delete', 'rb9');
  await until('its end', (message) => message.kind === 'link gone' && message.index === index);
});

kernelTest('a closed socket says so, and closes twice', () => {
  const socket = openRouteSocket(openLibc());
  socket.close();
  socket.close();
  assert.throws(() => socket.read(1, () => undefined), KernelError);
});

test('bytes of any kind give messages or none, and an end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(16, 17, 2, 3, 20), (bytes, type) => {
      const datagram = Buffer.from(bytes);
      if (datagram.length >= 16) {
        datagram.writeUInt32LE(datagram.length, 0);
        datagram.writeUInt16LE(type, 4);
      }
      assert.ok(decodeRouteMessages(datagram).length <= 1 + datagram.length / 16);
    }),
  );
});
