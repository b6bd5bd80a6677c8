// SPDX-License-Identifier: Apache-2.0
// Pairs that go on from a state are the same as those that wrote it, and stay so with what comes after; and what
// they take of an exposition is the same, too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ROCE_TRANSPORT, type RoceOverflowRow } from '../../src/abi/roce-records.js';
import { ExpositionBudget } from '../../src/flows/exposition-budget.js';
import { FirstZeros } from '../../src/metrics/first-zeros.js';
import { FirstZerosExport, readFirstZeros } from '../../src/metrics/first-zeros-state.js';
import { pairLabelBytes, pairLineCosts } from '../../src/metrics/line-costs.js';
import { roceFamilies } from '../../src/metrics/roce-families.js';
import { Pacer } from '../../src/pacer.js';
import { createRocePairs, type RocePairs } from '../../src/roce/roce-pairs.js';
import { decodeState, encodeState } from '../../src/state/state-file.js';
import { roceRowsOf, type StreamSpec } from '../support/roce/roce-rows.js';

const OLD = ['lan', 'wan'];
const NEW = ['new', 'wan', 'lan'];
const START_MS = 1_700_000_000_000;
const yieldToLoop = () => Promise.resolve();
const pacer = new Pacer(yieldToLoop);

interface Interval {
  readonly streams: readonly StreamSpec[];
  readonly overflow: readonly RoceOverflowRow[];
  readonly stepMs: number;
  readonly isShown: boolean;
}

const TRANSPORTS = Object.keys(ROCE_TRANSPORT) as (keyof typeof ROCE_TRANSPORT)[];
const counts = {
  packets: fc.oneof(fc.nat(3), fc.nat(2 ** 30)),
  bytes: fc.oneof(fc.nat(8), fc.constant(2 ** 40 + 1)),
};
const stream: fc.Arbitrary<StreamSpec> = fc
  .record({
    src: fc.nat(5).map((i) => [10, 0, i >> 1, i]),
    interfaceId: fc.nat(1),
    queuePair: fc.nat(4),
    pkey: fc.constantFrom(0xffff, 0x8001, 0x7fff),
    version: fc.constantFrom(1 as const, 2 as const),
    transport: fc.constantFrom(...TRANSPORTS),
    dscp: fc.constantFrom(0, 26, 63),
    detail: fc.integer({ min: 1, max: 3 }),
    cells: fc.dictionary(fc.integer({ min: 2, max: 62 }).map(String), fc.nat(1000), { maxKeys: 6 }),
    ...counts,
  })
  .map((spec) => (spec.transport === 'malformed' ? { ...spec, queuePair: 0, pkey: 0, cells: {} } : spec));
const interval: fc.Arbitrary<Interval> = fc.record({
  streams: fc.array(stream, { maxLength: 10 }),
  overflow: fc.array(fc.record({ interfaceId: fc.nat(1), version: fc.nat(2), ...counts }), { maxLength: 2 }),
  stepMs: fc.constantFrom(1000, 1000, 999, 0, -100_000, 8000),
  isShown: fc.boolean(),
});

/** One process: its pairs, what of them stands at 0, and what it shows. */
class Process {
  readonly names: readonly string[];
  readonly budget = new ExpositionBudget(2 ** 40);
  readonly zeros: FirstZeros;
  readonly zerosExport: FirstZerosExport;
  readonly pairs: RocePairs;
  nowMs = START_MS;
  refresh = 0;
  readonly perQueuePair: boolean;

  constructor(names: readonly string[], hashSeed: number, perQueuePair: boolean) {
    this.names = names;
    this.perQueuePair = perQueuePair;
    this.zeros = new FirstZeros(
      { zeroFirst: true, holdMaxMs: 3000 },
      { audience: { seen: () => ({ beginnings: 0, ends: Infinity }) }, nowMs: () => this.nowMs },
    );
    this.zerosExport = new FirstZerosExport(this.zeros, pacer);
    const { budget, labels } = this;
    this.pairs = createRocePairs(
      {
        maxPairs: 1000,
        idleTimeoutMs: 3000,
        intervalMs: 1000,
        perQueuePair,
        ipv4PrefixLength: 32,
        ipv6PrefixLength: 128,
        hashSeed,
      },
      {
        yieldToLoop,
        room: {
          budget,
          costs: pairLineCosts({ openmetricsCreated: false }),
          labelBytes: (path, queuePair) => pairLabelBytes(path, labels, queuePair),
        },
      },
    );
  }

