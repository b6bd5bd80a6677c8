// SPDX-License-Identifier: Apache-2.0
// The table of links, fed by a script in place of the kernel.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteLink, RouteMessage } from '../../src/kernel/route-messages.js';
import type { RouteReading, RouteSocket } from '../../src/kernel/route-socket.js';
import { openLinkTable } from '../../src/system/link-table.js';
import { link } from '../support/kernel/route-links.js';

/** What the kernel has, and what it has told and nobody has read. */
function createRig(links: readonly RouteLink[]) {
  const rig = {
    present: [...links],
    waiting: [] as (RouteMessage | 'lost')[],
    dumps: 0,
    isClosed: false,
    dumpFault: undefined as Error | undefined,
    isInterrupted: false,
  };
  const socket: RouteSocket = {
    read(most, sink): RouteReading {
      for (let i = 0; i < most; i++) {
        const message = rig.waiting.shift();
        if (message === undefined) return 'all';
        if (message === 'lost') return 'lost';
        sink(message);
      }
      return 'more';
    },
    listLinks() {
      rig.dumps++;
      if (rig.dumpFault !== undefined) throw rig.dumpFault;
      return { links: [...rig.present], isWhole: !rig.isInterrupted };
    },
    close() {
      rig.isClosed = true;
    },
  };
  return Object.assign(rig, { socket, open: () => openLinkTable({ openSocket: () => socket }) });
}

const put = (one: RouteLink): RouteMessage => ({ kind: 'link', link: one });

test('links come, change their names and go by events, without another look at all of them', () => {
  const rig = createRig([link(1, 'lo'), link(2, 'eth0')]);
  const table = rig.open();
  assert.equal(table.named('eth0')?.index, 2);
  assert.equal(table.poll(), false);
  rig.waiting.push(put(link(3, 'eth1')), put(link(2, 'lan0')));
  assert.equal(table.poll(), true);
  assert.deepEqual(
    [table.named('eth0'), table.named('lan0')?.index, table.named('eth1')?.index],
    [undefined, 2, 3],
  );
  rig.waiting.push(put(link(2, 'eth1')), put(link(3, 'eth0')));
  table.poll();
  assert.deepEqual([table.named('eth1')?.index, table.named('eth0')?.index], [2, 3], 'names changed hands');
  rig.waiting.push({ kind: 'link gone', index: 3 }, { kind: 'link gone', index: 99 });
  table.poll();
  assert.deepEqual([...table.links.keys()], [1, 2]);
  assert.deepEqual([rig.dumps, table.overruns], [1, 0]);
  table.close();
  assert.ok(rig.isClosed);
});

test('an event that changes nothing that matters is no news', () => {
  const rig = createRig([link(2, 'eth0')]);
  const table = rig.open();
  const { changes } = table;
  rig.waiting.push(put(link(2, 'eth0')), { kind: 'address' });
  assert.deepEqual([table.poll(), table.changes - changes], [false, 0]);
  rig.waiting.push(put({ ...link(2, 'eth0'), isUp: false }));
  assert.deepEqual([table.poll(), table.changes - changes], [true, 1]);
});

test('where events were lost all links are looked at, after what still waited, which may be older', () => {
  const rig = createRig([link(2, 'eth0')]);
  const table = rig.open();
  // eth5 came and went; that it went was lost.
  rig.waiting.push('lost', put(link(5, 'eth5')), put(link(6, 'eth6')));
  rig.present.push(link(6, 'eth6'));
  table.poll();
  assert.equal(table.hasMore, true);
  table.poll();
  assert.deepEqual(
    [...table.links.values()].map(({ name }) => name),
    ['eth0', 'eth6'],
  );
  assert.deepEqual([table.overruns, rig.dumps, table.hasMore], [1, 2, false]);
});

test('a look at all links that fails is made again', () => {
  const rig = createRig([link(2, 'eth0')]);
  const table = rig.open();
  rig.waiting.push('lost');
  table.poll();
  rig.dumpFault = new Error('ENOBUFS');
  assert.throws(() => table.poll(), /ENOBUFS/);
  assert.equal(table.named('eth0')?.index, 2, 'what was known stays');
  assert.equal(table.hasMore, false, 'not in the next turn of the event loop');
  rig.dumpFault = undefined;
  rig.present = [link(3, 'eth9')];
  assert.equal(table.poll(), true);
  assert.deepEqual([...table.links.keys()], [3]);
});

test('a start while links change under each look has what was seen, and looks again', () => {
  const rig = createRig([link(2, 'eth0')]);
  rig.isInterrupted = true;
  const table = rig.open();
  assert.deepEqual([table.named('eth0')?.index, table.hasMore], [2, false]);
  rig.present.push(link(3, 'eth1'));
  rig.isInterrupted = false;
  assert.equal(table.poll(), true);
  assert.deepEqual([[...table.links.keys()], rig.dumps, table.overruns], [[2, 3], 2, 0]);
  assert.equal(table.poll(), false);
});

test('of a look that links changed under, none that was known is taken for gone', () => {
  const rig = createRig([link(2, 'eth0'), link(3, 'eth1')]);
  const table = rig.open();
  rig.waiting.push('lost');
  table.poll();
  rig.isInterrupted = true;
  rig.present = [link(4, 'eth2')];
  rig.waiting.push({ kind: 'link gone', index: 3 });
  table.poll();
  assert.deepEqual([[...table.links.keys()], table.hasMore], [[2, 4], false]);
  rig.isInterrupted = false;
  table.poll();
  assert.deepEqual([...table.links.keys()], [4]);
});

test('a burst comes in parts, so that the event loop can turn', () => {
  const rig = createRig([]);
  const table = rig.open();
  for (let i = 1; i <= 1200; i++) rig.waiting.push(put(link(i, `v${i}`)));
  table.poll();
  assert.ok(table.hasMore && table.links.size === 500);
  for (let i = 0; table.hasMore && i < 10; i++) table.poll();
  assert.equal(table.links.size, 1200);
});

test('addresses that change, and links that go up or down, are told apart from silence', () => {
  const rig = createRig([link(2, 'eth0')]);
  const table = rig.open();
  assert.equal(table.takeAddressChange(), true, 'nobody has looked yet');
  assert.equal(table.takeAddressChange(), false);
  rig.waiting.push({ kind: 'address' });
  table.poll();
  assert.equal(table.takeAddressChange(), true);
  rig.waiting.push(put({ ...link(2, 'eth0'), flags: 0, isUp: false }));
  table.poll();
  assert.equal(table.takeAddressChange(), true);
});
