// SPDX-License-Identifier: Apache-2.0
// Parts of the encoders where a whole snapshot would not reach: look-alike symbols and series, changing
// metrics, the edges of varints.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { BatchV1 } from '../../../src/exposition/remote-write/batch-v1.js';
import { FamilyLabelCache } from '../../../src/exposition/remote-write/family-label-cache.js';
import { encodeLabels, mergeLabels, withMetricName } from '../../../src/exposition/remote-write/labels.js';
import { createMetadata, type MetricHead } from '../../../src/exposition/remote-write/metric-head.js';
import { SymbolTable } from '../../../src/exposition/remote-write/symbol-table.js';
import {
  encodeInt64,
  varintBytes,
  writeInt64,
  writeVarint,
} from '../../../src/exposition/remote-write/wire.js';
import type { Sample } from '../../../src/metrics/definition.js';
import { gauge, receive, TIMESTAMP_MS } from '../../support/exposition/encoder-fixture.js';

test('symbols: no two of 300,000 texts of one length are taken for each other, and all are found again', () => {
  // Their hashes have 32 bits: some ten pairs share one. Digests, as the hash keeps short plain numbers apart.
  const count = 300_000;
  const texts = Buffer.concat(
    Array.from({ length: count }, (_, i) => createHash('sha1').update(String(i)).digest().subarray(0, 12)),
  );
  const table = new SymbolTable();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < count; i++) assert.equal(table.ref(texts, i * 12, i * 12 + 12), i + 1);
  }
  assert.equal(table.bytes, 2 + count * (2 + 12));
  table.clear();
  assert.equal(table.ref(texts, 12, 24), 1);
  assert.equal(table.ref(texts, 12, 12), 0);
});

test('other metrics over labels of the same length do not take over what the former left', () => {
  const head = (name: string): MetricHead => ({
    labels: encodeLabels(withMetricName([], name)),
    metadata: createMetadata({ name, help: '', type: 'gauge' }),
  });
  const rest = encodeLabels([['a', 'x']]);
  const batch = new BatchV1();
  batch.begin(TIMESTAMP_MS);
  batch.addAll([head('first'), head('second')], rest, Float64Array.of(1, 2));
  batch.addAll([head('third'), head('fourth_and_long')], rest, Float64Array.of(3, 4));
  const received = receive([batch.take()]).map(({ labels, samples }) => [labels, samples[0]?.value]);
  assert.deepEqual(
    received,
    ['first', 'second', 'third', 'fourth_and_long'].map((name, i) => [
      [
        ['__name__', name],
        ['a', 'x'],
      ],
      i + 1,
    ]),
  );
});

test('varints: as many bytes as said, and the same for an int64 either way', () => {
  const out = Buffer.alloc(16);
  fc.assert(
    fc.property(fc.nat(), fc.maxSafeNat(), (small, large) => {
      assert.equal(writeVarint(out, 3, small), 3 + varintBytes(small));
      assert.ok(out.subarray(3, 3 + varintBytes(small)).equals(encodeInt64(small)));
      const end = writeInt64(out, 3, large);
      assert.ok(out.subarray(3, end).equals(encodeInt64(large)));
    }),
    {
      examples: [
        [0, 0],
        [0x7f, 0x7fffffff],
        [0x80, 0x80000000],
        [0x3fff, 2 ** 35],
        [0x7fffffff, 2 ** 53 - 1],
      ],
    },
  );
  assert.equal(encodeInt64(-1).toString('hex'), `${'ff'.repeat(9)}01`);
});

test('labels merge by the rule: own ones win, in the order of bytes', () => {
  assert.deepEqual(
    mergeLabels(
      [
        ['b', '1'],
        ['a', ''],
        ['b', '2'],
      ],
      [
        ['a', 'external'],
        ['b', 'external'],
        ['Z', 'external'],
        ['_', 'external'],
      ],
    ),
    [
      ['Z', 'external'],
      ['_', 'external'],
      ['b', '1'],
    ],
  );
});

test('series of families: found again by what samples say, one where labels that are left out differ', () => {
  const kept = new FamilyLabelCache([['job', 'x']]);
  const family = gauge('x_ratio');
  const metadata = createMetadata(family);
  const keep = (labels: Sample['labels'], name = 'x_ratio') =>
    kept.keep({ ...family, name }, metadata, { suffix: '', labels, value: 1 })?.head;
  const one: Sample['labels'] = [['a', 'b']];

  kept.beginPush();
  const head = keep(one);
  assert.ok(head !== undefined);
  assert.equal(
    keep([
      ['a', 'b'],
      ['empty', ''],
    ]),
    undefined,
    'the same series a second time',
  );
  // What a plain join of names and values would take for one.
  assert.notEqual(
    keep([
      ['a', 'bc'],
      ['d', 'e'],
    ]),
    undefined,
  );
  assert.notEqual(
    keep([
      ['a', 'b'],
      ['cd', 'e'],
    ]),
    undefined,
  );
  assert.notEqual(keep([], 'x_ratio1:a1:b'), undefined, 'names may have colons');
  assert.deepEqual([...kept.takeVanished()], []);

  kept.beginPush();
  assert.equal(
    keep([
      ['a', 'b'],
      ['empty', ''],
    ]),
    head,
    'the other name alone finds it too',
  );
  assert.equal([...kept.takeVanished()].length, 3);

  kept.beginPush();
  assert.deepEqual([...kept.takeVanished()], [head]);
  assert.notEqual(keep(one), head, 'forgotten under both names');
  assert.equal(
    keep([
      ['a', 'b'],
      ['empty', ''],
    ]),
    undefined,
  );
});
