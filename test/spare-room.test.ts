// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlowRowBuffer } from '../src/abi/flow-row-buffer.js';
import { ROCE_CELLS, ROCE_KEY, ROCE_KEY_WORDS } from '../src/abi/roce-records.js';
import { RoceRowBuffer } from '../src/abi/roce-row-buffer.js';
import { KeyIndex } from '../src/flows/key-index.js';
import { MinHeap } from '../src/flows/min-heap.js';
import { Newcomers } from '../src/flows/newcomers.js';
import { Pacer } from '../src/pacer.js';
import { SpareRoom } from '../src/spare-room.js';

/** More than any of them waits. */
const INTERVALS = 20;
const FLOOD = 100_000;

test('room is kept while it is used, and never less than was used of late', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 1000 }), { maxLength: 100 }),
      fc.integer({ min: 1, max: 1000 }),
      (fillings, first) => {
        const spare = new SpareRoom();
        let room = first;
        for (const used of fillings) {
          room = Math.max(room, used);
          const kept = spare.keep(used, room);
          assert.ok(kept === room || (kept < room / 2 && kept >= 2 * used), `${used} of ${room}: ${kept}`);
          room = Math.max(kept, used);
        }
      },
    ),
  );
});

test('a load that stays is never moved', () => {
  const spare = new SpareRoom();
  for (let i = 0; i < 1000; i++) assert.equal(spare.keep(i % 5 === 0 ? 25 : 1, 100), 100);
});

test('rows of a drain give back what a flood needed', () => {
  const rows = new FlowRowBuffer();
  rows.reserve(FLOOD);
  rows.length = FLOOD;
  for (let i = 0; i < INTERVALS; i++) {
    rows.clear();
    rows.length = 100;
  }
  assert.ok(rows.packets.length < FLOOD / 4, `${rows.packets.length} rows`);
  assert.ok(rows.bytes.length === rows.packets.length);
  rows.clear();
  rows.reserve(FLOOD);
  assert.ok(rows.packets.length >= FLOOD);
});

test('rows of RoCE give back what a flood needed', () => {
  const rows = new RoceRowBuffer(new Uint8Array(1024));
  const append = (count: number): void => {
    const counts = Buffer.alloc(count * ROCE_CELLS * 8, 1);
    rows.append(Buffer.alloc(count * ROCE_KEY.size), counts, count, () => 7);
  };
  append(5000);
  for (let i = 0; i < INTERVALS; i++) {
    rows.clear();
    append(100);
  }
  assert.equal(rows.length, 100);
  assert.ok(rows.keys.length < 1000 * ROCE_KEY_WORDS, `${rows.keys.length / ROCE_KEY_WORDS} rows`);
  assert.ok((rows.cellsOf(99)[0] ?? 0) > 0);
});

test('newcomers and their index give back what a flood needed', async () => {
  const pacer = new Pacer(() => Promise.resolve());
  const newcomers = new Newcomers();
  await newcomers.begin(FLOOD, pacer);
  for (let i = 0; i < INTERVALS; i++) await newcomers.begin(100, pacer);
  assert.ok(newcomers.rows.length < FLOOD / 4 && newcomers.rows.length >= 100);
  const index = new KeyIndex();
  index.reserve(FLOOD);
  for (let i = 0; i < INTERVALS; i++) {
    await index.clear(pacer);
    for (let entry = 0; entry < 10; entry++) index.insert(entry, entry);
  }
  assert.equal(index.size, 10);
  assert.ok(index.room < FLOOD / 4, `room for ${index.room}`);
});

test('a load that grows bit by bit is given other memory a few times only', async () => {
  const pacer = new Pacer(() => Promise.resolve());
  const newcomers = new Newcomers();
  const heap = new MinHeap();
  const memory = new Set<unknown>();
  const rooms = new Set<number>();
  for (let rows = 10_000; rows < 20_000; rows += 50) {
    await newcomers.begin(rows, pacer);
    heap.reset(rows);
    assert.ok(newcomers.packets.length >= rows && heap.room >= rows);
    memory.add(newcomers.packets);
    rooms.add(heap.room);
  }
  assert.ok(memory.size <= 5 && rooms.size <= 5, `${memory.size} and ${rooms.size} times`);
});

test('the order of challengers gives back what a flood needed', () => {
  const heap = new MinHeap();
  heap.reset(FLOOD);
  for (let i = 0; i < INTERVALS; i++) heap.reset(100);
  assert.ok(heap.room < FLOOD / 4 && heap.room >= 100, `room for ${heap.room}`);
});
