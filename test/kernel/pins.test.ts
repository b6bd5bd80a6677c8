// SPDX-License-Identifier: Apache-2.0
// Pins in a real bpffs: what was loaded is found again as it was, halves of generations are tidied up, other
// versions are summed, and what is no pin of ours is refused with a sentence.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FRAMING, trafficType } from '../../src/abi/kinds.js';
import { ExporterError } from '../../src/errors.js';
import { openLibbpf, openLibc } from '../../src/kernel/ffi.js';
import type { KernelObject } from '../../src/kernel/kernel-object.js';
import { encodeMeta, type GenerationMeta } from '../../src/kernel/pins/generation-meta.js';
import { PinnedGeneration, pinMeta } from '../../src/kernel/pins/pinned-generation.js';
import { openPins, type Pins } from '../../src/kernel/pins/pins.js';
import type { LoadOptions } from '../../src/kernel/prepare-object.js';
import { mixedFlows } from '../support/frames/traffic-mix.js';
import { mountBpffs } from '../support/kernel/bpffs.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import { sendFrames } from '../support/kernel/sender.js';
import { createWire } from '../support/kernel/wire.js';
import { DrainSums, sorted } from '../support/oracle/drain-sums.js';

const OPTIONS: LoadOptions = {
  objectPath: FLOW_OBJECT_PATH,
  portableObjectPath: PORTABLE_OBJECT_PATH,
  flowCapacity: 512,
  slotsPerCpu: 256,
};

const warnings: string[] = [];

async function open(t: TestContext, path: string): Promise<Pins> {
  const pins = await openPins(path, (sentence) => warnings.push(sentence));
  t.after(() => pins.close());
  return pins;
}

function load(t: TestContext, pins: Pins, options: LoadOptions = OPTIONS) {
  const loaded = pins.load(options);
  t.after(() => {
    loaded.object.close();
    for (const predecessor of loaded.predecessors) predecessor.close();
  });
  return loaded;
}

/** All that a reader of maps goes by. */
function factsOf({ flavours, objectPath, maps }: KernelObject) {
  const { cpuCount, slotSizes, flowCapacity, roceCapacity, hashSeed, roceDerivation, psn } = maps;
  const sizes = [psn.sets.length, psn.windows.length];
  return {
    flavours,
    objectPath,
    cpuCount,
    slotSizes,
    flowCapacity,
    roceCapacity,
    hashSeed,
    roceDerivation,
    sizes,
  };
}

/** Changes what stands beside a generation. */
function rewriteMeta(folder: string, change: (meta: GenerationMeta) => Buffer): void {
  const libraries = { libbpf: openLibbpf(), libc: openLibc() };
  const generation = new PinnedGeneration(libraries, folder);
  unlinkSync(join(folder, 'meta'));
  pinMeta(libraries, folder, change(generation.meta));
  generation.close();
}

kernelTest('what was loaded is found as it was, with ports that are left out and without', async (t) => {
  const path = join(mountBpffs(t), 'xc');
  const ephemeralPorts = new Uint32Array(2048).fill(0xffff0000);
  for (const options of [OPTIONS, { ...OPTIONS, ephemeralPorts, mask4: new Uint8Array(24).fill(0xf0) }]) {
    const first = await open(t, path);
    const loaded = load(t, first, options);
    assert.equal(loaded.isTakenOver, false);
    const facts = factsOf(loaded.object);
    for (const predecessor of loaded.predecessors) predecessor.remove();
    loaded.object.close();
    first.close();

    const second = await open(t, path);
    const again = load(t, second, options);
    assert.equal(again.isTakenOver, true);
    assert.equal(again.id, loaded.id);
    assert.deepEqual(again.predecessors, []);
    assert.deepEqual(factsOf(again.object), facts);
    await again.object.maps.fence();
    await again.object.maps.psn.sweep(0);
    again.object.close();
    second.close();
  }
});

kernelTest('another size, seed or flavour is another generation', async (t) => {
  const path = join(mountBpffs(t), 'xc');
  const pins = await open(t, path);
  load(t, pins, { ...OPTIONS, hashSeed: 7 });
  const others: LoadOptions[] = [
    { ...OPTIONS, hashSeed: 8 },
    { ...OPTIONS, flowCapacity: 511 },
    { ...OPTIONS, slotsPerCpu: 128 },
    { ...OPTIONS, kindsWanted: [1, 1, 1] },
    { ...OPTIONS, flavours: ['plain'] },
  ];
  for (const [i, options] of others.entries()) {
    const { isTakenOver, predecessors } = load(t, pins, options);
    assert.equal(isTakenOver, false, JSON.stringify(options));
    assert.equal(predecessors.length, i + 1);
  }
  assert.equal(
    load(t, pins, { ...OPTIONS, hashSeed: 7 }).isTakenOver,
    true,
    'an older one may be the right one',
  );
});

