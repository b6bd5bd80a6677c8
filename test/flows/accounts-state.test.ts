// SPDX-License-Identifier: Apache-2.0
// What does not go on from a state, and where its counts are then.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND } from '../../src/abi/kinds.js';
import { sourcePortOf } from '../../src/abi/row-key.js';
import type { FlowAccounts, FlowAccountsOptions, FlowAccountsParts } from '../../src/flows/flow-accounts.js';
import type { StateColumns } from '../../src/state-columns.js';
import { create, flow, holders, other, START_MS } from '../support/flows/accounts-fixture.js';
import { assertBalanced } from '../support/flows/accounts-model.js';
import { drainOf, type TestRow } from '../support/flows/rows.js';

const IDENTITY = { labels: 'l', filter: 'f' };
const NAMES = { interfaceName: (id: number) => `if${id}`, networkName: () => 'none' };
const numbers = { interfaceId: (name: string) => Number(name.slice(2)), networkNumber: () => 0 };

async function stateOf(
  rows: readonly TestRow[],
  options: Partial<FlowAccountsOptions> = {},
): Promise<StateColumns> {
  const accounts = create({ maxSeries: 100, ...options });
  await accounts.apply(drainOf(rows), [], START_MS);
  return accounts.exportState({ identity: IDENTITY, startedMs: 1, names: NAMES });
}

async function goOn(
  columns: StateColumns,
  {
    options = {},
    parts = {},
    identity = IDENTITY,
  }: {
    options?: Partial<FlowAccountsOptions>;
    parts?: Partial<FlowAccountsParts>;
    identity?: typeof IDENTITY;
  } = {},
): Promise<{ accounts: FlowAccounts; taken: unknown }> {
  const accounts = create({ maxSeries: 100, hashSeed: 5, ...options }, parts);
  const taken = await accounts.importState(columns, { identity, numbers });
  assertBalanced(accounts);
  return { accounts, taken };
}

const THREE = [flow(1, 100), flow(2, 300), flow(3, 200)];

test('other labels: every series ends as expired', async () => {
  const { accounts, taken } = await goOn(await stateOf(THREE), {
    identity: { labels: 'other', filter: 'f' },
  });
  assert.deepEqual(taken, { startedMs: 1, series: 0, ended: 3 });
  assert.deepEqual(other(accounts, 'expired'), { packets: 3, bytes: 600 });
});

test('series that showed 0 end with what they had counted', async () => {
  const columns = await stateOf(THREE, { newSeries: 'zero_first' });
  const { accounts } = await goOn(columns, { identity: { labels: 'other', filter: 'f' } });
  assert.deepEqual(other(accounts, 'expired'), { packets: 3, bytes: 600 });
  assert.ok(accounts.books.pending.every(({ packets }) => packets === 0));
});

test('series that showed 0 show their values where those are wanted at once', async () => {
  const { accounts } = await goOn(await stateOf(THREE, { newSeries: 'zero_first' }), {
    options: { newSeries: 'at_value' },
  });
  const { series } = accounts;
  for (const place of series.inUse.subarray(0, series.count)) {
    assert.equal(series.shownBytes[place], series.totalBytes[place]);
  }
});

test('another filter is asked for each flow; the same one is not', async () => {
  const columns = await stateOf([...THREE, { ...flow(4, 50), srcPort: 7 }]);
  const keep = (keys: Uint32Array, wordOffset: number): boolean => sourcePortOf(keys, wordOffset) === 7;
  const { accounts } = await goOn(columns, { parts: { keep }, identity: { labels: 'l', filter: 'other' } });
  assert.deepEqual(other(accounts, 'expired'), { packets: 3, bytes: 600 });
  assert.equal(accounts.series.count, 1);
  const { taken } = await goOn(columns, { parts: { keep: () => false } });
  assert.deepEqual(taken, { startedMs: 1, series: 4, ended: 0 });
});

test('another filter ends all where keys have lost what it goes by', async () => {
  const parts = { mergeKey: () => undefined, keep: () => true };
  const { accounts } = await goOn(await stateOf(THREE), {
    parts,
    identity: { labels: 'l', filter: 'other' },
  });
  assert.equal(accounts.series.count, 0);
});

test('fewer series: the largest of late go on', async () => {
  const { accounts, taken } = await goOn(await stateOf([...THREE, flow(4, 200)]), {
    options: { maxSeries: 2 },
  });
  assert.deepEqual(taken, { startedMs: 1, series: 2, ended: 2 });
  assert.equal(holders(accounts, 2).length, 1);
  assert.equal(holders(accounts, 3, 4).length, 1);
  assert.deepEqual(other(accounts, 'max_series'), { packets: 2, bytes: 300 });
});

test('two interfaces that come to be one number: the second series ends', async () => {
  const columns = await stateOf([
    { ...flow(1, 100), interfaceId: 1 },
    { ...flow(1, 200), interfaceId: 2 },
  ]);
  const accounts = create({ maxSeries: 100 });
  await accounts.importState(columns, { identity: IDENTITY, numbers: { ...numbers, interfaceId: () => 3 } });
  assertBalanced(accounts);
  assert.equal(accounts.series.count, 1);
  assert.equal(accounts.books.interfaces.find(({ kind }) => kind === KIND.tcp)?.bytes, 300);
});

const WRONG: readonly (readonly [string, (columns: StateColumns) => StateColumns, RegExp])[] = [
  ['no facts', ({ 'flows.facts': _, ...rest }) => rest, /it has no flows\.facts/],
  [
    'a column too short',
    (all) => ({ ...all, 'flows.packets': new Float64Array(2) }),
    /its flows\.packets has 2 numbers/,
  ],
  [
    'a count below 0',
    (all) => ({ ...all, 'flows.bytes': Float64Array.of(1, -2, 3) }),
    /its flows\.bytes has -2/,
  ],
  [
    'no number',
    (all) => ({ ...all, 'books.carried': Float64Array.of(Number.NaN, 1) }),
    /its books\.carried has NaN/,
  ],
  [
    'no such interface',
    (all) => ({ ...all, 'books.ledgers': Uint32Array.of(9, 1) }),
    /its books\.ledgers names number 9 of 1/,
  ],
  [
    'no such ledger',
    (all) => ({ ...all, 'books.others': Uint32Array.of(4, 0) }),
    /its books\.others names number 4 of 1/,
  ],
  ['words for doubles', (all) => ({ ...all, 'flows.idleMs': new Uint32Array(3) }), /it has no flows\.idleMs/],
];

for (const [what, change, told] of WRONG) {
  test(`a state that cannot be (${what}) is told, and changes nothing`, async () => {
    const { accounts, taken } = await goOn(change(await stateOf(THREE)));
    assert.match((taken as { problem: string }).problem, told);
    assert.equal(accounts.series.count, 0);
    assert.deepEqual(accounts.books.interfaces, []);
    await accounts.apply(drainOf(THREE), [], START_MS);
    assertBalanced(accounts);
  });
}

test('the time without a process counts as idle', async () => {
  const { accounts } = await goOn(await stateOf(THREE));
  await accounts.apply(drainOf([flow(1, 5)]), [], START_MS + 60_000);
  assert.deepEqual(holders(accounts, 1, 2, 3), [1]);
  assertBalanced(accounts);
});
