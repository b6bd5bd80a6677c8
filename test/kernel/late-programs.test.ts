// SPDX-License-Identifier: Apache-2.0
// Programs that are loaded when they are first asked for.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { FRAMING } from '../../src/abi/kinds.js';
import { KernelError } from '../../src/errors.js';
import { attachXdp } from '../../src/kernel/attach.js';
import { LatePrograms } from '../../src/kernel/late-programs.js';
import { type LoadOptions, loadKernelObject, openLoadParts } from '../../src/kernel/load.js';
import { openPrepared } from '../../src/kernel/prepare-object.js';
import { SWEEP_PROGRAM } from '../../src/kernel/sweep-run.js';
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
  const handles = new LatePrograms({
    libc: parts.libc,
    object,
    names: ['count_ethernet', 'count_l3_frags', SWEEP_PROGRAM],
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
  assert.equal(opened, 1, 'not verified again at each look');
  await assert.rejects(handles.programFdOffLoop('count_l3_frags'), KernelError);
  assert.ok((handles.programFd('count_ethernet') ?? -1) >= 0, 'the others are there');
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
    outcome.failures.map(({ errnoName }) => errnoName),
    ['EINVAL'],
  );
});