  get labels() {
    return { interfaceName: (id: number) => this.names[id] ?? '', hostIp: '', collectAgg: 'x' };
  }

  async apply({ streams, overflow, stepMs }: Interval): Promise<void> {
    const numberOf = (id: number): number => this.names.indexOf(OLD[id] ?? '');
    this.nowMs += stepMs;
    this.zeros.beginRefresh();
    const rows = streams.map((spec) => ({ ...spec, interfaceId: numberOf(spec.interfaceId ?? 0) }));
    const refused = overflow.map((one) => ({ ...one, interfaceId: numberOf(one.interfaceId) }));
    await this.pairs.apply(roceRowsOf(rows), refused, this.nowMs, ++this.refresh);
  }

  async show(zeros: FirstZeros | undefined): Promise<Map<string, number>> {
    this.zeros.begin(this.refresh);
    const parts = zeros === undefined ? { yieldToLoop } : { yieldToLoop, zeros };
    const families = await roceFamilies(this.pairs.view, this.labels, parts);
    const values = families.flatMap(({ name, samples }) =>
      samples.map(({ suffix, labels, value, startedMs }) => {
        const text = labels.map((label) => label.join('=')).join(' ');
        return [`${name}${suffix} ${text} ${startedMs}`, value] as const;
      }),
    );
    return new Map(values.sort());
  }

  async goOnFrom(former: Process): Promise<void> {
    const columns = {
      ...(await former.pairs.exportState({
        labels: 'l',
        startedMs: 7,
        names: { interfaceName: (id) => former.names[id] ?? '' },
      })),
      ...(await former.zerosExport.run(former.pairs.view.pairs)),
    };
    const image = await encodeState(columns, pacer);
    const read = await decodeState(Buffer.concat(image.chunks), pacer);
    assert.ok(!('problem' in read), JSON.stringify(read));
    const numbers = { interfaceId: (name: string) => this.names.indexOf(name) };
    const taken = await this.pairs.importState(read.columns, { labels: 'l', numbers });
    assert.ok(!('problem' in taken), JSON.stringify(taken));
    assert.equal(taken.startedMs, 7);
    const zeros = readFirstZeros(read.columns);
    assert.ok(!('problem' in zeros), JSON.stringify(zeros));
    await zeros.restore(this.zeros, taken.pairs, pacer);
    this.nowMs = former.nowMs;
  }
}

/** Gauges of the last interval are none of what goes on. */
function counters(values: ReadonlyMap<string, number>): [string, number][] {
  return [...values].filter(([name]) => /_total|_bucket|_sum|_count/.test(name));
}

function assertSame(next: Process, old: Process, values: ReadonlyMap<string, number>[]): void {
  const [ours = new Map<string, number>(), theirs = new Map<string, number>()] = values;
  assert.deepEqual(counters(ours), counters(theirs));
  assert.equal(next.budget.pairLines, old.budget.pairLines);
  assert.equal(next.budget.pairBytes, old.budget.pairBytes);
}

test('pairs go on as those whose state they read', async () => {
  const sequences = fc.array(interval, { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(sequences, sequences, fc.boolean(), async (before, after, perQueuePair) => {
      const old = new Process(OLD, 1, perQueuePair);
      const next = new Process(NEW, 99, perQueuePair);
      for (const one of before) {
        await old.apply(one);
        await old.zerosExport.run(old.pairs.view.pairs);
        if (one.isShown) await old.show(old.zeros);
      }
      await next.goOnFrom(old);
      assertSame(next, old, [await next.show(undefined), await old.show(undefined)]);
      const shownBefore = await old.show(old.zeros);
      const shownAfter = await next.show(next.zeros);
      for (const [name, value] of counters(shownBefore)) {
        assert.ok(
          (shownAfter.get(name) ?? -1) >= value,
          `${name} was ${value}, and is ${shownAfter.get(name)}`,
        );
      }
      for (const one of after) {
        await old.apply(one);
        await next.apply(one);
        assertSame(next, old, [await next.show(undefined), await old.show(undefined)]);
      }
    }),
    { numRuns: 150 },
  );
});
