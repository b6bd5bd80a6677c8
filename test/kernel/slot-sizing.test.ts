// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseSetsPerCpu, slotBytes } from '../../src/kernel/slot-sizing.js';

const MIB = 1024 * 1024;

test('a small host gets what is asked for', () => {
  const sets = chooseSetsPerCpu({ slotsPerCpu: 4096, cpuCount: 2, maxSlotBytes: 32 * MIB });
  assert.equal(sets, 2048);
  assert.equal(slotBytes(sets, 2), 2 * MIB);
});

test('256 CPUs share the same memory as 32', () => {
  const sets = chooseSetsPerCpu({ slotsPerCpu: 4096, cpuCount: 256, maxSlotBytes: 32 * MIB });
  assert.equal(sets, 256);
  assert.equal(slotBytes(sets, 256), 32 * MIB);
});

test('a number that is no power of two is rounded down', () => {
  assert.equal(chooseSetsPerCpu({ slotsPerCpu: 1000, cpuCount: 1, maxSlotBytes: 32 * MIB }), 256);
});

test('always a power of two; within the bound or 1; and twice as many would be too many', () => {
  const sizing = fc.record({
    slotsPerCpu: fc.integer({ min: 1, max: 1 << 20 }),
    cpuCount: fc.integer({ min: 1, max: 8192 }),
    maxSlotBytes: fc.integer({ min: 1, max: 1 << 30 }),
  });
  fc.assert(
    fc.property(sizing, (options) => {
      const sets = chooseSetsPerCpu(options);
      assert.ok(Number.isInteger(Math.log2(sets)), `${sets}`);
      assert.ok(sets === 1 || slotBytes(sets, options.cpuCount) <= options.maxSlotBytes);
      assert.ok(sets === 1 || sets * 2 <= options.slotsPerCpu);
      const isEnough = sets * 4 > options.slotsPerCpu;
      assert.ok(isEnough || slotBytes(sets * 2, options.cpuCount) > options.maxSlotBytes);
    }),
  );
});
