// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROCE_TRANSPORT, type RoceOverflowRow } from '../../src/abi/roce-records.js';
import type { KeyHash } from '../../src/flows/key-hash.js';
import { createRocePairs, type RocePairsOptions } from '../../src/roce/roce-pairs.js';
import type { RocePairsView, RocePairView } from '../../src/roce/views.js';
import { PairsModel, pairNameOf } from '../support/roce/pairs-model.js';
import { roceRowsOf, type StreamSpec } from '../support/roce/roce-rows.js';

interface Interval {
  readonly streams: readonly StreamSpec[];
  readonly overflow: readonly RoceOverflowRow[];
  /** The clock's step before this refresh. */
  readonly stepMs: number;
}

const TRANSPORTS = Object.keys(ROCE_TRANSPORT) as (keyof typeof ROCE_TRANSPORT)[];
const counts = {
  packets: fc.oneof(fc.nat(3), fc.nat(2 ** 30)),
  // Big ones show a sum that is not exact.
  bytes: fc.oneof(fc.nat(8), fc.constantFrom(100, 2 ** 40 + 1)),
};
const address = fc.oneof(
  fc.nat(5).map((i) => [10, 0, i >> 1, i]),
  fc.nat(2).map((i) => [0x20, 1, 0xd, 0xb8, i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i]),
);
const stream: fc.Arbitrary<StreamSpec> = fc
  .record({
    src: address,
    dst: fc.constantFrom([10, 0, 0, 2], [10, 0, 0, 3]),
    interfaceId: fc.nat(1),
    queuePair: fc.nat(4),
    sourcePort: fc.constantFrom(0, 0xc000, 0xc001),
    pkey: fc.constantFrom(0xffff, 0xffff, 0x8001, 0x7fff),
    version: fc.constantFrom(1 as const, 2 as const),
    transport: fc.constantFrom(...TRANSPORTS),
    dscp: fc.constantFrom(0, 26, 63),
    detail: fc.integer({ min: 1, max: 3 }),
    cells: fc.dictionary(fc.integer({ min: 2, max: 62 }).map(String), fc.nat(1000), { maxKeys: 6 }),
    ...counts,
  })
  // The kernel knows neither a queue pair nor a P_Key of what is no BTH.
  .map((spec) => (spec.transport === 'malformed' ? { ...spec, queuePair: 0, pkey: 0, cells: {} } : spec));

const intervals = (maxRows: number): fc.Arbitrary<Interval[]> =>
  fc.array(
    fc.record({
      streams: fc.array(stream, { maxLength: maxRows }),
      overflow: fc.array(fc.record({ interfaceId: fc.nat(1), version: fc.nat(2), ...counts }), {
        maxLength: 3,
      }),
      stepMs: fc.constantFrom(1000, 1000, 1000, 999, 2500, 0, -100_000, 60_000),
    }),
    { minLength: 1, maxLength: 20 },
  );

/** Every counter of a pair, and the others. */
function snapshot(view: RocePairsView): Map<string, number> {
  const values = new Map<string, number>();
  for (const row of view.others) {
    values.set(`other ${row.interfaceId} ${row.version} ${row.reason} packets`, row.packets);
    values.set(`other ${row.interfaceId} ${row.version} ${row.reason} bytes`, row.bytes);
  }
  return values;
}

async function checkAgainstModel(
  sequence: readonly Interval[],
  change: Partial<RocePairsOptions>,
  hash: KeyHash | undefined,
): Promise<void> {
  const options: RocePairsOptions = {
    maxPairs: 5,
    idleTimeoutMs: 3000,
    intervalMs: 1000,
    perQueuePair: false,
    ipv4PrefixLength: 32,
    ipv6PrefixLength: 128,
    hashSeed: 42,
    ...change,
  };
  const pairs = createRocePairs(options, {
    yieldToLoop: () => Promise.resolve(),
    ...(hash === undefined ? {} : { hash }),
  });
  const model = new PairsModel(options);
  let nowMs = 1_700_000_000_000;
  let before = snapshot(pairs.view);
  // A pair that ends and begins anew is another object; one that lives never counts down.
  let livesBefore = new Map<RocePairView, { name: string; cells: number[] }>();
  for (const { streams, overflow, stepMs } of sequence) {
    nowMs += stepMs;
    await pairs.apply(roceRowsOf(streams), overflow, nowMs);
    model.check(pairs.view, streams, overflow, nowMs);
    const after = snapshot(pairs.view);
    for (const [name, value] of before) assert.ok((after.get(name) ?? -1) >= value, `${name} fell`);
    before = after;
    const lives = new Map(
      pairs.view.pairs.map((pair) => [pair, { name: pairNameOf(pair), cells: [...pair.cells] }]),
    );
    for (const [pair, { name, cells }] of lives) {
      const old = livesBefore.get(pair);
      if (old === undefined) continue;
      assert.equal(name, old.name);
      assert.ok(
        cells.every((value, i) => value >= (old.cells[i] ?? 0)),
        `a counter of ${name} fell`,
      );
    }
    livesBefore = lives;
  }
}

const HASHES: Record<string, KeyHash | undefined> = {
  keyed: undefined,
  constant: () => 7,
};

for (const [name, hash] of Object.entries(HASHES)) {
  test(`agrees with the model and balances after every refresh, hash ${name}`, async () => {
    await fc.assert(
      fc.asyncProperty(
        intervals(16),
        fc.record({
          maxPairs: fc.integer({ min: 1, max: 12 }),
          perQueuePair: fc.boolean(),
          ipv4PrefixLength: fc.constantFrom(32, 32, 31, 24, 0),
          ipv6PrefixLength: fc.constantFrom(128, 128, 33, 0),
        }),
        (sequence, change) => checkAgainstModel(sequence, change, hash),
      ),
      { numRuns: 150 },
    );
  });
}

test('agrees with the model also when hundreds of streams come and go', async () => {
  await fc.assert(
    fc.asyncProperty(intervals(300), fc.boolean(), (sequence, perQueuePair) =>
      checkAgainstModel(sequence, { maxPairs: 40, perQueuePair }, undefined),
    ),
    { numRuns: 10 },
  );
});
