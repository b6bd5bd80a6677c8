// SPDX-License-Identifier: Apache-2.0
// A drain by marks finds what a look at every slot finds, wherever the marks lie.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlowRowBuffer } from '../../src/abi/flow-row-buffer.js';
import { FLOW_KEY4, FLOW_SLOT4 } from '../../src/abi/layout.js';
import { drainSlots } from '../../src/reader/drain-slots.js';
import { createMarkSearch } from '../../src/reader/marked-blocks.js';

const PARTS = { interfaceIdOf: (ifindex: number) => ifindex, yieldToLoop: async () => undefined };

test('the search finds every mark in order, at any alignment and distance', () => {
  const places = fc.record({
    offset: fc.nat(17),
    length: fc.nat(300),
    marked: fc.uniqueArray(fc.nat(299), { maxLength: 40 }),
  });
  fc.assert(
    fc.property(places, ({ offset, length, marked }) => {
      // All ones around: what is not ours must not be looked at.
      const memory = new Uint8Array(400).fill(1);
      const marks = memory.subarray(offset, offset + length).fill(0);
      const expected = marked.filter((at) => at < length).sort((a, b) => a - b);
      for (const at of expected) marks[at] = 1;
      const find = createMarkSearch(marks);
      const found: number[] = [];
      for (let at = find(0); at < length; at = find(at + 1)) found.push(at);
      assert.deepEqual(found, expected);
    }),
  );
});

test('rows by marks are those of a full scan; slots and marks are zero afterwards', async () => {
  const shapes = fc.record({
    blocks: fc.integer({ min: 1, max: 40 }),
    setsPerBlock: fc.constantFrom(1, 4, 64),
    used: fc.array(fc.nat(10_000), { maxLength: 60 }),
    needless: fc.array(fc.nat(39), { maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(shapes, async ({ blocks, setsPerBlock, used, needless }) => {
      const slotsPerBlock = setsPerBlock * 4;
      const slots = new Uint8Array(blocks * slotsPerBlock * FLOW_SLOT4.size);
      const marks = new Uint8Array(blocks);
      const view = new DataView(slots.buffer);
      const expected = new Map<number, [number, number]>();
      for (const number of used) {
        const slot = number % (blocks * slotsPerBlock);
        const at = slot * FLOW_SLOT4.size;
        view.setUint32(at + FLOW_KEY4.ifindex, slot + 1, true);
        view.setUint32(at + FLOW_SLOT4.packets, slot + 1, true);
        view.setUint32(at + FLOW_SLOT4.bytes, 0xffff_ffff - slot, true);
        marks[Math.floor(slot / slotsPerBlock)] = 1;
        expected.set(slot + 1, [slot + 1, 0xffff_ffff - slot]);
      }
      for (const block of needless) marks[block % blocks] = 1;
      const rows = new FlowRowBuffer();
      const ids: number[] = [];
      const parts = {
        ...PARTS,
        interfaceIdOf: (ifindex: number) => {
          ids.push(ifindex);
          return 0;
        },
      };
      assert.equal(await drainSlots(4, { slots, marks }, rows, parts), expected.size);
      const found = ids.map((id, i) => [id, [rows.packets[i], rows.bytes[i]]] as const);
      assert.deepEqual(new Map(found), new Map([...expected].sort(([a], [b]) => a - b)));
      assert.ok(slots.every((byte) => byte === 0) && marks.every((byte) => byte === 0));
    }),
    { numRuns: 60 },
  );
});
