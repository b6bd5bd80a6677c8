// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MARK_LINE_BYTES } from '../../src/abi/layout.js';
import {
  chooseSlotSizes,
  SLOT_ARRAYS,
  type SlotSizes,
  slotBytes,
  slotBytesOfHost,
  slotCount,
} from '../../src/kernel/slot-sizing.js';

const MIB = 1024 * 1024;

function slots4({ arrays }: SlotSizes): number {
  return arrays.slots4.sets * arrays.slots4.ways;
}

test('a small host gets what is asked for: 80 bytes for each IPv4 slot, all arrays together', () => {
  const sizes = chooseSlotSizes({ slotsPerCpu: 131_072, cpuCount: 2, maxSlotBytes: 40 * MIB, hasRoce: true });
  assert.equal(slots4(sizes), 131_072);
  assert.equal(slotBytes(sizes), 40 * MIB);
  assert.deepEqual(
    SLOT_ARRAYS.map((name) => slotCount(sizes, name)),
    [262_144, 65_536, 65_536, 32_768],
  );
});

test('256 CPUs share the same memory as 32', () => {
  const sizes = chooseSlotSizes({
    slotsPerCpu: 131_072,
    cpuCount: 256,
    maxSlotBytes: 512 * MIB,
    hasRoce: true,
  });
  assert.equal(slots4(sizes), 8192);
  assert.equal(slotBytes(sizes), 320 * MIB);
});

test('a number that is no power of two is rounded down', () => {
  const sizes = chooseSlotSizes({ slotsPerCpu: 1000, cpuCount: 1, maxSlotBytes: 32 * MIB, hasRoce: true });
  assert.equal(slots4(sizes), 512);
});

test('where RoCE is off, its arrays have one set per CPU', () => {
  const sizes = chooseSlotSizes({ slotsPerCpu: 4096, cpuCount: 1, maxSlotBytes: 32 * MIB, hasRoce: false });
  assert.equal(sizes.arrays.roce_slots4.sets, 1);
  assert.equal(sizes.arrays.roce_slots6.sets, 1);
  assert.equal(slots4(sizes), 4096);
});

test('a host gives a thousandth of its memory, within bounds', () => {
  assert.equal(slotBytesOfHost(MIB), 16 * MIB);
  assert.equal(slotBytesOfHost(64_000 * MIB), 64 * MIB);
  assert.equal(slotBytesOfHost(4_000_000 * MIB), 512 * MIB);
});

const SIZING = fc.record({
  slotsPerCpu: fc.integer({ min: 1, max: 1 << 20 }),
  cpuCount: fc.integer({ min: 1, max: 8192 }),
  maxSlotBytes: fc.integer({ min: 1, max: 1 << 30 }),
  hasRoce: fc.boolean(),
});

test('powers of two; within the bound or the least there is; and twice as many would be too many', () => {
  fc.assert(
    fc.property(SIZING, (options) => {
      const sizes = chooseSlotSizes(options);
      for (const name of SLOT_ARRAYS) assert.ok(Number.isInteger(Math.log2(sizes.arrays[name].sets)), name);
      const fits = slotBytes(sizes) <= options.maxSlotBytes;
      assert.ok(fits || sizes.arrays.slots4.sets === 1);
      assert.ok(slots4(sizes) <= Math.max(4, options.slotsPerCpu));
      if (!fits || slots4(sizes) * 2 > options.slotsPerCpu) return;
      const more = { ...options, slotsPerCpu: slots4(sizes) * 2, maxSlotBytes: Number.POSITIVE_INFINITY };
      assert.ok(slotBytes(chooseSlotSizes(more)) > options.maxSlotBytes);
    }),
  );
});

test('every mark belongs to one array and half, and to sets of one CPU', () => {
  fc.assert(
    fc.property(SIZING, (options) => {
      const { arrays, cpuCount, markLines } = chooseSlotSizes(options);
      let next = 0;
      for (const name of SLOT_ARRAYS) {
        const { sets, blockShift, firstMark, marksPerHalf } = arrays[name];
        assert.equal(firstMark, next, name);
        assert.equal(sets % 2 ** blockShift, 0, 'a block never spans rows');
        assert.equal(marksPerHalf * 2 ** blockShift, cpuCount * sets);
        next += 2 * marksPerHalf;
      }
      assert.ok(next <= markLines * MARK_LINE_BYTES && next > (markLines - 1) * MARK_LINE_BYTES);
    }),
  );
});
