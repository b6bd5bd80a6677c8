// SPDX-License-Identifier: Apache-2.0
// When an interface is attached, lost and attached again. The kernel's side is a script here; the
// real one is in test/e2e.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING, type Framing } from '../../src/abi/kinds.js';
import { createAttachments, type PresentInterface } from '../../src/attach/attachments.js';
import { createInterfaceIds } from '../../src/attach/interface-ids.js';
import { loadReplacements, type Programs } from '../../src/attach/replace-program.js';
import { KernelError } from '../../src/errors.js';
import type { AttachFailure, AttachOutcome } from '../../src/kernel/attach.js';

function createRig(names: readonly string[]) {
  const present = new Map<string, PresentInterface>();
  const refusal = new Map<string, string>();
  /** What asking for an interface throws. */
  const faults = new Map<string, string>();
  const alive = new Set<number>();
  /** Programs that no link takes. */
  const refusesUpdate = new Set<number>();
  const failWith = { errnoName: 'EOPNOTSUPP', isLoadRefusal: false };
  /** Whose programs are being loaded; of others they are there. */
  const loading = new Set<string>();
  const chosen: { name?: string } = {};
  const events: string[] = [];
  const boundAtAttach: number[] = [];
  const ids = createInterfaceIds(names, (ifindex) => [...present].find(([, p]) => p.index === ifindex)?.[0]);
  const chooseInterface = () =>
    chosen.name === undefined ? undefined : { name: chosen.name, reason: `using ${chosen.name}` };
  const attachments = createAttachments(
    { names, chooseInterface },
    {
      ids,
      readInterface(name) {
        const fault = faults.get(name);
        if (fault !== undefined) throw new Error(fault);
        return present.get(name);
      },
      attach,
      onFailure: (name, { mode, errnoName }) => events.push(`failed ${name} ${mode} ${errnoName}`),
      onReattached: (name) => events.push(`again ${name}`),
      log: {
        info: (_fields, message) => events.push(`info ${message}`),
        warn: (_fields, message) => events.push(`warn ${message}`),
      },
    },
  );
  function close(ifindex: number): void {
    alive.delete(ifindex);
    events.push(`close ${ifindex}`);
  }
  function attach(
    name: string,
    ifindex: number,
    _framing: Framing = FRAMING.ethernet,
    isPatient = false,
  ): AttachOutcome {
    if (isPatient && loading.has(name))
      return { attached: false, isPending: true, failures: [], sentence: `loading for ${name}` };
    boundAtAttach.push(ids.idOf(ifindex));
    const sentence = refusal.get(name);
    const failure: AttachFailure = {
      mode: 'native',
      flavour: 'frags',
      errno: 95,
      ...failWith,
      advice: 'EOPNOTSUPP: no native XDP',
    };
    if (sentence !== undefined) return { attached: false, failures: [failure], sentence };
    alive.add(ifindex);
    events.push(`attach ${name} ${ifindex}`);
    return {
      attached: true,
      mode: 'generic',
      flavour: 'frags',
      failures: [failure],
      link: {
        ifindex,
        fd: -1,
        isAlive: () => alive.has(ifindex),
        update(programFd) {
          events.push(`update ${ifindex} to ${programFd}`);
          return refusesUpdate.has(programFd) ? { errno: 22, errnoName: 'EINVAL' } : undefined;
        },
        detach: () => close(ifindex),
        close: () => close(ifindex),
      },
    };
  }
  return {
    present,
    refusal,
    faults,
    alive,
    refusesUpdate,
    events,
    attachments,
    ids,
    boundAtAttach,
    failWith,
    loading,
    chosen,
    attach,
  };
}

test('an interface that goes and comes back keeps its number under a new ifindex', () => {
  const { present, events, attachments, ids, boundAtAttach } = createRig(['va', 'vb']);
  present.set('vb', { index: 7, framing: FRAMING.ethernet });
  attachments.check();
  assert.deepEqual(
    attachments.states.map(({ name, attached, mode }) => [name, attached, mode]),
    [
      ['va', false, undefined],
      ['vb', true, 'generic'],
    ],
  );
  assert.equal(attachments.framingOf(1), FRAMING.ethernet);
  assert.equal(attachments.framingOf(0), undefined);

  present.delete('vb');
  attachments.check();
  attachments.check();
  assert.equal(attachments.states[1]?.attached, false);
  assert.match(attachments.states[1]?.sentence ?? '', /vb is gone/);

  present.set('vb', { index: 9, framing: FRAMING.ethernet });
  attachments.check();
  assert.equal(attachments.states[1]?.ifindex, 9);
  assert.equal(ids.idOf(7), 1);
  assert.equal(ids.idOf(9), 1);
  assert.deepEqual(boundAtAttach, [1, 1], 'the ifindex has its number before the first packet can come');
  assert.deepEqual(
    events.filter((event) => !/^(warn|info)/.test(event)),
    [
      'attach vb 7',
      'failed vb native EOPNOTSUPP',
      'close 7',
      'attach vb 9',
      'failed vb native EOPNOTSUPP',
      'again vb',
    ],
  );
});

