// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countersAt, MOST_RAW, placeStrings, rawCountersAt } from '../../src/nic/known-strings.js';
import { rawFilter } from '../../src/nic/raw-filter.js';

function values(...counts: bigint[]): Buffer {
  const bytes = Buffer.alloc(counts.length * 8);
  for (const [index, count] of counts.entries()) bytes.writeBigUInt64LE(count, index * 8);
  return bytes;
}

test('strings that are known have a meaning, the others are shown where they are asked for', () => {
  const names = ['rx_prio3_pause', 'ch0_poll', 'rx_prio3_pause_duration', 'ch1_poll', 'rx0_bytes'];
  const places = placeStrings('mlx5_core', names, rawFilter(['ch?_poll', 'rx_prio*']));
  const bytes = values(17n, 5n, 2_500_000n, 6n, 9n);
  assert.deepEqual(countersAt(bytes, places), [
    { meaning: 'pfc_frames', labels: ['3', 'received'], value: 17 },
    { meaning: 'pfc_pause_seconds', labels: ['3', 'received'], value: 2.5 },
  ]);
  assert.deepEqual(rawCountersAt(bytes, places), [
    { name: 'ch0_poll', value: 5 },
    { name: 'ch1_poll', value: 6 },
  ]);
});

test('what a driver lacks is absent, not 0', () => {
  const places = placeStrings('mlx5_core', ['rx_prio3_pause', 'rx_prio3_packets'], () => false);
  assert.deepEqual(
    countersAt(values(1n), places).map(({ meaning }) => meaning),
    ['pfc_frames'],
    'a value that was not given',
  );
  assert.deepEqual(placeStrings('a driver that nobody knows', ['rx_prio3_pause'], () => false).known, []);
});

test('raw counters have a bound, and what is beyond it is counted', () => {
  const names = Array.from({ length: MOST_RAW + 7 }, (_, index) => `q${index}`);
  const places = placeStrings('', [...names, 'q0', ''], () => true);
  assert.deepEqual([places.raw.length, places.rawLeftOut], [MOST_RAW, 7]);
});
