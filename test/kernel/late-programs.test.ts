// SPDX-License-Identifier: Apache-2.0
// Programs that are loaded when they are first asked for.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { FRAMING } from '../../src/abi/kinds.js';
import { loadSweepFor } from '../../src/compose/open-kernel.js';
import { KernelError } from '../../src/errors.js';
import { attachXdp } from '../../src/kernel/attach.js';
import { ERRNO } from '../../src/kernel/errno.js';
import { LatePrograms } from '../../src/kernel/late-programs.js';
import { type LoadOptions, loadKernelObject, openLoadParts } from '../../src/kernel/load.js';
import { openPrepared } from '../../src/kernel/prepare-object.js';
import { SWEEP_PROGRAM } from '../../src/kernel/sweep-run.js';
import { resolveRun } from '../support/config/fixture-text.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import { runProgram } from '../support/kernel/program-run.js';

const OPTIONS: LoadOptions = {
  objectPath: FLOW_OBJECT_PATH,
  portableObjectPath: PORTABLE_OBJECT_PATH,
  flowCapacity: 64,
};

/** Programs in the kernel that this process holds. */
function programsHeld(): number {
  return readdirSync('/proc/self/fdinfo').filter((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').includes('prog_type:');
    } catch {
      return false; // of the folder itself, closed by now
    }
  }).length;
}

function load(t: TestContext, options: Partial<LoadOptions> = {}) {
  const object = loadKernelObject({ ...OPTIONS, ...options });
  t.after(() => object.close());
  return object;
}

kernelTest('one program is there after a load, and each other one once it is asked for', async (t) => {
  const before = programsHeld();
  const object = load(t);
  assert.equal(programsHeld() - before, 1);
  const [flavour = 'plain'] = object.flavours;
  const ethernet = object.programFd(FRAMING.ethernet, flavour);
  assert.equal(programsHeld() - before, 1, 'that of Ethernet');
  const l3 = object.programFd(FRAMING.l3, flavour);
  assert.equal(programsHeld() - before, 2);
  assert.equal(object.programFd(FRAMING.l3, flavour), l3, 'once');
  assert.notEqual(l3, ethernet);
  // Two at a time are one load as well.
  await Promise.all([object.maps.psn.sweep(0), object.maps.psn.sweep(1)]);
  assert.equal(programsHeld() - before, 3);
  object.close();
  assert.equal(programsHeld() - before, 0);
});

kernelTest('a program that is loaded late counts into the same maps', (t) => {
  const object = load(t, { slotsPerCpu: 64 });
  // A packet without a flow has a slot, too: its key is the reason.
  const hasSlot = (): boolean =>
    (['slots4', 'slots6'] as const).some((array) => {
      const { slots } = object.maps.slots(array, object.maps.readEpoch());
      return slots.some((byte) => byte !== 0);
    });
  assert.equal(hasSlot(), false);
  runProgram(object, 'count_l3', Buffer.alloc(60, 0x45));
  assert.equal(hasSlot(), true);
});

kernelTest('whole means every program at once', (t) => {
  const before = programsHeld();
  const { flavours } = load(t, { isWhole: true });
  assert.equal(programsHeld() - before, 3 * flavours.length + 1);
});