test('a device replaced under its name between two looks is noticed', () => {
  const { present, events, attachments } = createRig(['va']);
  present.set('va', { index: 3, framing: FRAMING.ethernet });
  attachments.check();
  present.set('va', { index: 4, framing: FRAMING.l3 });
  attachments.check();
  assert.equal(attachments.states[0]?.ifindex, 4);
  assert.equal(attachments.framingOf(0), FRAMING.l3);
  assert.ok(events.includes('close 3') && events.includes('again va'));
});

test('a program detached by someone else is attached again', () => {
  const { present, alive, events, attachments } = createRig(['va']);
  present.set('va', { index: 3, framing: FRAMING.ethernet });
  attachments.check();
  alive.delete(3);
  attachments.check();
  assert.equal(attachments.states[0]?.attached, true);
  assert.equal(events.filter((event) => event === 'attach va 3').length, 2);
});

test('a refusal is told once per reason, tried again, and leaves the others alone', () => {
  const { present, refusal, events, attachments } = createRig(['va', 'vb', 'vc']);
  present.set('va', { index: 3, framing: FRAMING.ethernet });
  present.set('vb', { index: 4, framing: FRAMING.ethernet });
  present.set('vc', { index: 5, framing: 'vc has link type 801, which is not supported' });
  refusal.set('va', 'another XDP program is there');
  attachments.check();
  attachments.check();
  assert.equal(attachments.states[0]?.sentence, 'another XDP program is there');
  assert.equal(attachments.states[1]?.attached, true);
  assert.match(attachments.states[2]?.sentence ?? '', /link type 801/);
  assert.equal(events.filter((event) => event === 'warn another XDP program is there').length, 1);
  assert.equal(events.filter((event) => event.startsWith('failed va')).length, 2);
  refusal.delete('va');
  attachments.check();
  assert.equal(attachments.states[0]?.attached, true);
});

test('an interface that cannot be looked at keeps what it has, and its trouble to itself', () => {
  const { present, faults, alive, events, attachments } = createRig(['va', 'vb']);
  faults.set('va', 'EIO');
  present.set('vb', { index: 4, framing: FRAMING.ethernet });
  attachments.check();
  attachments.check();
  assert.match(attachments.states[0]?.sentence ?? '', /va could not be checked: EIO/);
  assert.equal(attachments.states[1]?.attached, true);
  assert.equal(events.filter((event) => event.startsWith('warn')).length, 1, 'told once');
  faults.delete('va');
  faults.set('vb', 'EIO');
  present.set('va', { index: 3, framing: FRAMING.ethernet });
  attachments.check();
  assert.deepEqual([...alive].sort(), [3, 4]);
});

test('what is missing is told once, before it was ever there and after', () => {
  const { present, events, attachments } = createRig(['va']);
  attachments.check();
  attachments.check();
  present.set('va', { index: 3, framing: FRAMING.ethernet });
  attachments.check();
  present.delete('va');
  attachments.check();
  attachments.check();
  assert.deepEqual(
    events.filter((event) => event.startsWith('warn')),
    [
      'warn there is no interface va; it is attached when it appears',
      'warn interface va is gone; it is attached again when it comes back',
    ],
  );
});

test('where no interface was named, the one to take is asked for until one was attached', () => {
  const { present, events, attachments, ids, chosen } = createRig(['eth0']);
  attachments.check();
  assert.equal(attachments.states[0]?.name, 'eth0');
  chosen.name = 'ens3';
  attachments.check();
  assert.equal(attachments.states[0]?.name, 'ens3');
  assert.equal(ids.nameOf(0), 'ens3');
  chosen.name = 'ens4';
  present.set('ens4', { index: 4, framing: FRAMING.ethernet });
  attachments.check();
  attachments.check();
  assert.deepEqual([attachments.states[0]?.name, attachments.states[0]?.attached], ['ens4', true]);
  assert.equal(ids.nameOf(ids.idOf(4)), 'ens4');
  present.delete('ens4');
  chosen.name = 'ens5';
  present.set('ens5', { index: 5, framing: FRAMING.ethernet });
  attachments.check();
  assert.equal(attachments.states[0]?.name, 'ens4', 'its series go on when it comes back');
  assert.deepEqual(
    events.filter((event) => /^(info|warn|attach)/.test(event)),
    [
      'warn there is no interface eth0; it is attached when it appears',
      'info using ens3',
      'warn there is no interface ens3; it is attached when it appears',
      'info using ens4',
      'attach ens4 4',
      'info attached to ens4 in generic mode',
      'warn interface ens4 is gone; it is attached again when it comes back',
    ],
  );
});

