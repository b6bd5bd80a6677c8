// SPDX-License-Identifier: Apache-2.0
// A new series waits at 0 for those who scrape, and one that ends waits for them too.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Seen } from '../../src/flows/audience.js';
import type { FlowAccounts, FlowAccountsOptions } from '../../src/flows/flow-accounts.js';
import { create, flow, holders, other, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf } from '../support/flows/rows.js';

/** Accounts whose audience is told; refreshes are numbered from 1 and come every second. */
function createHeld(options: Partial<FlowAccountsOptions> = {}) {
  let seen: Seen = { beginnings: 0, ends: Number.POSITIVE_INFINITY };
  const accounts = create({ newSeries: 'zero_first', ...options }, { audience: { seen: () => seen } });
  let refresh = 0;
  return {
    accounts,
    /** Every scraper that is active has had an answer that shows this refresh. */
    everybodySaw: (number: number): void => {
      seen = { beginnings: number, ends: number };
    },
    nobodyIsActive: (newest: number): void => {
      seen = { beginnings: newest, ends: Number.POSITIVE_INFINITY };
    },
    refresh: async (...flows: ReturnType<typeof flow>[]): Promise<void> => {
      refresh++;
      await accounts.apply(drainOf(flows), [], START_MS + 1000 * refresh, refresh);
      assertBalanced(accounts);
    },
  };
}

function shown({ series }: FlowAccounts): number[] {
  return [...series.inUse.subarray(0, series.count)].map((one) => series.shownBytes[one] ?? Number.NaN);
}

function pending({ books }: FlowAccounts): number {
  return books.pending.reduce((sum, { bytes }) => sum + bytes, 0);
}

test('a new series shows 0 and is pending until every scraper has seen it, then all it counted', async () => {
  const { accounts, refresh, everybodySaw } = createHeld();
  await refresh(flow(1, 100));
  assert.deepEqual([shown(accounts), pending(accounts)], [[0], 100]);
  await refresh(flow(1, 20));
  assert.deepEqual([shown(accounts), pending(accounts)], [[0], 120]);
  everybodySaw(1);
  await refresh(flow(1, 3));
  assert.deepEqual([shown(accounts), pending(accounts)], [[123], 0]);
  await refresh(flow(1, 4));
  assert.deepEqual([shown(accounts), pending(accounts)], [[127], 0]);
});

test('what began later waits for a later answer', async () => {
  const { accounts, refresh, everybodySaw } = createHeld();
  await refresh(flow(1, 100));
  await refresh(flow(2, 10));
  everybodySaw(1);
  await refresh();
  assert.deepEqual([shown(accounts).sort(), pending(accounts)], [[0, 100], 10]);
  everybodySaw(2);
  await refresh();
  assert.deepEqual([shown(accounts).sort(), pending(accounts)], [[10, 100], 0]);
});

test('where nobody is active, any one answer is enough', async () => {
  const { accounts, refresh, nobodyIsActive } = createHeld();
  await refresh(flow(1, 100));
  await refresh();
  assert.deepEqual(shown(accounts), [0]);
  nobodyIsActive(2);
  await refresh();
  assert.deepEqual(shown(accounts), [100]);
});

test('a series shows 0 no longer than the limit, whoever has not seen it', async () => {
  const { accounts, refresh } = createHeld({ holdMaxMs: 3000 });
  await refresh(flow(1, 100));
  await refresh();
  await refresh();
  assert.deepEqual(shown(accounts), [0]);
  await refresh();
  assert.deepEqual(shown(accounts), [100]);
});

test('at_value shows the value at once', async () => {
  const { accounts, refresh } = createHeld({ newSeries: 'at_value' });
  await refresh(flow(1, 100));
  assert.deepEqual([shown(accounts), pending(accounts)], [[100], 0]);
});

test('the last value of a series stays until every scraper has seen it', async () => {
  const { accounts, refresh, everybodySaw } = createHeld({ idleTimeoutMs: 2000 });
  everybodySaw(1);
  await refresh(flow(1, 100)); // 1
  await refresh(flow(1, 7)); // 2: shown from here on
  for (let i = 0; i < 5; i++) await refresh(); // idle for longer than 2 s
  assert.deepEqual(shown(accounts), [107]);
  everybodySaw(2);
  await refresh();
  assert.deepEqual([holders(accounts, 1), other(accounts, 'expired')], [[], { packets: 2, bytes: 107 }]);
});