kernelTest('a program that the kernel refuses late is told in its words, and verified once', async (t) => {
  const parts = openLoadParts(OPTIONS);
  const attempt = { objectPath: FLOW_OBJECT_PATH, flavours: ['frags', 'plain'] } as const;
  const object = openPrepared(attempt, OPTIONS, parts, { programs: ['count_ethernet'] });
  // A section that libbpf does not know makes its programs EINVAL.
  const bytes = readFileSync(FLOW_OBJECT_PATH);
  for (let at = bytes.indexOf('xdp.frags\0'); at >= 0; at = bytes.indexOf('xdp.frags\0'))
    bytes.write('xdp.frogs', at);
  let opened = 0;
  let now = 0;
  const handles = new LatePrograms({
    libc: parts.libc,
    object,
    names: ['count_ethernet', 'count_l3_frags', SWEEP_PROGRAM],
    nowMs: () => now,
    openWith(name) {
      opened++;
      return openPrepared(attempt, OPTIONS, parts, { programs: [name], bytes });
    },
  });
  t.after(() => handles.close());
  assert.ok(object.load() === 0);
  assert.equal(handles.programFd('count_infiniband'), undefined, 'nobody may ask for it');
  assert.throws(() => handles.programFd('count_l3_frags'), KernelError);
  assert.throws(() => handles.programFd('count_l3_frags'), /the kernel refuses the BPF object \(EINVAL\)/);
  now += 1e9;
  assert.throws(() => handles.programFdSoon('count_l3_frags'), KernelError);
  assert.equal(opened, 1, 'not verified again, however long it is');
  await assert.rejects(handles.programFdOffLoop('count_l3_frags'), KernelError);
  assert.ok((handles.programFd('count_ethernet') ?? -1) >= 0, 'the others are there');
});

/** Programs over maps that are there, by a clock of the test's; what loading ends with can be given. */
function createLate(t: TestContext) {
  const parts = openLoadParts(OPTIONS);
  const attempt = { objectPath: FLOW_OBJECT_PATH, flavours: ['frags', 'plain'] } as const;
  const object = openPrepared(attempt, OPTIONS, parts, { programs: ['count_ethernet'] });
  const rig = { nowMs: 0, opened: 0, errno: 0 };
  const handles = new LatePrograms({
    libc: parts.libc,
    object,
    names: ['count_l3', SWEEP_PROGRAM],
    nowMs: () => rig.nowMs,
    openWith(name) {
      rig.opened++;
      const { errno } = rig;
      const late = openPrepared(attempt, OPTIONS, parts, { programs: [name], bytes: object.bytes });
      if (errno !== 0) Object.assign(late, { load: () => errno, loadOffLoop: async () => errno });
      return late;
    },
  });
  t.after(() => handles.close());
  assert.ok(object.load() === 0);
  return Object.assign(rig, { handles });
}

for (const [name, sentence] of [
  ['EMFILE', /"count_l3" cannot be loaded now: this process has as many files open as it may \(EMFILE\)/],
  ['ENFILE', /"count_l3" cannot be loaded now: this machine has as many files open as it may \(ENFILE\)/],
  ['ENOMEM', /"count_l3" cannot be loaded now: the kernel has no memory for it \(ENOMEM\)/],
  ['EAGAIN', /was interrupted each of the 5 times/],
] as const) {
  kernelTest(`a load that ends with ${name} is tried again, once a minute`, async (t) => {
    const rig = createLate(t);
    const tries = name === 'EAGAIN' ? 5 : 1;
    rig.errno = ERRNO[name];
    assert.throws(() => rig.handles.programFd('count_l3'), sentence);
    rig.nowMs = 59_999;
    assert.throws(() => rig.handles.programFd('count_l3'), sentence);
    assert.equal(rig.opened, tries);
    rig.nowMs = 60_000;
    await assert.rejects(rig.handles.programFdOffLoop('count_l3'), sentence);
    assert.equal(rig.opened, 2 * tries);
    rig.errno = 0;
    assert.throws(() => rig.handles.programFdSoon('count_l3'), sentence, 'a minute from the last try');
    rig.nowMs = 120_000;
    assert.ok((rig.handles.programFd('count_l3') ?? -1) >= 0);
  });
}