test('a lack of privilege is told from what waiting can mend', () => {
  const { present, refusal, attachments, failWith } = createRig(['va']);
  present.set('va', { index: 3, framing: FRAMING.ethernet });
  refusal.set('va', 'XDP cannot be attached');
  attachments.check();
  assert.equal(attachments.states[0]?.lacksPrivilege, false);
  failWith.errnoName = 'EPERM';
  attachments.check();
  assert.equal(attachments.states[0]?.lacksPrivilege, true);
  present.delete('va');
  attachments.check();
  assert.equal(attachments.states[0]?.lacksPrivilege, false);
});

test('that no program is taken is known of what is named, and of nothing that failed otherwise', () => {
  const { present, refusal, attachments, failWith } = createRig(['va']);
  present.set('va', { index: 3, framing: FRAMING.l3 });
  refusal.set('va', 'the verifier will not');
  attachments.check();
  assert.equal(attachments.states[0]?.isLoadRefused, false);
  failWith.isLoadRefusal = true;
  attachments.check();
  assert.equal(attachments.states[0]?.isLoadRefused, true);
  present.delete('va');
  attachments.check();
  assert.equal(attachments.states[0]?.isLoadRefused, false);
});

test('the first look loads what it needs; a later one leaves that to the look after it', () => {
  const { present, refusal, loading, events, attachments, ids } = createRig(['va', 'vb']);
  loading.add('va').add('vb');
  present.set('va', { index: 3, framing: FRAMING.ethernet });
  attachments.check();
  assert.equal(attachments.states[0]?.attached, true);
  present.set('vb', { index: 4, framing: FRAMING.l3 });
  events.length = 0;
  for (let look = 0; look < 2; look++) attachments.check();
  assert.equal(attachments.states[1]?.attached, false);
  assert.equal(events.length, 0, 'nothing is told before it is known');
  loading.clear();
  refusal.set('vb', 'the verifier will not');
  attachments.check();
  assert.deepEqual(events, ['failed vb native EOPNOTSUPP', 'warn the verifier will not']);
  loading.add('vb');
  attachments.check();
  loading.clear();
  attachments.check();
  assert.equal(events.filter((event) => event.startsWith('warn')).length, 1, 'the same reason is told once');
  refusal.clear();
  attachments.check();
  assert.equal(attachments.states[1]?.attached, true);
  assert.equal(ids.nameOf(ids.idOf(4)), 'vb');
});

test('close detaches all', () => {
  const { present, alive, attachments } = createRig(['va', 'vb']);
  present.set('va', { index: 3, framing: FRAMING.ethernet });
  present.set('vb', { index: 4, framing: FRAMING.ethernet });
  attachments.check();
  attachments.close();
  assert.equal(alive.size, 0);
  assert.deepEqual(
    attachments.states.map((state) => state.attached),
    [false, false],
  );
});

test('an ifindex nobody named gets a number under its name, and never without bound', () => {
  const ids = createInterfaceIds(['bond0'], (ifindex) => (ifindex < 1000 ? `port${ifindex}` : undefined));
  ids.bind(2, 0);
  assert.equal(ids.nameOf(ids.idOf(2)), 'bond0');
  assert.equal(ids.nameOf(ids.idOf(5)), 'port5');
  assert.equal(ids.idOf(5), ids.idOf(5));
  assert.equal(ids.nameOf(ids.idOf(5000)), 'ifindex_5000');
  const names = new Set<string>();
  for (let ifindex = 10_000; ifindex < 11_000; ifindex++) names.add(ids.nameOf(ids.idOf(ifindex)));
  assert.ok(names.has('unknown'));
  assert.ok(names.size <= 257);
});

