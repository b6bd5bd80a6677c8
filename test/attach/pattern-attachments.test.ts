// SPDX-License-Identifier: Apache-2.0
// Interfaces that patterns match: attached, followed through names, let go, and bounded in every way.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING } from '../../src/abi/kinds.js';
import { createAttachments } from '../../src/attach/attachments.js';
import { createInterfaceIds } from '../../src/attach/interface-ids.js';

function createRig(names: readonly string[] = []) {
  /** ifindex -> name. */
  const present = new Map<number, string>();
  const rig = {
    present,
    matches: undefined as { names: readonly string[]; notes: ReadonlyMap<string, string> } | undefined,
    alive: new Set<number>(),
    events: [] as string[],
    refuse: new Set<string>(),
    match(...matched: readonly string[]): void {
      rig.matches = { names: matched, notes: new Map() };
      attachments.check();
    },
  };
  const ids = createInterfaceIds(names, (ifindex) => present.get(ifindex));
  const readMatches = () => {
    const { matches } = rig;
    rig.matches = undefined;
    return matches;
  };
  const attachments = createAttachments(
    { names, readMatches },
    {
      ids,
      nameOfIndex: (ifindex) => present.get(ifindex),
      readInterface(name) {
        const [index] = [...present].find(([, other]) => other === name) ?? [];
        return index === undefined ? undefined : { index, framing: FRAMING.ethernet };
      },
      attach(name, ifindex) {
        if (rig.refuse.has(name)) return { attached: false, failures: [], sentence: `${name} is taken` };
        rig.alive.add(ifindex);
        rig.events.push(`attach ${name}`);
        return {
          attached: true,
          mode: 'native',
          flavour: 'frags',
          failures: [],
          link: {
            ifindex,
            fd: -1,
            isAlive: () => rig.alive.has(ifindex),
            update: () => undefined,
            detach: () => void rig.alive.delete(ifindex),
            close: () => void rig.alive.delete(ifindex),
          },
        };
      },
      onFailure: () => undefined,
      onReattached: (name) => rig.events.push(`again ${name}`),
      log: { info: () => undefined, warn: (_fields, message) => rig.events.push(`warn ${message}`) },
    },
  );
  const states = (): unknown => attachments.states.map(({ name, attached }) => [name, attached]);
  return Object.assign(rig, { ids, attachments, states });
}

test('what matches is attached, what does so no more is let go, and its number waits for its name', () => {
  const rig = createRig(['bond0']);
  rig.present.set(2, 'eth0').set(3, 'eth1');
  rig.match('eth0', 'eth1');
  assert.deepEqual(rig.states(), [
    ['bond0', false],
    ['eth0', true],
    ['eth1', true],
  ]);
  const id = rig.ids.idOf(2);
  assert.equal(rig.attachments.framingOf(id), FRAMING.ethernet);
  rig.present.delete(2);
  rig.match('eth1');
  assert.deepEqual(rig.states(), [
    ['bond0', false],
    ['eth1', true],
  ]);
  assert.deepEqual([...rig.alive], [3]);
  assert.equal(rig.ids.idOf(2), id, 'its last counts are still in the kernel');
  rig.present.set(9, 'eth0');
  rig.match('eth0', 'eth1');
  assert.equal(rig.ids.idOf(9), id);
  assert.ok(rig.events.includes('again eth0'));
});

test('a device under a new name goes on in its link, where that name is meant', () => {
  const rig = createRig(['lan0']);
  rig.present.set(2, 'eth0').set(3, 'eth1');
  rig.match('eth0', 'eth1');
  rig.events.length = 0;
  rig.present.set(2, 'eth5').set(3, 'lan0');
  rig.match('eth5');
  assert.deepEqual(rig.states(), [
    ['lan0', true],
    ['eth5', true],
  ]);
  assert.deepEqual(rig.events, [], 'nothing was attached anew');
  assert.deepEqual([rig.ids.nameOf(rig.ids.idOf(2)), rig.ids.nameOf(rig.ids.idOf(3))], ['eth5', 'lan0']);
});

test('two names that change hands are both attached in the end', () => {
  const rig = createRig();
  rig.present.set(2, 'eth0').set(3, 'eth1');
  rig.match('eth0', 'eth1');
  rig.present.set(2, 'eth1').set(3, 'eth0');
  rig.match('eth0', 'eth1');
  rig.attachments.check();
  assert.deepEqual(
    rig.attachments.states.map(({ name, ifindex }) => [name, ifindex]),
    [
      ['eth0', 3],
      ['eth1', 2],
    ],
  );
});

test('what patterns do not match is told once, and again when it is so again', () => {
  const rig = createRig();
  const notes = new Map([['ib*', 'no interface matches ib*']]);
  const check = (now: ReadonlyMap<string, string>): void => {
    rig.matches = { names: [], notes: now };
    rig.attachments.check();
  };
  check(notes);
  check(notes);
  assert.deepEqual(rig.attachments.sentences, ['no interface matches ib*']);
  check(new Map());
  assert.deepEqual(rig.attachments.sentences, []);
  check(notes);
  assert.deepEqual(rig.events, ['warn no interface matches ib*', 'warn no interface matches ib*']);
});

test('more than 512 at a time are refused and counted, and take the places that come free', () => {
  const rig = createRig();
  const names = Array.from({ length: 600 }, (_, i) => `v${i}`);
  for (const [i, name] of names.entries()) rig.present.set(i + 1, name);
  rig.match(...names);
  assert.deepEqual([rig.alive.size, rig.attachments.refused], [512, 88]);
  assert.match(
    rig.events.find((event) => event.startsWith('warn')) ?? '',
    /v512 and 87 more are not counted/,
  );
  rig.match(...names);
  assert.equal(rig.attachments.refused, 88, 'they are the same');
  rig.present.delete(1);
  rig.match(...names.slice(1));
  assert.deepEqual([rig.alive.size, rig.attachments.refused], [512, 88]);
});

test('a hundred thousand short-lived names take no more numbers than are bounded', () => {
  const rig = createRig(['eth0']);
  for (let i = 1; i <= 100_000; i += 100) {
    const names = Array.from({ length: 100 }, (_, k) => `v${i + k}`);
    for (const [k, name] of names.entries()) rig.present.set(i + k, name);
    rig.match(...names);
    for (let k = 0; k < 100; k++) rig.present.delete(i + k);
    rig.match();
  }
  assert.equal(rig.attachments.states.length, 1);
  assert.equal(rig.alive.size, 0);
  rig.present.set(200_000, 'v200000');
  rig.match('v200000');
  const id = rig.ids.idOf(200_000);
  assert.equal(rig.ids.nameOf(id), 'other');
  assert.ok(id <= 1 + 1024, `number ${id}`);
  assert.equal(rig.ids.nameOf(rig.ids.claim('v1')), 'v1', 'the first keep theirs');
  assert.equal(rig.ids.boundTo(1), undefined, 'ifindexes are forgotten in the end');
  assert.equal(rig.ids.boundTo(99_999), id, 'not those whose counts may still come');
});

test('an attach that fails leaves no trace of its number, and is told by its own', () => {
  const rig = createRig();
  rig.refuse.add('eth0');
  rig.present.set(2, 'eth0');
  rig.match('eth0');
  assert.deepEqual(rig.attachments.sentences, ['eth0 is taken']);
  rig.refuse.clear();
  rig.attachments.check();
  assert.equal(rig.ids.nameOf(rig.ids.idOf(2)), 'eth0');
});