kernelTest('where there is no file descriptor left, a program is loaded once there is', async (t) => {
  const rig = createLate(t);
  const limit = (files: string): void => {
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${files}`]);
  };
  const before = /Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? '1024';
  const taken: number[] = [];
  const letGo = (): void => {
    for (const fd of taken.splice(0)) closeSync(fd);
  };
  t.after(() => {
    letGo();
    limit(`${before}:`);
  });
  limit('512:');
  assert.throws(() => {
    while (taken.length < 512) taken.push(openSync('/dev/null', 'r'));
  }, /EMFILE/);
  assert.throws(() => rig.handles.programFd('count_l3'), /as many files open as it may \(EMFILE\): raise/);
  letGo();
  assert.throws(() => rig.handles.programFd('count_l3'), /EMFILE/);
  rig.nowMs += 60_000;
  assert.ok((rig.handles.programFd('count_l3') ?? -1) >= 0);
});

kernelTest('who is patient is told that it is being loaded, then has it; or why not', async (t) => {
  const rig = createLate(t);
  assert.equal(rig.handles.programFdSoon('count_l3'), 'loading');
  assert.equal(rig.handles.programFdSoon('count_l3'), 'loading');
  await rig.handles.programFdOffLoop('count_l3');
  assert.ok(Number(rig.handles.programFdSoon('count_l3')) >= 0);
  assert.equal(rig.opened, 1);
  rig.errno = ERRNO.EACCES;
  assert.equal(rig.handles.programFdSoon(SWEEP_PROGRAM), 'loading');
  await assert.rejects(rig.handles.programFdOffLoop(SWEEP_PROGRAM));
  assert.throws(() => rig.handles.programFdSoon(SWEEP_PROGRAM), /\(EACCES\)/);
});

kernelTest('asked for both ways at once, a program is there once', async (t) => {
  const before = programsHeld();
  const { handles } = createLate(t);
  const soon = handles.programFdOffLoop('count_l3');
  const fd = handles.programFd('count_l3');
  assert.equal(await soon, fd);
  assert.equal(programsHeld() - before, 2);
});

kernelTest('a sweep that the kernel refuses is known when it is loaded, not when it is run', async (t) => {
  const object = load(t);
  const before = programsHeld();
  await object.loadSweep();
  assert.equal(programsHeld() - before, 1);
  const refused = { loadSweep: () => Promise.reject(new KernelError('bpf_object__load', 13, 'no')) };
  const roce = resolveRun({}).roce;
  assert.equal(roce.enabled, true);
  await assert.rejects(loadSweepFor({ roce }, { object: refused }), KernelError);
  await loadSweepFor({ roce: { ...roce, enabled: false } }, { object: refused });
});

kernelTest('a look that is patient attaches once the program is there', async (t) => {
  const object = load(t);
  const options = {
    object,
    ifindex: 0x7ffffff0,
    interfaceName: 'ib9',
    framing: FRAMING.infiniband,
    mode: 'generic',
    isPatient: true,
  } as const;
  const pending = attachXdp(options);
  assert.deepEqual(pending, {
    attached: false,
    isPending: true,
    failures: [],
    sentence: 'the program for ib9 is being loaded',
  });
  for (const flavour of object.flavours) await object.programFdOffLoop(FRAMING.infiniband, flavour);
  const outcome = attachXdp(options);
  assert.ok(!outcome.attached && outcome.isPending !== true);
  assert.equal(outcome.failures[0]?.errnoName, 'ENODEV');
});

kernelTest('an interface whose program is refused is not attached, and says why', (t) => {
  const object = load(t);
  const outcome = attachXdp({
    object: {
      ...object,
      flavours: ['frags'],
      programFd() {
        throw new KernelError('bpf_object__load', 22, 'the verifier has refused it');
      },
    },
    ifindex: 0x7ffffff0,
    interfaceName: 'ib9',
    framing: FRAMING.infiniband,
    mode: 'native',
  });
  assert.ok(!outcome.attached);
  assert.equal(outcome.sentence, 'XDP cannot be attached to ib9: native: the verifier has refused it');
  assert.deepEqual(
    outcome.failures.map(({ errnoName, isLoadRefusal }) => [errnoName, isLoadRefusal]),
    [['EINVAL', true]],
  );
});
