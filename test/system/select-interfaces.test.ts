// SPDX-License-Identifier: Apache-2.0
// Which interfaces patterns mean, on hosts that are lists of links.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseInterfacePatterns } from '../../src/interface-patterns.js';
import type { RouteLink } from '../../src/kernel/route-messages.js';
import { meaningOfPatterns, selectInterfaces } from '../../src/system/select-interfaces.js';
import { link, physical } from '../support/kernel/route-links.js';

function tableOf(links: readonly RouteLink[]): ReadonlyMap<number, RouteLink> {
  return new Map(links.map((one) => [one.index, one]));
}

function select(items: readonly string[], links: readonly RouteLink[], attached: readonly string[] = []) {
  const { names, notes } = selectInterfaces(parseInterfacePatterns(items), tableOf(links), {
    isAttached: (name) => attached.includes(name),
  });
  return { names, notes: Object.fromEntries(notes) };
}

const LO = link(1, 'lo', { linkType: 772 });
const VETHS = Array.from({ length: 300 }, (_, i) => link(1000 + i, `veth${i}`));

test('a GPU node: 16 ports, a bridge, hundreds of veths; auto takes the ports that are up', () => {
  const ports = Array.from({ length: 16 }, (_, i) =>
    physical(10 + i, `enp${i}s0np0`, { isUp: i !== 5, linkType: i < 8 ? 1 : 32 }),
  );
  const host = [LO, link(2, 'docker0'), ...ports, ...VETHS];
  const expected = ports.filter(({ isUp }) => isUp).map(({ name }) => name);
  assert.deepEqual(select(['auto'], host), { names: expected, notes: {} });
  assert.deepEqual(
    select(['auto'], host, ['enp5s0np0']).names.length,
    16,
    'what is attached stays when it goes down',
  );
  assert.deepEqual(select(['auto', '!enp1*'], host).names.length, 8);
  assert.deepEqual(select(['enp*np*'], host).names.length, 16, 'globs ask for no state');
  assert.deepEqual(select(['*', '!veth*', '!lo'], host).names, ['docker0', ...ports.map(({ name }) => name)]);
});

test('auto leaves out what is no network of ours: CAN, representors, loopback', () => {
  const host = [
    physical(2, 'can0', { linkType: 280 }),
    physical(3, 'p0', { physicalPortName: 'p0' }),
    physical(4, 'pf0vf0', { physicalPortName: 'pf0vf0' }),
    physical(5, 'pf0', { physicalPortName: 'c1pf0' }),
    LO,
  ];
  assert.deepEqual(select(['auto'], host).names, ['p0']);
});

const TWICE = (name: string, because: string): string =>
  `auto leaves out ${name}: its packets would be counted twice, as ${because} is attached`;

test('auto leaves out whose packets another one that is meant shows', () => {
  const bond = link(9, 'bond0');
  const ports = [
    physical(2, 'eth0', { masterIndex: 9 }),
    physical(3, 'eth1', { masterIndex: 9 }),
    physical(4, 'eth2'),
  ];
  assert.deepEqual(select(['auto', 'bond0'], [...ports, bond]), {
    names: ['eth2'],
    notes: { eth0: TWICE('eth0', 'bond0'), eth1: TWICE('eth1', 'bond0') },
  });
  assert.deepEqual(select(['auto', 'bond*'], [...ports, bond]).names, ['eth2', 'bond0']);
  assert.deepEqual(select(['auto'], [...ports, bond]).names, ['eth0', 'eth1', 'eth2'], 'a bond is virtual');
  assert.deepEqual(select(['auto', 'bond0'], ports).names, ['eth0', 'eth1', 'eth2'], 'there is no bond0');

  const vlan = link(10, 'bond0.7', { lowerIndex: 9 });
  assert.deepEqual(select(['auto', 'bond0.7'], [...ports, bond, vlan]).names, ['eth2'], 'a VLAN on the bond');
});

test('of two physical devices that show the same packets auto takes one', () => {
  const synthetic = [physical(2, 'eth0'), physical(3, 'enP1', { masterIndex: 2 })];
  assert.deepEqual(select(['auto'], synthetic), { names: ['eth0'], notes: { enP1: TWICE('enP1', 'eth0') } });
  const dsa = [physical(2, 'lan0', { lowerIndex: 5 }), physical(5, 'eth0')];
  assert.deepEqual(select(['auto'], dsa), { names: ['eth0'], notes: { lan0: TWICE('lan0', 'eth0') } });
  const ipoib = [
    physical(2, 'ib0', { linkType: 32 }),
    physical(3, 'ib0.8001', { linkType: 32, lowerIndex: 2 }),
  ];
  assert.deepEqual(select(['auto'], ipoib).names, ['ib0', 'ib0.8001'], 'partitions share no packets');
});

test('what matches nothing is told, and links that stand on one another in a circle end', () => {
  assert.deepEqual(select(['ib*', 'auto'], [LO, ...VETHS]).notes, {
    'ib*': 'no interface matches ib*',
    auto: 'no physical device is up, so auto means none',
  });
  const circle = [
    physical(2, 'a', { lowerIndex: 3 }),
    physical(3, 'b', { lowerIndex: 2 }),
    link(4, 'c', { masterIndex: 4 }),
  ];
  assert.ok(select(['auto', 'c'], circle).names.length < 2);
});

test('no name twice, none that is excluded, none of those that are awaited by name', () => {
  const item = fc.constantFrom('auto', 'e*', '*1', 'eth0', 'eth1', '!e*0', '!w*', 'w?', '[ew]*');
  const device = fc.record({
    isPhysical: fc.boolean(),
    isUp: fc.boolean(),
    masterIndex: fc.nat(8),
    lowerIndex: fc.nat(8),
  });
  const names = ['eth0', 'eth1', 'eth2', 'w0', 'w1', 'lo', 'x1', 'e10'];
  fc.assert(
    fc.property(fc.uniqueArray(item), fc.array(device, { maxLength: names.length }), (items, devices) => {
      const links = devices.map(({ isPhysical, ...rest }, i) =>
        (isPhysical ? physical : link)(i + 1, names[i] ?? '', rest),
      );
      const patterns = parseInterfacePatterns(items);
      const found = select(items, links).names;
      assert.equal(new Set(found).size, found.length);
      for (const name of found) {
        assert.ok(!patterns.exclusions.some((glob) => glob.matches(name)) && !patterns.names.includes(name));
        assert.ok(links.some((one) => one.name === name));
      }
      const meant = new Set(
        meaningOfPatterns(patterns, tableOf(links)).flatMap((one) =>
          one.kind === 'exclusion' ? [] : one.names,
        ),
      );
      for (const name of found) assert.ok(meant.has(name), `${name} is meant by nothing`);
    }),
    { numRuns: 1000 },
  );
});
