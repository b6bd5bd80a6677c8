// SPDX-License-Identifier: Apache-2.0
// Counters of RoCE pairs stand at 0 until those who scrape have seen that, and sums balance meanwhile.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Seen } from '../../src/flows/audience.js';
import type { Family } from '../../src/metrics/definition.js';
import { FirstZeros } from '../../src/metrics/first-zeros.js';
import { roceFamilies } from '../../src/metrics/roce-families.js';
import { createRocePairs, type RocePairs } from '../../src/roce/roce-pairs.js';
import { FIXED_LABELS } from '../support/exposition/series-fixture.js';
import { roceRowsOf, type StreamSpec } from '../support/roce/roce-rows.js';

/** Pairs, and what those who scrape are shown of them. Refreshes are numbered from 1 and come every second. */
function createShown(options: { zeroFirst?: boolean; holdMaxMs?: number } = {}) {
  let seen: Seen = { beginnings: 0, ends: Number.POSITIVE_INFINITY };
  let refresh = 0;
  const { zeroFirst = true, holdMaxMs = 60_000 } = options;
  const zeros = new FirstZeros(
    { zeroFirst, holdMaxMs },
    { audience: { seen: () => seen }, nowMs: () => 1000 * refresh },
  );
  const pairs: RocePairs = createRocePairs(
    {
      maxPairs: 3,
      idleTimeoutMs: 3000,
      intervalMs: 1000,
      perQueuePair: false,
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
      hashSeed: 1,
    },
    {
      yieldToLoop: async () => undefined,
      mayEnd: (pair, changedIn, overdueMs) => zeros.mayEnd(pair, changedIn, overdueMs),
    },
  );
  return {
    pairs,
    everybodySaw(number: number): void {
      seen = { beginnings: number, ends: number };
    },
    async refresh(...streams: StreamSpec[]): Promise<void> {
      refresh++;
      zeros.beginRefresh();
      await pairs.apply(roceRowsOf(streams), [], 1000 * refresh, refresh);
    },
    async show(): Promise<Family[]> {
      zeros.begin(refresh);
      return roceFamilies(pairs.view, FIXED_LABELS, { yieldToLoop: async () => undefined, zeros });
    },
  };
}

function find(families: readonly Family[], name: string): Family {
  return families.find((family) => family.name === name) ?? assert.fail(`there is no ${name}`);
}

function sum(families: readonly Family[], name: string): number {
  return find(families, name).samples.reduce((total, { value }) => total + value, 0);
}

function packets(families: readonly Family[]): [shown: number, pending: number] {
  return [sum(families, 'xtrace_roce_packets_total'), sum(families, 'xtrace_roce_pending_packets')];
}

test('the counters of a new pair show 0 until that was seen, then all they counted', async () => {
  const { refresh, show, everybodySaw } = createShown();
  await refresh({ packets: 5, bytes: 500 });
  assert.deepEqual(packets(await show()), [0, 5]);
  await refresh({ packets: 2, bytes: 200 });
  assert.deepEqual(packets(await show()), [0, 7]);
  everybodySaw(1);
  await refresh();
  const shown = await show();
  assert.deepEqual(packets(shown), [7, 0]);
  assert.equal(sum(shown, 'xtrace_roce_bytes_total'), 700);
  assert.equal(sum(shown, 'xtrace_roce_pending_bytes'), 0);
});

test('a counter that a known pair has newly begins at 0, too', async () => {
  const { refresh, show, everybodySaw } = createShown();
  await refresh({ packets: 5 });
  await show();
  everybodySaw(1);
  await refresh();
  assert.deepEqual(packets(await show()), [5, 0]);
  await refresh({ packets: 3, dscp: 26 });
  assert.deepEqual(packets(await show()), [5, 3]);
  everybodySaw(3);
  await refresh();
  assert.deepEqual(packets(await show()), [8, 0]);
});