/** What another object offers: program 10 + framing takes frames of several buffers, 20 + framing does not. */
function otherPrograms({ attach }: ReturnType<typeof createRig>, changes: Partial<Programs> = {}): Programs {
  return {
    flavours: ['frags', 'plain'],
    attachMode: 'auto',
    programFd: (framing, flavour) => (flavour === 'frags' ? 10 : 20) + framing,
    programFdOffLoop: async (framing, flavour) => (flavour === 'frags' ? 10 : 20) + framing,
    attach: (name, ifindex) => attach(`${name}, by the others,`, ifindex),
    ...changes,
  };
}

test('other programs take the place of those that are attached, by framing', () => {
  const rig = createRig(['va', 'vb', 'vc']);
  rig.present.set('va', { index: 3, framing: FRAMING.ethernet });
  rig.present.set('vc', { index: 5, framing: FRAMING.l3 });
  rig.attachments.check();
  rig.events.length = 0;
  rig.attachments.replacePrograms(otherPrograms(rig));
  assert.deepEqual(rig.events, ['update 3 to 10', 'update 5 to 12']);
  rig.present.set('vb', { index: 4, framing: FRAMING.ethernet });
  rig.attachments.check();
  assert.ok(rig.events.includes('attach vb, by the others, 4'));
});

test('a flavour that is refused leaves it to the other one', () => {
  const rig = createRig(['va']);
  rig.present.set('va', { index: 3, framing: FRAMING.ethernet });
  rig.attachments.check();
  rig.refusesUpdate.add(10);
  rig.attachments.replacePrograms(otherPrograms(rig));
  assert.equal(rig.attachments.states[0]?.attached, true);
  assert.equal(rig.attachments.states[0]?.frags, false);
  rig.events.length = 0;
  rig.attachments.replacePrograms(otherPrograms(rig));
  assert.deepEqual(rig.events, ['update 3 to 20'], 'what it is known to take comes first');
});

test('a link that takes no other program, or is in another mode, is attached anew, and it is said', () => {
  const rig = createRig(['va', 'vb']);
  rig.present.set('va', { index: 3, framing: FRAMING.ethernet });
  rig.attachments.check();
  rig.events.length = 0;
  rig.refusesUpdate.add(10).add(20);
  rig.attachments.replacePrograms(otherPrograms(rig));
  assert.deepEqual(
    rig.events.filter((event) => !event.startsWith('failed')),
    [
      'update 3 to 10',
      'update 3 to 20',
      'close 3',
      'warn the program on va could not be replaced (frags: EINVAL, plain: EINVAL); it is attached anew',
      'attach va, by the others, 3',
      'again va',
      'info attached to va in generic mode',
    ],
  );
  rig.events.length = 0;
  rig.attachments.replacePrograms(otherPrograms(rig, { attachMode: 'native' }));
  assert.deepEqual(rig.events.slice(0, 2), [
    'close 3',
    'warn va is attached in generic mode, and native mode is asked for; it is attached anew',
  ]);
  assert.equal(rig.attachments.states[0]?.attached, true);
  rig.refusal.set('va, by the others,', 'the driver will not');
  rig.attachments.replacePrograms(otherPrograms(rig, { flavours: [] }));
  assert.deepEqual(
    rig.attachments.states.map(({ attached, sentence }) => [attached, sentence]),
    [
      [false, 'the driver will not'],
      [false, 'there is no interface vb'],
    ],
  );
});

test('what is to be put in is loaded before, in the flavour that is in use, for what is attached', async () => {
  const rig = createRig(['va', 'vb', 'vc']);
  rig.present.set('va', { index: 3, framing: FRAMING.ethernet });
  rig.present.set('vb', { index: 4, framing: FRAMING.l3 });
  rig.attachments.check();
  rig.refusesUpdate.add(10);
  rig.attachments.replacePrograms(otherPrograms(rig)); // va in plain
  const asked: string[] = [];
  const programs = otherPrograms(rig, {
    async programFdOffLoop(framing, flavour) {
      asked.push(`${framing} ${flavour}`);
      return framing === FRAMING.l3 && flavour === 'frags' ? undefined : 1;
    },
  });
  await loadReplacements(rig.attachments.states, programs);
  assert.deepEqual(asked, [
    `${FRAMING.ethernet} plain`,
    `${FRAMING.l3} frags`,
    `${FRAMING.l3} plain`, // of frags there is none
  ]);
  const refusal = new KernelError('bpf_object__load', 13, 'the verifier will not');
  const refusing = otherPrograms(rig, { programFdOffLoop: () => Promise.reject(refusal) });
  await assert.rejects(loadReplacements(rig.attachments.states, refusing), refusal);
});
