// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHostIpFollower } from '../../src/system/host-ip-follower.js';

function createRig(first: Readonly<Record<string, string>> = {}) {
  const rig = {
    nowMs: 0,
    /** By interface; those that are down are not in it. */
    addresses: first,
    looks: 0,
    fault: undefined as Error | undefined,
    changes: [] as [atMs: number, address: string][],
    /** A second at a time, as the daemon does it. */
    run(ms: number): void {
      for (let i = 0; i < ms; i += 1000) {
        rig.nowMs += 1000;
        follower.look();
        if (follower.adopt()) rig.changes.push([rig.nowMs, follower.current]);
      }
    },
    current: () => follower.current,
  };
  const follower = createHostIpFollower({
    clock: { nowMs: () => rig.nowMs },
    readAddresses() {
      rig.looks++;
      if (rig.fault !== undefined) throw rig.fault;
      return Object.fromEntries(Object.entries(rig.addresses).map(([name, text]) => [name, [info(text)]]));
    },
  });
  return rig;
}

function info(address: string): NetworkInterfaceInfo {
  return { address, netmask: '', mac: '', internal: false, cidr: null, family: 'IPv4' };
}

test('what is there at the start is there at once', () => {
  assert.equal(createRig({ eth0: '192.0.2.1' }).current(), '192.0.2.1');
});

test('the first address is taken as soon as it is there', () => {
  const rig = createRig();
  rig.run(2000);
  assert.equal(rig.current(), '');
  rig.addresses = { eth0: '192.0.2.1' };
  rig.run(1000);
  assert.equal(rig.current(), '192.0.2.1');
});

test('another one on the same interface is taken when it has been there for ten seconds', () => {
  const rig = createRig({ eth0: '192.0.2.1' });
  rig.addresses = { eth0: '192.0.2.2' };
  rig.run(9000);
  assert.equal(rig.current(), '192.0.2.1');
  rig.run(6000); // it is looked for every five
  assert.equal(rig.current(), '192.0.2.2');
});

test('the interface that comes before gets its address after the other: ten seconds later it counts', () => {
  const rig = createRig({ docker0: '172.17.0.1' });
  rig.addresses = { eth0: '192.0.2.1', docker0: '172.17.0.1' };
  rig.run(15_000);
  assert.equal(rig.current(), '192.0.2.1');
});

test('an address that is merely gone stays', () => {
  const rig = createRig({ eth0: '192.0.2.1' });
  rig.addresses = {};
  rig.run(3_600_000);
  assert.equal(rig.current(), '192.0.2.1');
});

test('a cable that is out for four minutes does not give the host the address of a bridge', () => {
  const rig = createRig({ eth0: '192.0.2.1', docker0: '172.17.0.1' });
  rig.addresses = { docker0: '172.17.0.1' };
  rig.run(240_000);
  rig.addresses = { eth0: '192.0.2.1', docker0: '172.17.0.1' };
  rig.run(240_000);
  assert.deepEqual(rig.changes, []);
  rig.addresses = { docker0: '172.17.0.1' };
  rig.run(400_000);
  assert.equal(rig.current(), '172.17.0.1');
});

test('addresses that cannot be read now change nothing', () => {
  const rig = createRig({ eth0: '192.0.2.1' });
  rig.fault = new Error('EMFILE');
  rig.run(60_000);
  assert.equal(rig.current(), '192.0.2.1');
  rig.fault = undefined;
  rig.addresses = { eth0: '192.0.2.2' };
  rig.run(20_000);
  assert.equal(rig.current(), '192.0.2.2');
});

test('looking is seldom once there is an address', () => {
  const rig = createRig({ eth0: '192.0.2.1' });
  rig.run(600_000);
  assert.ok(rig.looks <= 121, `${rig.looks} looks in ten minutes`);
});

test('law: however addresses come and go, two changes are five minutes apart, but for the first one', () => {
  const host = fc.record({
    addresses: fc.dictionary(
      fc.constantFrom('eth0', 'eth1'),
      fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3'),
    ),
    forMs: fc.constantFrom(1000, 3000, 11_000, 16_000, 60_000, 310_000),
  });
  fc.assert(
    fc.property(fc.array(host, { maxLength: 60 }), (steps) => {
      const rig = createRig();
      for (const { addresses, forMs } of steps) {
        rig.addresses = addresses;
        rig.run(forMs);
      }
      const [, ...rest] = rig.changes;
      for (const [i, [atMs]] of rest.entries()) {
        const formerMs = i === 0 ? Number.NEGATIVE_INFINITY : (rest[i - 1]?.[0] ?? 0);
        assert.ok(atMs - formerMs >= 300_000, JSON.stringify(rig.changes));
      }
    }),
  );
});

test('with events there is no look without one, and one a second at most with many', () => {
  let nowMs = 0;
  let looks = 0;
  let hasChanged = false;
  let address = '192.0.2.1';
  const follower = createHostIpFollower({
    clock: { nowMs: () => nowMs },
    readAddresses() {
      looks++;
      return { eth0: [info(address)] };
    },
    takeChange() {
      const taken = hasChanged;
      hasChanged = false;
      return taken;
    },
  });
  for (; nowMs < 60_000; nowMs += 250) follower.look();
  assert.equal(looks, 1);
  address = '192.0.2.9';
  for (const endMs = nowMs + 9750; nowMs < endMs; nowMs += 250) {
    hasChanged = true;
    follower.look();
  }
  assert.equal(looks, 11);
  assert.equal(follower.isDue, false);
  nowMs += 250;
  assert.equal(follower.isDue, true, 'its ten seconds pass without another event');
  assert.ok(follower.adopt());
  assert.equal(follower.current, '192.0.2.9');
});

test('the address of one interface, whatever others have; and one that is given', () => {
  const addresses: Record<string, NetworkInterfaceInfo[]> = { eth0: [info('192.0.2.1')] };
  const parts = { clock: { nowMs: () => 0 }, readAddresses: () => addresses };
  const follower = createHostIpFollower(parts, { kind: 'interface', name: 'lo9' });
  assert.equal(follower.current, '');
  addresses['lo9'] = [{ ...info('10.255.0.1'), internal: true }];
  const second = createHostIpFollower(parts, { kind: 'interface', name: 'lo9' });
  assert.equal(second.current, '10.255.0.1', 'one that was named may be internal');
  const given = createHostIpFollower(parts, { kind: 'address', address: '203.0.113.7' });
  given.look();
  assert.deepEqual([given.current, given.adopt()], ['203.0.113.7', false]);
});
