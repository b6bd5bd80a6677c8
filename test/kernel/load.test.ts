// SPDX-License-Identifier: Apache-2.0
// Loading the built object into this kernel, and being refused.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FRAMING } from '../../src/abi/kinds.js';
import { ABI_VERSION } from '../../src/abi/layout.js';
import { AbiError, KernelError } from '../../src/errors.js';
import { errnoName } from '../../src/kernel/errno.js';
import { type LoadOptions, loadKernelObject, programName } from '../../src/kernel/load.js';
import { slotBytes } from '../../src/kernel/slot-sizing.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import { runProgram } from '../support/kernel/program-run.js';

const XDP_PASS = 2;
const LOAD_ONCE = fileURLToPath(new URL('./load-once.js', import.meta.url));
const LOAD_UNDER_SIGNALS = fileURLToPath(new URL('./load-under-signals.js', import.meta.url));

function load(t: TestContext, options: Partial<LoadOptions> = {}) {
  const object = loadKernelObject({
    objectPath: FLOW_OBJECT_PATH,
    ...(options.objectPath === undefined && { portableObjectPath: PORTABLE_OBJECT_PATH }),
    flowCapacity: 64,
    ...options,
  });
  t.after(() => object.close());
  return object;
}

/** An object after a change of its bytes, as a file up to the end of the test. */
async function changedObject(
  t: TestContext,
  change: (bytes: Buffer) => void,
  original: string = PORTABLE_OBJECT_PATH,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'xtrace-load-'));
  t.after(() => rm(folder, { recursive: true }));
  const bytes = await readFile(original);
  change(bytes);
  const path = join(folder, 'changed.bpf.o');
  await writeFile(path, bytes);
  return path;
}

/** Where the one occurrence is. */
function placeOf(bytes: Buffer, needle: Buffer | string): number {
  const at = bytes.indexOf(needle);
  assert.ok(at > 0 && bytes.indexOf(needle, at + 1) < 0, 'it stands once in the object');
  return at;
}

/** abi_version, cpu_count, hash_seed and the four sets as bpf/options.h initialises them. */
const INITIAL_OPTIONS = Buffer.from(new Uint32Array([ABI_VERSION, 1, 0, 1, 1, 1, 1]).buffer);

kernelTest('every framing has its program, in every flavour that the kernel took', (t) => {
  const object = load(t);
  assert.ok(object.flavours.includes('plain'));
  for (const flavour of object.flavours) {
    for (const framing of Object.values(FRAMING)) {
      assert.ok((object.programFd(framing, flavour) ?? -1) >= 0, programName(framing, flavour));
    }
  }
});

kernelTest('the plain flavour alone leaves the frags programs out', (t) => {
  const object = load(t, { flavours: ['plain'] });
  assert.deepEqual(object.flavours, ['plain']);
  assert.equal(object.programFd(FRAMING.ethernet, 'frags'), undefined);
  assert.ok((object.programFd(FRAMING.ethernet, 'plain') ?? -1) >= 0);
});

kernelTest('where the frags programs are refused, the plain ones are loaded alone', async (t) => {
  // A section that libbpf does not know makes its programs EINVAL, as an old kernel does.
  const objectPath = await changedObject(t, (bytes) => {
    for (let at = bytes.indexOf('xdp.frags\0'); at >= 0; at = bytes.indexOf('xdp.frags\0')) {
      bytes.write('xdp.frogs', at);
    }
  });
  const object = load(t, { objectPath });
  assert.deepEqual(object.flavours, ['plain']);
  assert.equal(object.programFd(FRAMING.ethernet, 'frags'), undefined);
  assert.equal(runProgram(object, 'count_ethernet', Buffer.alloc(60)).retval, XDP_PASS);
  assert.throws(() => load(t, { objectPath, flavours: ['frags'] }), KernelError);
});

kernelTest('where the kernel does not show its types, the portable object is loaded whole', async (t) => {
  // A kernel function that no kernel has: as on Linux before 6.2.
  const objectPath = await changedObject(
    t,
    (bytes) => {
      for (
        let at = bytes.indexOf('bpf_cast_to_kern_ctx\0');
        at >= 0;
        at = bytes.indexOf('bpf_cast_to_kern_ctx\0')
      ) {
        bytes.write('bpf_cast_to_kern_xyz', at);
      }
    },
    FLOW_OBJECT_PATH,
  );
  const object = load(t, { objectPath, portableObjectPath: PORTABLE_OBJECT_PATH });
  assert.equal(object.objectPath, PORTABLE_OBJECT_PATH);
  assert.deepEqual(object.flavours, ['frags', 'plain']);
  assert.equal(runProgram(object, 'count_ethernet_frags', Buffer.alloc(60)).retval, XDP_PASS);
  assert.throws(() => load(t, { objectPath }), KernelError);
});