kernelTest('another ABI version is summed by its description, flows, overflow and RoCE', async (t) => {
  const path = join(mountBpffs(t), 'xc');
  const wire = createWire('pf');
  t.after(() => wire.dispose());
  const pins = await open(t, path);
  const { object } = load(t, pins, { ...OPTIONS, flowCapacity: 8, slotsPerCpu: 64 });
  const ifindex = wire.sink.ifindex(wire.sinkDevice());
  const attached = pins.links.attach({
    object,
    ifindex,
    interfaceName: wire.sinkDevice(),
    framing: FRAMING.ethernet,
    mode: 'auto',
  });
  assert.ok(attached.attached);
  const frames = mixedFlows(23, 40);
  const sent = new DrainSums();
  for (let half = 0; half < 2; half++) {
    await sendFrames({ prefix: wire.source.enter, interface: wire.sourceDevice(), frames, repeat: 50 });
    for (const frame of frames) sent.addFrame(frame, 50);
    object.maps.writeEpoch(object.maps.readEpoch() === 0 ? 1 : 0);
  }
  attached.link.close();
  object.close();
  pins.close();
  rewriteMeta(join(path, 'generation-1'), (meta) => encodeMeta({ ...meta, abiVersion: 99 }));

  const later = await open(t, path);
  const { isTakenOver, predecessors } = load(t, later);
  assert.equal(isTakenOver, false);
  const [predecessor] = predecessors;
  assert.ok(predecessor !== undefined && !predecessor.isReadable);
  assert.deepEqual(
    later.links.letGoOfRest(() => false),
    [ifindex],
  );
  const types = new Map<string, { packets: number; bytes: number }>();
  for (const count of await predecessor.foreignCounts()) {
    assert.equal(count.ifindex, ifindex);
    const label = trafficType(count.kind).label;
    const { packets, bytes } = types.get(label) ?? { packets: 0, bytes: 0 };
    types.set(label, { packets: packets + count.packets, bytes: bytes + count.bytes });
  }
  assert.deepEqual(sorted(types), sorted(sent.types));
  predecessor.remove();
  assert.deepEqual(readdirSync(path).sort(), ['generation-2', 'links']);
});

kernelTest('halves of generations, as a crash leaves them at any step, are tidied up', async (t) => {
  const path = join(mountBpffs(t), 'xc');
  const first = await open(t, path);
  const { object, id } = load(t, first);
  object.close();
  first.close();
  const whole = join(path, 'generation-1');
  const pinned = ['programs', 'maps'].flatMap((kind) =>
    readdirSync(join(whole, kind)).map((name) => join(kind, name)),
  );
  // From the back: the first of many steps, some in the middle, and the last before the meta.
  for (const kept of [pinned.length, pinned.length - 4, 5, 1, 0]) {
    const pins = await open(t, path);
    const torn = load(t, pins, { ...OPTIONS, flowCapacity: 100 });
    torn.object.close();
    for (const predecessor of torn.predecessors) predecessor.close();
    pins.close();
    const half = join(path, 'generation-2');
    unlinkSync(join(half, 'meta'));
    for (const name of pinned.slice(kept)) unlinkSync(join(half, name));
    if (kept <= 1) rmdirSync(join(half, 'maps'));
    const next = await open(t, path);
    assert.ok(!existsSync(half), `${kept} pins left`);
    const taken = load(t, next);
    assert.deepEqual([taken.isTakenOver, taken.id, taken.predecessors], [true, id, []]);
    taken.object.close();
    next.close();
  }
});

kernelTest('a path that is no place for pins, one that is in use, and pins of other versions', async (t) => {
  const root = mountBpffs(t);
  const refusal = async (path: string): Promise<ExporterError> => {
    try {
      const pins = await openPins(path, () => undefined);
      try {
        pins.load(OPTIONS);
      } finally {
        pins.close();
      }
    } catch (error) {
      if (error instanceof ExporterError) return error;
      throw error;
    }
    return assert.fail(`${path} was taken`);
  };
  const nowhere = await refusal('/tmp/xtrace-no-such-folder/pins');
  assert.match(nowhere.message, /^kernel\.pin_path \/tmp\/\S+ is in no BPF file system: .*mount -t bpf/);
  assert.equal(nowhere.exitCode, 2);
  assert.match((await refusal(join(root, 'a.b'))).message, /cannot be made \(EPERM\); names .* no dots/);
  const path = join(root, 'xc');
  const pins = await open(t, path);
  const inUse = await refusal(path);
  assert.match(inUse.message, /in use by another xtrace-catch/);
  assert.equal(inUse.exitCode, 1);
  load(t, pins).object.close();
  pins.close();

  const folder = join(path, 'generation-1');
  const before = readdirSync(join(folder, 'maps'));
  rewriteMeta(folder, (meta) => {
    const bytes = encodeMeta(meta);
    bytes.writeUInt32LE(7, 4);
    return bytes;
  });
  assert.match((await refusal(path)).message, /generation-1 was pinned by a version .* \(layout 7, not 1\)/);
  assert.deepEqual(readdirSync(join(folder, 'maps')), before, 'it was left alone');
  unlinkSync(join(folder, 'meta'));
  pinMeta({ libbpf: openLibbpf(), libc: openLibc() }, folder, Buffer.alloc(64));
  assert.match((await refusal(path)).message, /was not pinned by xtrace-catch/);
});

kernelTest('what is no generation of ours is never touched', async (t) => {
  const root = mountBpffs(t);
  mkdirSync(join(root, 'generation-x'));
  mkdirSync(join(root, 'others'));
  const pins = await open(t, root);
  load(t, pins).object.close();
  pins.close();
  // The kernel shows two files of its own in the root of each bpffs.
  const names = readdirSync(root).filter((name) => !name.endsWith('.debug'));
  assert.deepEqual(names.sort(), ['generation-1', 'generation-x', 'links', 'others']);
  assert.deepEqual(warnings, []);
});
