// SPDX-License-Identifier: Apache-2.0
// The law of counts that outlive the process: wherever it fails or dies, each packet is written down once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { FLOW_KEY4, FLOW_KEY6 } from '../../src/abi/layout.js';
import type { Half } from '../../src/kernel/kernel-maps.js';
import type { DrainResult } from '../../src/reader/drain.js';
import { createKeptDrain, type KeptDrain } from '../../src/reader/kept-drain.js';
import {
  createFakeKernelMaps,
  type FakeKernelMaps,
  type FakePacket,
} from '../support/kernel/fake-kernel-maps.js';

function packet(ipVersion: 4 | 6, flow: number, bytes: number): FakePacket {
  const layout = ipVersion === 4 ? FLOW_KEY4 : FLOW_KEY6;
  const key = new Uint8Array(layout.size);
  const view = new DataView(key.buffer);
  key.set([10, 0, flow >> 8, flow & 0xff], layout.srcIp);
  view.setUint32(layout.ifindex, 70, true);
  key[layout.protocol] = 6;
  key[layout.kind] = KIND.tcp;
  return { ipVersion, key, bytes };
}

interface Sums {
  packets: number;
  bytes: number;
}

function sumOf({ rows, overflow }: DrainResult): Sums {
  const sums = { packets: 0, bytes: 0 };
  for (let i = 0; i < rows.length; i++) {
    sums.packets += rows.packets[i] ?? 0;
    sums.bytes += rows.bytes[i] ?? 0;
  }
  for (const row of overflow) {
    sums.packets += row.packets;
    sums.bytes += row.bytes;
  }
  return sums;
}

function drainOf(maps: FakeKernelMaps, written: Half | 'new_maps' | undefined): KeptDrain {
  return createKeptDrain(
    {
      maps,
      interfaceIdOf: (ifindex) => ifindex - 70,
      ifindexOf: (id) => id + 70,
      yieldToLoop: () => setImmediate(),
      nowMs: () => performance.now(),
    },
    written,
  );
}

const STEPS = [
  'fence',
  'copy flows4',
  'copy flows6',
  'copy roce',
  'read overflow',
  'read roce_overflow',
  'readUnattributed',
  'drain flows4',
  'drain flows6',
  'clear overflow',
  'clear roce_overflow',
];
/** Where the process of one interval dies. */
const DEATHS = ['after the drain', 'after it was written', 'after it was cleared'] as const;

test('whatever step fails and wherever the process dies, every packet is written down exactly once', async () => {
  const interval = fc.record({
    packets: fc.array(
      fc.record({
        ipVersion: fc.constantFrom(4 as const, 6 as const),
        flow: fc.nat(30),
        bytes: fc.integer({ min: 14, max: 9000 }),
        /** Counted while the drain or what follows it is under way. */
        late: fc.boolean(),
      }),
      { maxLength: 40 },
    ),
    fail: fc.option(fc.record({ step: fc.constantFrom(...STEPS), after: fc.nat(4) })),
    death: fc.option(fc.constantFrom(...DEATHS)),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(interval, { maxLength: 12 }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 'new_maps' as const),
      async (intervals, flowCapacity, atFirst) => {
        let planned: { step: string; after: number } | null = null;
        const maps = createFakeKernelMaps(
          (step) => {
            if (planned?.step === step && planned.after-- === 0) throw new Error(`${step} fails as planned`);
          },
          { cpuCount: 2, slotsPerCpu: 8, flowCapacity, batch: 3 },
        );
        const sent = { packets: 0, bytes: 0 };
        const count = ({ ipVersion, flow, bytes }: { ipVersion: 4 | 6; flow: number; bytes: number }) => {
          maps.count(packet(ipVersion, flow, bytes));
          sent.packets++;
          sent.bytes += bytes;
        };
        const written: Sums & { half: Half | undefined } = { packets: 0, bytes: 0, half: undefined };
        let drain = drainOf(maps, atFirst);

        const round = async (death: (typeof DEATHS)[number] | null): Promise<void> => {
          const result = await drain.drain();
          const sums = sumOf(result);
          if (result.error !== undefined) assert.deepEqual(sums, { packets: 0, bytes: 0 });
          if (death !== 'after the drain' && result.error === undefined) {
            written.packets += sums.packets;
            written.bytes += sums.bytes;
            written.half = drain.copied;
            if (death !== 'after it was written') await drain.clear().catch(() => undefined);
          }
          if (death !== null) drain = drainOf(maps, written.half);
        };
        for (const { packets, fail, death } of intervals) {
          for (const one of packets) if (!one.late) count(one);
          planned = fail === null ? null : { ...fail };
          const under = round(death);
          for (const one of packets) {
            if (!one.late) continue;
            await setImmediate();
            count(one);
          }
          await under;
          assert.ok(written.packets <= sent.packets, 'nothing is written down twice');
        }
        planned = null;
        await round(null);
        await round(null);
        assert.deepEqual({ packets: written.packets, bytes: written.bytes }, sent);
      },
    ),
    { numRuns: 300 },
  );
});

function mapsOf30Packets() {
  const maps = createFakeKernelMaps(() => undefined, {
    cpuCount: 1,
    slotsPerCpu: 8,
    flowCapacity: 4,
    batch: 3,
  });
  for (let flow = 0; flow < 30; flow++) maps.count(packet(4, flow, 60));
  return maps;
}

test('what was copied stays in the kernel until it is cleared, and is not copied again', async () => {
  const maps = mapsOf30Packets();
  const drain = drainOf(maps, undefined);
  assert.deepEqual(sumOf(await drain.drain()), { packets: 0, bytes: 0 }, 'the half that was quiet is empty');
  await drain.clear();
  assert.equal(sumOf(await drain.drain()).packets, 30);
  const heir = drainOf(maps, undefined);
  assert.equal(sumOf(await heir.drain()).packets, 30, 'nobody wrote it down');
  const { copied } = heir;
  assert.equal(sumOf(await drainOf(maps, copied).drain()).packets, 0, 'the one who wrote it down');
});

test('the first drain of new maps has what was counted until then', async () => {
  const maps = mapsOf30Packets();
  const drain = drainOf(maps, 'new_maps');
  assert.equal(sumOf(await drain.drain()).packets, 30);
  await drain.clear();
  maps.count(packet(4, 1, 60));
  assert.equal(sumOf(await drain.drain()).packets, 1);
  const heir = drainOf(maps, undefined);
  assert.equal(sumOf(await heir.drain()).packets, 1, 'nobody wrote it down');
});
