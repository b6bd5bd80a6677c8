// SPDX-License-Identifier: Apache-2.0
// The law of the drain: whatever fails and whenever, every packet leaves the kernel exactly once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { FLOW_KEY4, FLOW_KEY6 } from '../../src/abi/layout.js';
import { FLOW_ROW, FLOW_ROW_BYTES } from '../../src/abi/records.js';
import { createDrain, type DrainResult } from '../../src/reader/drain.js';
import { createFakeKernelMaps, type FailAt, type FakePacket } from '../support/kernel/fake-kernel-maps.js';

function packet(ipVersion: 4 | 6, flow: number, bytes: number): FakePacket {
  const layout = ipVersion === 4 ? FLOW_KEY4 : FLOW_KEY6;
  const key = new Uint8Array(layout.size);
  const view = new DataView(key.buffer);
  key.set([10, 0, flow >> 8, flow & 0xff], layout.srcIp);
  view.setUint32(layout.ifindex, 70 + (flow % 2), true);
  key[layout.protocol] = 6;
  key[layout.kind] = KIND.tcp;
  return { ipVersion, key, bytes };
}

/** Sums by the flow's identity in rows, and by interface and kind in overflow. */
class Sums {
  readonly flows = new Map<string, { packets: number; bytes: number }>();
  packets = 0;
  bytes = 0;

  add(result: DrainResult): void {
    const bytes = new Uint8Array(result.rows.keys.buffer);
    for (let i = 0; i < result.rows.length; i++) {
      const row = bytes.subarray(i * FLOW_ROW_BYTES, (i + 1) * FLOW_ROW_BYTES);
      const key = `${row[FLOW_ROW.ipVersion]} ${(row[2] ?? 0) * 256 + (row[3] ?? 0)} on ${row[FLOW_ROW.interfaceId]}`;
      const sum = this.flows.get(key) ?? { packets: 0, bytes: 0 };
      sum.packets += result.rows.packets[i] ?? 0;
      sum.bytes += result.rows.bytes[i] ?? 0;
      this.flows.set(key, sum);
      this.packets += result.rows.packets[i] ?? 0;
      this.bytes += result.rows.bytes[i] ?? 0;
    }
    for (const row of result.overflow) {
      this.packets += row.packets;
      this.bytes += row.bytes;
    }
  }
}

function createRig(failAt: FailAt, flowCapacity: number) {
  const maps = createFakeKernelMaps(failAt, { cpuCount: 2, slotsPerCpu: 8, flowCapacity, batch: 3 });
  const drain = createDrain({
    maps,
    interfaceIdOf: (ifindex) => ifindex - 70,
    ifindexOf: (id) => id + 70,
    yieldToLoop: () => setImmediate(),
    nowMs: () => performance.now(),
  });
  return { maps, drain };
}

test('whatever step fails, every packet is handed over exactly once', async () => {
  const steps = [
    'fence',
    'drain flows4',
    'drain flows6',
    'drain roce',
    'read overflow',
    'read roce_overflow',
    'readUnattributed',
  ];
  const interval = fc.record({
    packets: fc.array(
      fc.record({
        ipVersion: fc.constantFrom(4 as const, 6 as const),
        flow: fc.nat(30),
        bytes: fc.integer({ min: 14, max: 9000 }),
      }),
      { maxLength: 60 },
    ),
    /** The step that fails and how often it is reached before it does. */
    fail: fc.option(fc.record({ step: fc.constantFrom(...steps), after: fc.nat(4) })),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(interval, { maxLength: 12 }),
      fc.integer({ min: 1, max: 40 }),
      async (intervals, capacity) => {
        let planned: { step: string; after: number } | null = null;
        const failAt: FailAt = (step) => {
          if (planned?.step === step && planned.after-- === 0) throw new Error(`${step} fails as planned`);
        };
        const { maps, drain } = createRig(failAt, capacity);
        const sums = new Sums();
        let packets = 0;
        let bytes = 0;
        for (const one of intervals) {
          for (const sent of one.packets) {
            maps.count(packet(sent.ipVersion, sent.flow, sent.bytes));
            packets++;
            bytes += sent.bytes;
          }
          planned = one.fail === null ? null : { ...one.fail };
          sums.add(await drain.drain());
          assert.ok(sums.packets <= packets, 'nothing is handed over twice');
        }
        planned = null;
        const last = await drain.drain();
        assert.equal(last.error, undefined);
        sums.add(last);
        assert.deepEqual({ packets: sums.packets, bytes: sums.bytes }, { packets, bytes });
      },
    ),
    { numRuns: 300 },
  );
});