test('a counter shows 0 no longer than the limit', async () => {
  const { refresh, show } = createShown({ holdMaxMs: 2000 });
  await refresh({ packets: 5 });
  await show();
  await refresh();
  assert.deepEqual(packets(await show()), [0, 5]);
  await refresh();
  assert.deepEqual(packets(await show()), [5, 0]);
});

test('at_value shows values at once', async () => {
  const { refresh, show } = createShown({ zeroFirst: false });
  await refresh({ packets: 5 });
  assert.deepEqual(packets(await show()), [5, 0]);
});

test('malformed packets are pending by themselves', async () => {
  const { refresh, show } = createShown();
  await refresh({ transport: 'malformed', detail: 1, packets: 4, bytes: 240 });
  const shown = await show();
  assert.equal(sum(shown, 'xtrace_roce_malformed_packets_total'), 0);
  const [pending] = find(shown, 'xtrace_roce_pending_packets').samples;
  assert.deepEqual([new Map(pending?.labels).get('version'), pending?.value], ['malformed', 4]);
  assert.deepEqual(find(shown, 'xtrace_roce_pending_bytes').samples, []);
});

test('a pair that is idle stays until its last values were seen', async () => {
  const { pairs, refresh, show, everybodySaw } = createShown();
  everybodySaw(1);
  await refresh({ packets: 5 }); // 1
  await show(); // 0 is shown
  await refresh(); // 2
  await show(); // its value is shown
  for (let i = 0; i < 5; i++) await refresh();
  assert.equal(pairs.view.pairs.length, 1);
  everybodySaw(2);
  await refresh();
  assert.equal(pairs.view.pairs.length, 0);
});

test('it stays no longer than the limit, and not at all where nobody is waited for', async () => {
  const limited = createShown({ holdMaxMs: 2000 });
  limited.everybodySaw(0);
  await limited.refresh({ packets: 5 });
  for (let i = 0; i < 5; i++) await limited.refresh();
  assert.equal(limited.pairs.view.pairs.length, 1);
  await limited.refresh();
  assert.equal(limited.pairs.view.pairs.length, 0);
  const alone = createShown();
  await alone.refresh({ packets: 5 });
  for (let i = 0; i < 4; i++) await alone.refresh();
  assert.equal(alone.pairs.view.pairs.length, 0);
});

test('whatever comes and whoever looks, shown and pending are what the pairs counted, and no counter falls', async () => {
  const stream = fc.record({
    src: fc.nat(4).map((host) => [10, 0, 0, host]),
    dscp: fc.nat(2),
    packets: fc.integer({ min: 1, max: 9 }),
    transport: fc.constantFrom('rc', 'uc', 'ud', 'malformed'),
    detail: fc.constant(1),
  });
  const steps = fc.array(
    fc.record({ streams: fc.array(stream, { maxLength: 6 }), looks: fc.boolean(), seenAgo: fc.nat(4) }),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const { pairs, refresh, show, everybodySaw } = createShown();
      let former = new Map<string, number>();
      for (const [i, { streams, looks, seenAgo }] of list.entries()) {
        everybodySaw(Math.max(0, i - seenAgo));
        await refresh(...(streams as StreamSpec[]));
        if (!looks) continue;
        const shown = await show();
        const counted = pairs.view.pairs.reduce(
          (total, { traffic, malformedPackets }) =>
            total + malformedPackets + traffic.reduce((all, one) => all + one.packets, 0),
          0,
        );
        const found = sum(shown, 'xtrace_roce_malformed_packets_total') + packets(shown)[0];
        assert.equal(found + packets(shown)[1], counted);
        const now = new Map(
          find(shown, 'xtrace_roce_packets_total').samples.map(({ labels, value }) => [
            JSON.stringify(labels),
            value,
          ]),
        );
        for (const [name, value] of now) {
          const before = former.get(name) ?? 0;
          assert.ok(value >= before || value === 0, `${name} went from ${before} to ${value}`);
        }
        former = now;
      }
    }),
    { numRuns: 100 },
  );
});
