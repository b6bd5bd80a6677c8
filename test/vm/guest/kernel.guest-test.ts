// SPDX-License-Identifier: Apache-2.0
// That the guest is what it was made for, and that its verifier takes every program of the object:
// through bpftool, and through our own loader. Says what each program cost it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import process from 'node:process';
import { test } from 'node:test';
import { FRAMING } from '../../../src/abi/kinds.js';
import { loadKernelObject, programName } from '../../../src/kernel/load.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../../support/kernel/kernel-gate.js';
import { readProgramCost } from './program-cost.js';

/** BPF_COMPLEXITY_LIMIT_INSNS of include/linux/bpf.h: what the verifier looks at before it gives up. */
const VERIFIER_LIMIT = 1_000_000;

const PROGRAMS = Object.values(FRAMING).flatMap((framing) =>
  (['frags', 'plain'] as const).map((flavour) => programName(framing, flavour)),
);

test('the kernel is of the series that was asked for', (t) => {
  const series = process.env['XTRACE_VM_SERIES'];
  assert.ok(series !== undefined, 'XTRACE_VM_SERIES is set by whoever starts the guest');
  t.diagnostic(`Linux ${os.release()}`);
  assert.ok(os.release().startsWith(`${series}.`), os.release());
});

kernelTest('bpftool loads every program of the object', (t) => {
  const folder = `/sys/fs/bpf/xtrace-${process.pid}`;
  t.after(() => execFileSync('rm', ['-rf', folder]));
  execFileSync('bpftool', ['prog', 'loadall', PORTABLE_OBJECT_PATH, folder], { stdio: 'pipe' });
  const pinned = PROGRAMS.map((name) => {
    const text = execFileSync('bpftool', ['-j', 'prog', 'show', 'pinned', `${folder}/${name}`], {
      encoding: 'utf8',
    });
    return JSON.parse(text) as { type: string; jited: boolean };
  });
  assert.deepEqual(
    pinned.map(({ type, jited }) => ({ type, jited })),
    PROGRAMS.map(() => ({ type: 'xdp', jited: true })),
  );
});

kernelTest('our loader loads both flavours, far from the limit of the verifier', (t) => {
  const startedMs = performance.now();
  const object = loadKernelObject({
    objectPath: FLOW_OBJECT_PATH,
    portableObjectPath: PORTABLE_OBJECT_PATH,
    flowCapacity: 65_536,
  });
  const loadMs = performance.now() - startedMs;
  t.after(() => object.close());
  assert.deepEqual(object.flavours, ['frags', 'plain']);
  for (const name of PROGRAMS) {
    const cost = readProgramCost(object, name);
    t.diagnostic(
      `${name}: ${cost.instructions} instructions, ${cost.verifiedInstructions} looked at, ${cost.machineCodeBytes} bytes of machine code`,
    );
    assert.ok(cost.verifiedInstructions >= cost.instructions, name);
    // Half of it, so that another kernel's verifier, or the next feature, finds room.
    assert.ok(cost.verifiedInstructions < VERIFIER_LIMIT / 2, `${name}: ${cost.verifiedInstructions}`);
  }
  t.diagnostic(`loading all of it took ${loadMs.toFixed(0)} ms`);
});
