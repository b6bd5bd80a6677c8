// SPDX-License-Identifier: Apache-2.0
// Whatever comes in: what is shown and what is not add up to what the interfaces carried, rates times time are
// the differences of the totals, and no answer has a number that is none.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { ROCE_CELL } from '../../src/abi/roce-records.js';
import { createLiveFixture, type LiveFixture } from '../support/api/live-fixture.js';
import type { TestRow } from '../support/flows/rows.js';
import type { StreamSpec } from '../support/roce/roce-rows.js';

const row = fc.record({
  kind: fc.constantFrom(KIND.tcp, KIND.udp, KIND.roceV2, KIND.nonIp),
  interfaceId: fc.integer({ min: 1, max: 3 }),
  src: fc.tuple(fc.constant(10), fc.constantFrom(0, 1), fc.constant(0), fc.integer({ min: 0, max: 20 })),
  packets: fc.integer({ min: 1, max: 50 }),
  bytes: fc.integer({ min: 60, max: 5_000_000 }),
});
const stream = fc.record({
  interfaceId: fc.integer({ min: 1, max: 2 }),
  src: fc.tuple(fc.constant(10), fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 6 })),
  packets: fc.integer({ min: 1, max: 50 }),
  bytes: fc.integer({ min: 60, max: 5_000_000 }),
  cells: fc.record({
    [ROCE_CELL.payloadBytes]: fc.nat(5_000_000),
    [ROCE_CELL.ecn + 3]: fc.nat(5),
    [ROCE_CELL.ecn]: fc.nat(5),
    [ROCE_CELL.rnrNaks]: fc.nat(3),
  }),
});
const refresh = fc.record({
  rows: fc.array(row, { maxLength: 25 }),
  streams: fc.array(stream, { maxLength: 8 }),
  afterMs: fc.integer({ min: 100, max: 5000 }),
});
const query = fc.record({
  top: fc.integer({ min: 1, max: 12 }),
  by: fc.constantFrom('bytes', 'packets', 'total_bytes', 'total_packets'),
  more: fc.constantFrom('', '&interface=eth1', '&type=UDP', '&interface=eth2&type=TCP', '&src=10.1.0.0/16'),
});

/** A drain has each key once. */
function distinct(rows: readonly TestRow[]): TestRow[] {
  const flows = new Map<string, TestRow>();
  for (const one of rows) {
    const isFlow = one.kind !== KIND.nonIp;
    const key = `${one.kind} ${one.interfaceId} ${isFlow ? one.src : ''}`;
    flows.set(key, isFlow ? one : { ...one, src: [0, 0, 0, 0] });
  }
  return [...flows.values()];
}

type Sums = Record<'flows' | 'bytes' | 'packets' | 'total_bytes' | 'total_packets', number>;
interface FlowsAnswer {
  readonly seconds: number;
  readonly flows: readonly (Sums & { id: string; bits_per_second: number; packets_per_second: number })[];
  readonly shown: Sums;
  readonly rest: Sums;
  readonly without_series: Sums | null;
  readonly all: Sums;
}

async function run(
  fixture: LiveFixture,
  refreshes: readonly { rows: TestRow[]; streams: StreamSpec[]; afterMs: number }[],
) {
  for (const { rows, streams, afterMs } of refreshes) {
    await fixture.refresh(distinct(rows), afterMs, streams);
  }
}

test('flows: shown + rest + without a series = all, and all is what the interfaces carried', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(refresh, { minLength: 1, maxLength: 5 }), query, async (refreshes, asked) => {
      const fixture = createLiveFixture();
      await run(fixture, refreshes);
      const path = `flows?top=${asked.top}&by=${asked.by}${asked.more}`;
      const answer = (await fixture.ask(path)) as unknown as FlowsAnswer;
      const fields = ['bytes', 'packets', 'total_bytes', 'total_packets'] as const;
      for (const field of fields) {
        const listed = answer.flows.reduce((sum, flow) => sum + flow[field], 0);
        assert.equal(answer.shown[field], listed, field);
        const { shown, rest, without_series, all } = answer;
        assert.equal(shown[field] + rest[field] + (without_series?.[field] ?? 0), all[field], field);
      }
      assert.equal(answer.shown.flows, answer.flows.length);
      assert.equal(answer.without_series === null, asked.more.includes('src='));
      if (asked.more !== '') return;
      const last = distinct(refreshes.at(-1)?.rows ?? []);
      const sum = (field: 'packets' | 'bytes'): number =>
        last.reduce((total, one) => total + (one[field] ?? 0), 0);
      assert.deepEqual([answer.all.packets, answer.all.bytes], [sum('packets'), sum('bytes')]);
      const others = fixture.accounts.books.others;
      assert.equal(
        answer.without_series?.total_bytes,
        others.reduce((total, { bytes }) => total + bytes, 0),
        'what the books have beside series',
      );
    }),
    { numRuns: 150 },
  );
});

test('rates times seconds are the differences of totals, of flows, interfaces and pairs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(refresh, { minLength: 1, maxLength: 4 }), refresh, async (refreshes, last) => {
      const fixture = createLiveFixture({ maxSeries: 1000 });
      fixture.eventReaders = 1;
      await run(fixture, refreshes);
      const before = await allOf(fixture);
      await run(fixture, [last]);
      const after = await allOf(fixture);
      assert.equal(after.seconds, last.afterMs / 1000);
      for (const [id, totals] of after.rows) {
        const former = before.rows.get(id);
        const bits = 8 * (totals.total_bytes - (former?.total_bytes ?? 0));
        assertNear(totals.bits_per_second * after.seconds, bits, `bits of ${id}`);
        const packets = totals.total_packets - (former?.total_packets ?? 0);
        assertNear(totals.packets_per_second * after.seconds, packets, `packets of ${id}`);
      }
      for (const [id, { total_bytes }] of before.rows) {
        if (!after.rows.has(id)) assert.fail(`${id} with ${total_bytes} bytes is gone`);
      }
    }),
    { numRuns: 100 },
  );
});

