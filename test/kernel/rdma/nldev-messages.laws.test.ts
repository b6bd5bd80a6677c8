// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNldevDatagram } from '../../../src/kernel/rdma/nldev-messages.js';
import { deviceMessage, doneMessage, queuePairMessage } from '../../support/rdma/nldev-builder.js';

const SEQUENCE = 5;
const MUTATIONS = 1_000_000;
const QUEUE_PAIR_NUMBERS = 1 << 24;

/** Numbers that repeat with their seed (xorshift32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

test('a million mutated messages: none throws or hangs, and each loss is counted', (t) => {
  const whole = Buffer.concat([
    deviceMessage(SEQUENCE, 2, 'mlx5_0'),
    queuePairMessage(SEQUENCE, 2, 'mlx5_0', [
      { number: 1, type: 1, kernelName: 'ib_core' },
      { number: 0x000101, remoteNumber: 0xabcdef, pid: 4711 },
      { number: 0x000102, port: 0, state: 0, pid: 4712 },
    ]),
    doneMessage(SEQUENCE),
  ]);
  const random = randomOf(20_261_128);
  const bytes = Buffer.alloc(whole.length);
  let [entries, refused, undone] = [0, 0, 0];
  for (let i = 0; i < MUTATIONS; i++) {
    whole.copy(bytes);
    for (let changes = 1 + random(4); changes > 0; changes--) {
      const at = random(bytes.length);
      // Lengths and types are small numbers: those find more ways than any byte does.
      bytes[at] = random(2) === 0 ? random(256) : ([0, 1, 3, 4, 5, 8, 255][random(7)] ?? 0);
    }
    const cut = random(8) === 0 ? random(bytes.length) : bytes.length;
    let own = 0;
    const outcome = decodeNldevDatagram(bytes.subarray(0, cut), SEQUENCE, {
      device: () => own++,
      queuePair({ number, remoteNumber }) {
        own++;
        assert.ok(number < QUEUE_PAIR_NUMBERS && (remoteNumber ?? 0) < QUEUE_PAIR_NUMBERS);
      },
    });
    assert.ok(own <= 16 && outcome.refused <= 32, `message ${i}`);
    entries += own;
    refused += outcome.refused;
    if (outcome.end === 'more') undone++;
  }
  t.diagnostic(`${entries} entries read, ${refused} refused, ${undone} dumps without an end`);
  assert.ok(entries > MUTATIONS && refused > MUTATIONS / 10);
});
