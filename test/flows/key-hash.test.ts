// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLOW_ROW_WORDS } from '../../src/abi/records.js';
import { createKeyHash } from '../../src/flows/key-hash.js';

test('one seed, one hash; another seed, another hash', () => {
  const key = Uint32Array.from({ length: FLOW_ROW_WORDS }, (_, i) => i * 0x01010101);
  assert.equal(createKeyHash(1)(key, 0), createKeyHash(1)(key, 0));
  assert.notEqual(createKeyHash(1)(key, 0), createKeyHash(2)(key, 0));
});

test('reads the twelve words at the offset and nothing else', () => {
  const hash = createKeyHash(3);
  const words = Uint32Array.from({ length: 3 * FLOW_ROW_WORDS }, (_, i) => i + 1);
  const before = hash(words, FLOW_ROW_WORDS);
  for (let i = 0; i < words.length; i++) {
    const changed = words.slice();
    changed[i] = 0x80000000;
    const inside = i >= FLOW_ROW_WORDS && i < 2 * FLOW_ROW_WORDS;
    assert.equal(hash(changed, FLOW_ROW_WORDS) !== before, inside, `word ${i}`);
  }
});

test('keys that differ in few high bits spread over the cells', () => {
  // The two top bits of eight words: what a sender of IPv6 packets may choose, and what breaks a
  // multilinear hash over whole words (all of these would fall into 4 places).
  const key = new Uint32Array(FLOW_ROW_WORDS);
  for (const seed of [0, 1, 0xdeadbeef]) {
    const hash = createKeyHash(seed);
    const hashes = new Set<number>();
    const cells = new Uint32Array(1 << 14);
    for (let choice = 0; choice < 1 << 16; choice++) {
      for (let word = 0; word < 8; word++) key[word] = ((choice >>> (2 * word)) & 3) << 30;
      const value = hash(key, 0);
      hashes.add(value);
      const cell = value & (cells.length - 1);
      cells[cell] = (cells[cell] ?? 0) + 1;
    }
    // Sums of multiples of 2^14 have 2^18 values; a random choice of 65,536 hits 58,000 of them.
    assert.ok(hashes.size > 40_000, `seed ${seed}: ${hashes.size} hashes of 65536 keys`);
    // 4 a cell on average; a random function has 17 at most, give or take.
    assert.ok(Math.max(...cells) < 40, `seed ${seed}: ${Math.max(...cells)} keys in one cell`);
  }
});