test('windows and history are sums of the refreshes that they go over', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(refresh, { minLength: 2, maxLength: 12 }), async (refreshes) => {
      const fixture = createLiveFixture({ maxSeries: 1000 });
      fixture.eventReaders = 1;
      await run(fixture, refreshes);
      const { ends_ms, seconds_each, series } = (await fixture.ask('history')) as unknown as HistoryAnswer;
      assert.equal(ends_ms.length, seconds_each.length);
      const bits = series.flatMap(({ bits_per_second }) =>
        bits_per_second.map((rate, i) => (rate ?? 0) * (seconds_each[i] ?? 0)),
      );
      const sent = refreshes
        .flatMap(({ rows }) => distinct(rows))
        .reduce((sum, { bytes = 0 }) => sum + bytes, 0);
      assertNear(
        bits.reduce((sum, one) => sum + one, 0),
        8 * sent,
        'all of the history',
      );
      const { flows } = (await fixture.ask('flows?top=1000')) as unknown as { flows: WindowedFlow[] };
      for (const { total_bytes, windows } of flows) {
        const known = windows?.at(-1);
        const totalMs = refreshes.reduce((sum, { afterMs }) => sum + afterMs, 0);
        if (known === undefined || known.seconds * 1000 < totalMs - 1e-6) continue;
        assertNear(known.bits_per_second * known.seconds, 8 * total_bytes, 'a flow since the beginning');
      }
    }),
    { numRuns: 100 },
  );
});

test('no answer has a number that is none', async () => {
  const paths = ['overview', 'flows', 'pairs', 'rdma', 'books', 'history'];
  await fc.assert(
    fc.asyncProperty(fc.array(refresh, { maxLength: 3 }), fc.boolean(), async (refreshes, isSudden) => {
      const fixture = createLiveFixture();
      await run(fixture, isSudden ? refreshes.map((one) => ({ ...one, afterMs: 0 })) : refreshes);
      for (const path of paths) {
        const answer = await fixture.view.answer(path, new URLSearchParams());
        assert.ok('body' in answer);
        const text = Buffer.concat(answer.body).toString();
        assert.doesNotMatch(text, /NaN|Infinity/, path);
        JSON.parse(text);
      }
    }),
    { numRuns: 60 },
  );
});

test('the books balance, as the numbers that are shown say', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(refresh, { minLength: 1, maxLength: 4 }),
      fc.constantFrom('zero_first' as const, 'at_value' as const),
      async (refreshes, newSeries) => {
        const fixture = createLiveFixture({ newSeries });
        await run(fixture, refreshes);
        const { balances, sum, rows } = (await fixture.ask('books')) as unknown as BooksAnswer;
        assert.equal(balances, true);
        for (const unit of ['bytes', 'packets'] as const) {
          assert.equal(sum.seen[unit], sum.shown[unit] + sum.pending[unit] + sum.other[unit]);
          for (const { seen, shown, pending, other } of rows) {
            const elsewhere = other.reduce((total, one) => total + one[unit], 0);
            assert.equal(seen[unit], shown[unit] + pending[unit] + elsewhere);
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});

type Amount = Record<'bytes' | 'packets', number>;
interface BooksAnswer {
  readonly balances: boolean;
  readonly sum: Record<'seen' | 'shown' | 'pending' | 'other', Amount>;
  readonly rows: readonly (Record<'seen' | 'shown' | 'pending', Amount> & { other: Amount[] })[];
}
interface HistoryAnswer {
  readonly ends_ms: readonly number[];
  readonly seconds_each: readonly number[];
  readonly series: readonly { readonly bits_per_second: readonly (number | null)[] }[];
}
interface WindowedFlow {
  readonly total_bytes: number;
  readonly windows: readonly { readonly seconds: number; readonly bits_per_second: number }[] | null;
}
type Rated = Record<'total_bytes' | 'total_packets' | 'bits_per_second' | 'packets_per_second', number>;

async function allOf(fixture: LiveFixture) {
  const rows = new Map<string, Rated>();
  const { flows, seconds } = (await fixture.ask('flows?top=1000')) as unknown as {
    flows: (Rated & { id: string })[];
    seconds: number;
  };
  for (const flow of flows) rows.set(flow.id, flow);
  const { pairs } = (await fixture.ask('pairs?top=1000')) as unknown as { pairs: (Rated & { id: string })[] };
  for (const pair of pairs) rows.set(pair.id, pair);
  const { interfaces } = (await fixture.ask('overview')) as unknown as {
    interfaces: (Rated & { name: string; types: (Rated & { traffic_type: string })[] })[];
  };
  for (const one of interfaces) {
    rows.set(one.name, one);
    for (const type of one.types) rows.set(`${one.name} ${type.traffic_type}`, type);
  }
  return { seconds, rows };
}

function assertNear(actual: number, expected: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= 1e-9 * Math.max(1, expected),
    `${what}: ${actual}, not ${expected}`,
  );
}
