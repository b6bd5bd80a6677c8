// SPDX-License-Identifier: Apache-2.0
// docs/api.md is a promise: its examples have the keys that answers have, all of them and in their order, and
// values of the same sort.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROCE_CELL } from '../../src/abi/roce-records.js';
import { FOLLOWED_MAX } from '../../src/api/followed-rows.js';
import { HISTORY_ROWS_MAX } from '../../src/api/interface-rates.js';
import { PAIR_HISTORY_NUMBERS } from '../../src/api/pair-rates.js';
import { FLOW_COLUMNS, PAIR_COLUMNS, TOP_MAX } from '../../src/api/query.js';
import { MOST_POINTS } from '../../src/api/rate-history.js';
import { EVENT_READERS_MAX } from '../../src/http/event-readers.js';
import { createLiveFixture, FIXTURE_FACTS, type LiveFixture } from '../support/api/live-fixture.js';
import { flow } from '../support/flows/accounts-fixture.js';
import { FIXED_PUSH } from '../support/metrics/fixed-metrics.js';
import { FIXED_RDMA } from '../support/metrics/fixed-rdma.js';
import { readPages } from '../support/pages.js';

const PAGE = readPages().get('docs/api.md') ?? '';

/** The example below a heading. */
function exampleOf(name: string): unknown {
  const section = PAGE.split(/^## /m).find((text) => text.startsWith(`\`/api/v1/${name}\``)) ?? '';
  const [, json = ''] = /^```json\n([\s\S]*?)^```$/m.exec(section) ?? [];
  return JSON.parse(json);
}

/** Keys and sorts; of a list its first element. null may be of any sort. */
function assertAlike(example: unknown, answer: unknown, where: string): void {
  if (example === null || answer === null) return;
  assert.equal(typeof answer, typeof example, where);
  assert.equal(Array.isArray(answer), Array.isArray(example), where);
  if (typeof example !== 'object' || typeof answer !== 'object') return;
  if (Array.isArray(example) && Array.isArray(answer)) {
    if (example.length > 0 && answer.length > 0) assertAlike(example[0], answer[0], `${where}[]`);
    return;
  }
  assert.deepEqual(Object.keys(answer as object), Object.keys(example as object), where);
  for (const [key, value] of Object.entries(example as object)) {
    assertAlike(value, Reflect.get(answer as object, key), `${where}.${key}`);
  }
}

async function createBusyFixture(): Promise<LiveFixture> {
  const fixture = createLiveFixture();
  fixture.labels = [...fixture.labels, 'host_ip', 'collect_agg'];
  fixture.eventReaders = 1;
  fixture.facts = {
    ...FIXTURE_FACTS,
    interfaces: [{ name: 'eth1', mode: 'generic', note: '', isUp: true }],
    push: FIXED_PUSH,
    binding: new Set(['max_series']),
  };
  const streams = [{ interfaceId: 1, packets: 9, cells: { [ROCE_CELL.ecn + 3]: 3, [ROCE_CELL.ecn]: 6 } }];
  for (let i = 1; i <= 3; i++) {
    fixture.rdma = { ...FIXED_RDMA, readAtMs: 1000 * i };
    const flows = Array.from({ length: 12 }, (_, number) => flow(number, 100 * (number + 1)));
    await fixture.refresh(flows, 1000, streams);
  }
  return fixture;
}

test('the examples of docs/api.md are like the answers', async () => {
  const fixture = await createBusyFixture();
  for (const name of fixture.view.names) assertAlike(exampleOf(name), await fixture.ask(name), name);
  assertAlike(exampleOf('events'), JSON.parse(fixture.view.event(fixture.refreshes)), 'events');
});

test('the history of flows and pairs has the columns that the page names', async () => {
  const fixture = await createBusyFixture();
  const flows = (await fixture.ask('flows')) as unknown as { flows: { id: string }[] };
  const pairs = (await fixture.ask('pairs')) as unknown as { pairs: { id: string }[] };
  const ids = { flow: flows.flows[0]?.id ?? '', pair: pairs.pairs[0]?.id ?? '' };
  for (const [name, id] of Object.entries(ids)) {
    const { series } = (await fixture.ask(`history?${new URLSearchParams({ [name]: id })}`)) as unknown as {
      series: Record<string, unknown>[];
    };
    assert.equal(series[0]?.[name], id);
    for (const column of Object.keys(series[0] ?? {})) assert.ok(PAGE.includes(`\`${column}\``), column);
  }
});

test('the page names every path, column and bound', async () => {
  const fixture = await createBusyFixture();
  for (const name of [...fixture.view.names, 'events'])
    assert.ok(PAGE.includes(`| \`/api/v1/${name}\` |`), name);
  for (const column of [...FLOW_COLUMNS, ...PAIR_COLUMNS]) assert.ok(PAGE.includes(`\`${column}\``), column);
  assert.ok(PAGE.includes(`(1 to ${TOP_MAX}; 50 unless told)`));
  assert.ok(PAGE.includes(`${EVENT_READERS_MAX} readers at most`));
  const megabytes = (values: number): string => `${((8 * values) / 1e6).toFixed(1)} MB`;
  const rows = [
    `| ${MOST_POINTS} points of ${HISTORY_ROWS_MAX} rows; the others together in one | ${megabytes(2 * MOST_POINTS * (HISTORY_ROWS_MAX + 1))} |`,
    `| ${MOST_POINTS} points of ${FOLLOWED_MAX} flows | ${megabytes(2 * MOST_POINTS * FOLLOWED_MAX)} |`,
    `| ${MOST_POINTS} points of ${FOLLOWED_MAX} pairs | ${megabytes(PAIR_HISTORY_NUMBERS * MOST_POINTS * FOLLOWED_MAX)} |`,
  ];
  for (const row of rows) assert.ok(PAGE.includes(row), row);
});
