// SPDX-License-Identifier: Apache-2.0
// Counters that showed their values show them in the next process, whatever new series do there.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FirstZeros } from '../../src/metrics/first-zeros.js';
import { FirstZerosExport, readFirstZeros } from '../../src/metrics/first-zeros-state.js';
import { pairPartNames } from '../../src/metrics/roce-part-names.js';
import { Pacer } from '../../src/pacer.js';
import { createRocePairs } from '../../src/roce/roce-pairs.js';
import type { RocePairView } from '../../src/roce/views.js';
import { roceRowsOf } from '../support/roce/roce-rows.js';

const yieldToLoop = () => Promise.resolve();
const pacer = new Pacer(yieldToLoop);

function createZeros(zeroFirst: boolean): FirstZeros {
  const audience = { seen: () => ({ beginnings: 0, ends: Number.POSITIVE_INFINITY }) };
  return new FirstZeros({ zeroFirst, holdMaxMs: 60_000 }, { audience, nowMs: () => 0 });
}

async function onePair(): Promise<RocePairView> {
  const pairs = createRocePairs(
    {
      maxPairs: 1,
      idleTimeoutMs: 1000,
      intervalMs: 1000,
      perQueuePair: false,
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
      hashSeed: 1,
    },
    { yieldToLoop },
  );
  await pairs.apply(roceRowsOf([{ packets: 5 }]), [], 0);
  return pairs.view.pairs[0] ?? assert.fail('no pair');
}

async function goOn(from: FirstZeros, to: FirstZeros, pair: RocePairView): Promise<void> {
  const read = readFirstZeros(await new FirstZerosExport(from, pacer).run([pair]));
  assert.ok('restore' in read);
  await read.restore(to, [pair], pacer);
  to.begin(1);
}

test('what showed its value goes on, what showed 0 does not', async () => {
  const pair = await onePair();
  const old = createZeros(true);
  old.begin(1);
  old.restore(pair, ['a']);
  assert.deepEqual([old.show(pair, 'a', 5), old.show(pair, 'b', 5)], [5, 0]);
  const next = createZeros(true);
  await goOn(old, next, pair);
  assert.deepEqual([next.show(pair, 'a', 6), next.show(pair, 'b', 6)], [6, 0]);
});

test('after at_value, what there is shows its value with zero_first, too', async () => {
  const pair = await onePair();
  const next = createZeros(true);
  await goOn(createZeros(false), next, pair);
  for (const part of pairPartNames(pair)) assert.equal(next.show(pair, part, 7), 7);
  assert.equal(next.show(pair, 'new', 7), 0);
});
