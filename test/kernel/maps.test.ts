// SPDX-License-Identifier: Apache-2.0
// The maps of a loaded object on this kernel: what is put in comes out, once, whatever the batch.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { FLOW_SLOT4, MARK_LINE_BYTES } from '../../src/abi/layout.js';
import { callAsync } from '../../src/kernel/ffi.js';
import type { Half, IpVersion } from '../../src/kernel/kernel-maps.js';
import { type KernelObject, type LoadOptions, loadKernelObject } from '../../src/kernel/load.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import { runProgram } from '../support/kernel/program-run.js';

const KEY_BYTES: Readonly<Record<IpVersion, number>> = { 4: 24, 6: 48 };
const COUNT_BYTES = 16;
const LOOPBACK = 1;
const BPF_MAP_TYPE_ARRAY_OF_MAPS = 12;

/** Ethernet, IPv4 10.0.0.1 -> 10.0.0.2, UDP 1000 -> 2000, padded to 60 bytes. */
const FRAME = Buffer.alloc(60);
FRAME.set([0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 12);
FRAME.set([0x03, 0xe8, 0x07, 0xd0, 0, 26, 0, 0], 34);

function load(t: TestContext, options: Partial<LoadOptions> = {}): KernelObject {
  const object = loadKernelObject({
    objectPath: FLOW_OBJECT_PATH,
    portableObjectPath: PORTABLE_OBJECT_PATH,
    flowCapacity: 65536,
    slotsPerCpu: 64,
    ...options,
  });
  t.after(() => object.close());
  return object;
}

/** Distinct keys, and counts by which each is known. */
function makeEntries(ipVersion: IpVersion, count: number): { keys: Buffer; counts: Buffer } {
  const keys = Buffer.alloc(count * KEY_BYTES[ipVersion]);
  const counts = Buffer.alloc(count * COUNT_BYTES);
  for (let i = 0; i < count; i++) {
    keys.writeUInt32LE(i, i * KEY_BYTES[ipVersion]);
    counts.writeUInt32LE(i + 1, i * COUNT_BYTES);
    counts.writeUInt32LE(7 * i, i * COUNT_BYTES + 8);
  }
  return { keys, counts };
}

function insert(
  object: KernelObject,
  ipVersion: IpVersion,
  half: Half,
  entries: { keys: Buffer; counts: Buffer },
): void {
  const count = Buffer.alloc(4);
  count.writeUInt32LE(entries.counts.length / COUNT_BYTES);
  const { libbpf } = object;
  const fd = object.mapFd(`flows${ipVersion}_${half}`);
  assert.equal(libbpf.bpf_map_update_batch(fd, entries.keys, entries.counts, count, libbpf.memory.NULL), 0);
}

/** Drains; number in the key -> [packets, bytes], and how many entries each batch had. */
async function drain(object: KernelObject, ipVersion: IpVersion, half: Half) {
  const flows = new Map<number, [number, number]>();
  const batches: number[] = [];
  await object.maps.drain(`flows${ipVersion}`, half, (keys, counts, count) => {
    batches.push(count);
    const keyView = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
    const countView = new DataView(counts.buffer, counts.byteOffset, counts.byteLength);
    assert.equal(keyView.byteLength, count * KEY_BYTES[ipVersion]);
    assert.equal(countView.byteLength, count * COUNT_BYTES);
    for (let i = 0; i < count; i++) {
      const id = keyView.getUint32(i * KEY_BYTES[ipVersion], true);
      assert.ok(!flows.has(id), `key ${id} came twice`);
      const at = i * COUNT_BYTES;
      flows.set(id, [countView.getUint32(at, true), countView.getUint32(at + 8, true)]);
    }
  });
  return { flows, batches };
}

for (const ipVersion of [4, 6] as const) {
  for (const half of [0, 1] as const) {
    kernelTest(
      `flows${ipVersion}_${half}: 20,000 entries in several batches, each once, and the map is empty`,
      async (t) => {
        const object = load(t);
        const entries = makeEntries(ipVersion, 20_000);
        insert(object, ipVersion, half, entries);
        const { flows, batches } = await drain(object, ipVersion, half);
        assert.ok(batches.length > 1, `${batches}`);
        assert.equal(flows.size, 20_000);
        for (const [id, counts] of flows) assert.deepEqual(counts, [id + 1, 7 * id]);
        assert.deepEqual(await drain(object, ipVersion, half), { flows: new Map(), batches: [] });
      },
    );
  }
}

kernelTest('the other half and the other IP version stay as they are', async (t) => {
  const object = load(t);
  insert(object, 4, 0, makeEntries(4, 3));
  for (const [ipVersion, half] of [
    [4, 1],
    [6, 0],
    [6, 1],
  ] as const) {
    assert.equal((await drain(object, ipVersion, half)).flows.size, 0);
  }
  assert.equal((await drain(object, 4, 0)).flows.size, 3);
});

kernelTest('a bucket that holds more than a batch (ENOSPC) makes the batch grow', async (t) => {
  // As many entries as buckets: some bucket holds several, and the kernel gives buckets whole.
  const object = load(t, { flowCapacity: 4096, drainBatchEntries: 1 });
  insert(object, 4, 0, makeEntries(4, 4096));
  const { flows, batches } = await drain(object, 4, 0);
  assert.equal(flows.size, 4096);
  assert.ok(Math.max(...batches) > 1);
});

kernelTest('drains asked for at once take turns', async (t) => {
  const object = load(t, { drainBatchEntries: 64 });
  insert(object, 4, 0, makeEntries(4, 1000));
  insert(object, 4, 1, makeEntries(4, 500));
  insert(object, 6, 0, makeEntries(6, 700));
  const drained = await Promise.all([drain(object, 4, 0), drain(object, 4, 1), drain(object, 6, 0)]);
  assert.deepEqual(
    drained.map(({ flows }) => flows.size),
    [1000, 500, 700],
  );
});

kernelTest('a sink that throws rejects its drain, and not the next one', async (t) => {
  const object = load(t);
  insert(object, 4, 0, makeEntries(4, 10));
  const fault = new Error('sink');
  const failing = object.maps.drain('flows4', 0, () => {
    throw fault;
  });
  await assert.rejects(failing, fault);
  insert(object, 4, 0, makeEntries(4, 10));
  assert.equal((await drain(object, 4, 0)).flows.size, 10);
});

kernelTest('overflow: more entries than a batch, all CPUs added up, and nothing deleted', async (t) => {
  const object = load(t);
  const { cpuCount } = object.maps;
  const fd = object.mapFd('overflow');
  const expected = new Map<string, [number, number]>();
  for (let i = 0; i < 1000; i++) {
    const key = Buffer.alloc(8);
    key.writeUInt32LE(i >> 3, 0);
    key.writeUInt8(i & 7, 4);
    key.writeUInt8(255 - (i & 7), 5);
    key.writeUInt16LE(i & 1, 6);
    const values = Buffer.alloc(COUNT_BYTES * cpuCount);
    for (let cpu = 0; cpu < cpuCount; cpu++) {
      values.writeBigUInt64LE(BigInt(i + cpu), cpu * COUNT_BYTES);
      values.writeBigUInt64LE(BigInt(i) << 33n, cpu * COUNT_BYTES + 8); // beyond 32 bits
    }
    assert.equal(object.libbpf.bpf_map_update_elem(fd, key, values, 0), 0);
    const packets = cpuCount * i + (cpuCount * (cpuCount - 1)) / 2;
    expected.set(`${i >> 3}/${i & 7}/${255 - (i & 7)}/${i & 1}`, [packets, cpuCount * i * 2 ** 33]);
  }
  for (let again = 0; again < 2; again++) {
    const found = new Map<string, [number, number]>();
    await object.maps.readOverflow('overflow', (ifindex, kind, frameReason, half, packets, bytes) => {
      const name = `${ifindex}/${kind}/${frameReason}/${half}`;
      assert.ok(!found.has(name));
      found.set(name, [packets, bytes]);
    });
    assert.deepEqual(found, expected);
  }
});

kernelTest('unattributed: all CPUs added up', async (t) => {
  const object = load(t);
  assert.deepEqual(await object.maps.readUnattributed(), { packets: 0, bytes: 0 });
  const { cpuCount } = object.maps;
  const values = Buffer.alloc(COUNT_BYTES * cpuCount);
  for (let cpu = 0; cpu < cpuCount; cpu++) {
    values.writeBigUInt64LE(3n, cpu * COUNT_BYTES);
    values.writeBigUInt64LE(200n, cpu * COUNT_BYTES + 8);
  }
  const fd = object.mapFd('unattributed');
  assert.equal(object.libbpf.bpf_map_update_elem(fd, Buffer.alloc(4), values, 0), 0);
  assert.deepEqual(await object.maps.readUnattributed(), { packets: 3 * cpuCount, bytes: 200 * cpuCount });
});

/** Packets in the slots of one half; clears them. */
function takeSlots4(object: KernelObject, half: Half): number {
  const { slots, marks } = object.maps.slots('slots4', half);
  const view = new DataView(slots.buffer, slots.byteOffset, slots.byteLength);
  let packets = 0;
  for (let at = 0; at < slots.length; at += FLOW_SLOT4.size) {
    packets += view.getUint32(at + FLOW_SLOT4.packets, true);
  }
  slots.fill(0);
  marks.fill(0);
  return packets;
}

kernelTest('the programs write the half that the epoch names, into memory that we see and can clear', (t) => {
  const object = load(t);
  assert.equal(object.maps.readEpoch(), 0);
  for (const half of [0, 1, 0] as const) {
    object.maps.writeEpoch(half);
    assert.equal(object.maps.readEpoch(), half);
    runProgram(object, 'count_ethernet', FRAME, { repeat: 5 });
    assert.equal(takeSlots4(object, half === 0 ? 1 : 0), 0);
    assert.equal(takeSlots4(object, half), 5);
    assert.equal(takeSlots4(object, half), 0);
  }
});

kernelTest('the slots of a CPU lie where the index says, and the whole array is mapped', (t) => {
  const object = load(t);
  const { cpuCount, slotSizes } = object.maps;
  for (const ipVersion of [4, 6] as const) {
    for (const half of [0, 1] as const) {
      const array = `slots${ipVersion}` as const;
      const { sets, setBytes, firstMark, marksPerHalf, blockShift } = slotSizes.arrays[array];
      const { slots, marks } = object.maps.slots(array, half);
      assert.equal(slots.length, cpuCount * sets * setBytes);
      slots[slots.length - 1] = 0xa0 + ipVersion + half;
      const key = Buffer.alloc(4);
      const last = (half * cpuCount + cpuCount - 1) * sets + sets - 1;
      key.writeUInt32LE(last);
      const set = Buffer.alloc(setBytes);
      assert.equal(object.libbpf.bpf_map_lookup_elem(object.mapFd(array), key, set), 0);
      assert.equal(set[setBytes - 1], 0xa0 + ipVersion + half);
      assert.equal(marks.length, marksPerHalf);
      marks[marks.length - 1] = 0xb0 + ipVersion + half;
      const mark = firstMark + (last >> blockShift);
      key.writeUInt32LE(Math.floor(mark / MARK_LINE_BYTES));
      const line = Buffer.alloc(MARK_LINE_BYTES);
      assert.equal(object.libbpf.bpf_map_lookup_elem(object.mapFd('slot_marks'), key, line), 0);
      assert.equal(line[mark % MARK_LINE_BYTES], 0xb0 + ipVersion + half);
    }
  }
});

// That the former half is quiet cannot be provoked to fail: a program holds the epoch for some 50 ns,
// and no test run can stop it there. So: the kind of map whose update the kernel waits after, and
// the sums across many flips.
kernelTest('the fence is an array of maps, and updating it succeeds', async (t) => {
  const object = load(t);
  const info = Buffer.alloc(80); // struct bpf_map_info begins with the type
  const length = Buffer.alloc(4);
  length.writeUInt32LE(info.length);
  assert.equal(object.libbpf.bpf_obj_get_info_by_fd(object.mapFd('fence'), info, length), 0);
  assert.equal(info.readUInt32LE(0), BPF_MAP_TYPE_ARRAY_OF_MAPS);
  await Promise.all([object.maps.fence(), object.maps.fence()]);
});

kernelTest('flipped, fenced and drained under load: not one packet lost or double', async (t) => {
  const object = load(t);
  const { maps } = object;
  const repeat = 200_000;
  const wantedDrains = 20;
  let runs = 0;
  let packets = 0;
  let drainsWithPackets = 0;
  let isRunning = true;
  // One runner on a thread of its own: test runs, unlike real frames, may be preempted by one
  // another on the same CPU.
  const traffic = (async () => {
    while (drainsWithPackets < wantedDrains && runs < 1000) {
      const { call, programFd, opts } = runRequest(object, repeat);
      assert.equal(await callAsync(call, programFd, opts), 0);
      runs++;
    }
  })().finally(() => {
    isRunning = false;
  });
  const takeOnce = async () => {
    const former = maps.readEpoch();
    maps.writeEpoch(former === 0 ? 1 : 0);
    await maps.fence();
    const taken = takeSlots4(object, former);
    if (taken > 0) drainsWithPackets++;
    packets += taken;
    const { flows } = await drain(object, 4, former);
    for (const [count] of flows.values()) packets += count;
  };
  while (isRunning) await takeOnce();
  await traffic;
  await takeOnce();
  await takeOnce();
  assert.ok(drainsWithPackets >= wantedDrains, `${drainsWithPackets} drains saw packets, in ${runs} runs`);
  assert.equal(packets, runs * repeat);
});

/** BPF_PROG_TEST_RUN as program-run.ts makes it, for a thread of the pool. */
function runRequest(object: KernelObject, repeat: number) {
  const opts = Buffer.alloc(80);
  opts.writeBigUInt64LE(80n, 0);
  opts.writeBigUInt64LE(object.libbpf.memory.addressOf(FRAME), 8);
  opts.writeUInt32LE(FRAME.length, 24);
  opts.writeInt32LE(repeat, 60);
  const programFd = object.programFdByName('count_ethernet') ?? assert.fail('not loaded');
  return { call: object.libbpf.bpf_prog_test_run_opts, programFd, opts };
}

kernelTest('a program run passes the frame on; ifindex is what the program sees', (t) => {
  const object = load(t);
  assert.equal(runProgram(object, 'count_ethernet', FRAME).retval, 2);
  const { slots } = object.maps.slots('slots4', 0);
  const at = slots.findIndex((_, i) => i % FLOW_SLOT4.size === 0 && slots[i + FLOW_SLOT4.packets] === 1);
  assert.ok(at >= 0);
  assert.equal(Buffer.from(slots.subarray(at, at + 24)).readUInt32LE(12), LOOPBACK);
  assert.throws(() => runProgram(object, 'count_ethernet', FRAME.subarray(0, 13)), /13 bytes.*EINVAL/);
  assert.throws(() => runProgram(object, 'no_such_program', FRAME), /"no_such_program" is not loaded/);
  assert.throws(() => runProgram(object, 'count_ethernet', FRAME, { ifindex: 0x7fff_0000 }), /ENODEV/);
});