kernelTest('slots are as many as the bound allows, over all possible CPUs', (t) => {
  const { maps } = load(t, { slotsPerCpu: 4096, maxSlotBytes: 65536 });
  const { sets } = maps.slotSizes.arrays.slots4;
  assert.ok(sets < 1024);
  assert.equal(maps.slots('slots4', 0).slots.length, maps.cpuCount * sets * 128);
  assert.ok(slotBytes(maps.slotSizes) <= 65536 || sets === 1);
  assert.equal(maps.flowCapacity, 64);
});

kernelTest('an object of another ABI version is refused, with both numbers', async (t) => {
  const objectPath = await changedObject(t, (bytes) => {
    bytes.writeUInt32LE(ABI_VERSION + 41, placeOf(bytes, INITIAL_OPTIONS));
  });
  assert.throws(
    () => load(t, { objectPath }),
    (error) =>
      error instanceof AbiError &&
      error.message.includes(`expects ${ABI_VERSION},`) &&
      error.message.includes(`has ${ABI_VERSION + 41};`),
  );
});

kernelTest('a mask of the wrong length is refused', (t) => {
  assert.throws(() => load(t, { mask4: new Uint8Array(23) }), AbiError);
});

kernelTest('closed maps refuse every use, and views of them read zeros', async (t) => {
  const object = load(t);
  const { slots } = object.maps.slots('slots4', 0);
  slots[0] = 7;
  object.close();
  object.close();
  assert.equal(slots[0], 0);
  assert.throws(() => object.maps.readEpoch(), KernelError);
  assert.throws(() => object.maps.writeEpoch(1), KernelError);
  assert.throws(() => object.maps.slots('slots4', 0), KernelError);
  assert.throws(() => object.mapFd('slots4'), KernelError);
  await assert.rejects(object.maps.fence(), KernelError);
  await assert.rejects(
    object.maps.drain('flows4', 0, () => undefined),
    KernelError,
  );
});

kernelTest('a flow map too large for the kernel is an error with a sentence', (t) => {
  assert.throws(
    () => load(t, { flowCapacity: 0xffff_ffff }),
    (error) =>
      error instanceof KernelError && error.errno > 0 && error.message.includes(errnoName(error.errno)),
  );
});

/** Loads in a child whose capabilities are bounded to these; returns its exit code and output. */
function loadWithCapabilities(capabilities: string) {
  const args = [
    '--bounding-set',
    capabilities,
    process.execPath,
    LOAD_ONCE,
    FLOW_OBJECT_PATH,
    PORTABLE_OBJECT_PATH,
  ];
  const { status, stdout, stderr } = spawnSync('setpriv', args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

for (const capabilities of ['-all', '-all,+bpf', '-all,+net_admin', '-all,+bpf,+net_admin']) {
  kernelTest(`without privilege (${capabilities}): one sentence, and nothing on the terminal`, () => {
    const { status, stdout, stderr } = loadWithCapabilities(capabilities);
    assert.equal(status, 1, stderr);
    assert.equal(stderr, '');
    assert.match(
      stdout,
      /^NO_PRIVILEGE loading XDP programs needs [^\n]*CAP_BPF[^\n]*CAP_NET_ADMIN[^\n]*\n$/,
    );
  });
}

kernelTest('the three capabilities are enough', () => {
  const { status, stdout, stderr } = loadWithCapabilities('-all,+bpf,+net_admin,+perfmon');
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  assert.equal(stdout, 'loaded\n');
});

kernelTest('signals that come faster than a program is verified do not stop the load', (t) => {
  const { objectPath, flavours } = load(t);
  const args = [LOAD_UNDER_SIGNALS, FLOW_OBJECT_PATH, PORTABLE_OBJECT_PATH];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  // The same as without them, nothing more modest.
  assert.equal(stdout, `loaded ${objectPath} ${flavours}\n`, stderr);
  assert.equal(status, 0);
});