test('flows that the map refused are told once, whatever step fails', async () => {
  const flows = 30;
  for (const [step, told] of [
    ['drain flows4', 'by the next drain'],
    ['read overflow', 'by the one that failed'],
  ] as const) {
    let isFailing = true;
    const { maps, drain } = createRig((reached) => {
      if (isFailing && reached === step) throw new Error(`${step} fails as planned`);
    }, 4);
    for (let flow = 0; flow < flows; flow++) maps.count(packet(4, flow, 60));
    const sums = new Sums();
    const first = await drain.drain();
    assert.notEqual(first.error, undefined);
    sums.add(first);
    isFailing = false;
    const second = await drain.drain();
    assert.equal(second.error, undefined);
    sums.add(second);
    const unseen = flows - sums.flows.size;
    assert.ok(unseen > 0, 'the map was full');
    const expected = told === 'by the next drain' ? [0, unseen] : [unseen, 0];
    assert.deepEqual([first.unseenFlows, second.unseenFlows], expected, told);
  }
});

test('rows carry the flow, its IP version and its interface id', async () => {
  const { maps, drain } = createRig(() => undefined, 100);
  for (let flow = 0; flow < 50; flow++) {
    for (let n = 0; n <= flow; n++) {
      maps.count(packet(4, flow, 100));
      maps.count(packet(6, flow, 200));
    }
  }
  const sums = new Sums();
  sums.add(await drain.drain());
  assert.equal(sums.flows.size, 100);
  for (let flow = 0; flow < 50; flow++) {
    const packets = flow + 1;
    assert.deepEqual(sums.flows.get(`4 ${flow} on ${flow % 2}`), { packets, bytes: 100 * packets });
    assert.deepEqual(sums.flows.get(`6 ${flow} on ${flow % 2}`), { packets, bytes: 200 * packets });
  }
});

test('a fence that fails is tried again before the epoch flips again', async () => {
  let failing = true;
  const { maps, drain } = createRig((step) => {
    if (failing && step === 'fence') throw new Error('no grace');
  }, 100);
  maps.count(packet(4, 1, 60));
  const epochBefore = maps.readEpoch();
  assert.match(String((await drain.drain()).error), /no grace/);
  assert.match(String((await drain.drain()).error), /no grace/);
  assert.notEqual(maps.readEpoch(), epochBefore, 'flipped once, not twice');
  maps.count(packet(4, 1, 60));
  failing = false;
  const sums = new Sums();
  sums.add(await drain.drain());
  assert.deepEqual(sums.flows.get('4 1 on 1'), { packets: 2, bytes: 120 });
});

test('a second drain while one runs is refused', async () => {
  const { drain } = createRig(() => undefined, 10);
  const first = drain.drain();
  await assert.rejects(drain.drain(), /already/);
  await first;
});

test('more slots than fit one turn of the event loop are all read', async () => {
  const maps = createFakeKernelMaps(() => undefined, {
    cpuCount: 4,
    slotsPerCpu: 16_384,
    flowCapacity: 10,
    batch: 3,
  });
  let turns = 0;
  const drain = createDrain({
    maps,
    interfaceIdOf: (ifindex) => ifindex,
    ifindexOf: (id) => id,
    yieldToLoop: async () => {
      turns++;
    },
    nowMs: () => 0,
  });
  for (let flow = 0; flow < 60000; flow++) maps.count(packet(4, flow, 64));
  const result = await drain.drain();
  assert.equal(result.rows.length, 60000);
  assert.equal(result.entries.slots4, 60000);
  assert.ok(turns > 0, 'the event loop had a turn');
});