test('it stays no longer than the limit', async () => {
  const { accounts, refresh, everybodySaw } = createHeld({ idleTimeoutMs: 2000, holdMaxMs: 3000 });
  everybodySaw(1);
  await refresh(flow(1, 100)); // 1
  await refresh(); // 2: shown from here on
  for (let idleS = 2; idleS <= 5; idleS++) await refresh();
  assert.deepEqual(shown(accounts), [100]);
  await refresh();
  assert.deepEqual(holders(accounts, 1), []);
});

test('it does not stay where nobody is active', async () => {
  const { accounts, refresh, nobodyIsActive } = createHeld({ idleTimeoutMs: 2000 });
  nobodyIsActive(1);
  await refresh(flow(1, 100));
  await refresh();
  for (let idleS = 2; idleS <= 3; idleS++) await refresh();
  assert.deepEqual(holders(accounts, 1), []);
});

test('a series that is held does not end before it has shown what it counted', async () => {
  const { accounts, refresh, everybodySaw } = createHeld({ idleTimeoutMs: 2000, holdMaxMs: 20_000 });
  everybodySaw(0);
  await refresh(flow(1, 100));
  for (let i = 0; i < 8; i++) await refresh();
  assert.deepEqual([shown(accounts), pending(accounts)], [[0], 100]);
  everybodySaw(1);
  await refresh();
  assert.deepEqual([shown(accounts), pending(accounts)], [[100], 0]);
  await refresh();
  assert.deepEqual(shown(accounts), [100], 'until that was seen');
  everybodySaw(10);
  await refresh();
  assert.deepEqual(holders(accounts, 1), []);
});

test('a series that is held ends with its idle time where nobody waits', async () => {
  const { accounts, refresh } = createHeld({ idleTimeoutMs: 2000, holdMaxMs: 20_000 });
  await refresh(flow(1, 100));
  for (let idleS = 1; idleS <= 3; idleS++) await refresh();
  assert.deepEqual([holders(accounts, 1), pending(accounts)], [[], 0]);
  assert.deepEqual(other(accounts, 'expired'), { packets: 1, bytes: 100 });
});

test('a series that is held gives way to a larger flow, and nothing stays pending', async () => {
  const { accounts, refresh } = createHeld({ maxSeries: 1 });
  await refresh(flow(1, 100));
  await refresh(flow(2, 1000));
  assert.deepEqual(holders(accounts, 1, 2), [2]);
  assert.deepEqual(other(accounts, 'max_series'), { packets: 1, bytes: 100 });
  assert.equal(pending(accounts), 1000);
});

test('a series in the place of another begins at 0', async () => {
  const { accounts, refresh, everybodySaw } = createHeld({ maxSeries: 1 });
  everybodySaw(1);
  await refresh(flow(1, 100));
  await refresh(flow(1, 100));
  assert.deepEqual(shown(accounts), [200]);
  await refresh(flow(2, 10_000));
  assert.deepEqual([shown(accounts), pending(accounts)], [[0], 10_000]);
});

test('who has been seen gives way first, among holders of much the same size', async () => {
  const { accounts, refresh, everybodySaw } = createHeld({ maxSeries: 2 });
  await refresh(flow(1, 300), flow(2, 100));
  everybodySaw(1);
  await refresh();
  everybodySaw(2);
  // Flow 2 is the smaller one, but counts what nobody has seen: a rate would lack it.
  await refresh(flow(2, 1));
  await refresh(flow(3, 10_000));
  assert.deepEqual(holders(accounts, 1, 2, 3), [2, 3]);
  everybodySaw(4);
  await refresh(flow(4, 50_000));
  assert.deepEqual(holders(accounts, 2, 3, 4), [3, 4], 'once it is seen, it is the smallest');
});

test('who is far larger stays, seen or not', async () => {
  const { accounts, refresh, everybodySaw } = createHeld({ maxSeries: 2 });
  await refresh(flow(1, 100_000), flow(2, 100));
  everybodySaw(1);
  await refresh();
  everybodySaw(2);
  await refresh(flow(2, 1));
  await refresh(flow(3, 1_000_000));
  assert.deepEqual(holders(accounts, 1, 2, 3), [1, 3]);
});

test('where nobody has been seen, the smallest gives way', async () => {
  const { accounts, refresh, everybodySaw } = createHeld({ maxSeries: 2 });
  await refresh(flow(1, 300), flow(2, 100));
  everybodySaw(1);
  await refresh(flow(1, 300), flow(2, 100));
  await refresh(flow(1, 300), flow(2, 100), flow(3, 10_000));
  assert.deepEqual(holders(accounts, 1, 2, 3), [1, 3]);
});
