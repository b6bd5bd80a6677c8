// SPDX-License-Identifier: Apache-2.0
// Refresh after refresh, and one snapshot.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopEvent } from '../../src/top/advance.js';
import type { ApiReply } from '../../src/top/api-client.js';
import { ExporterFollower } from '../../src/top/follow-exporter.js';
import type { WantedRows } from '../../src/top/state.js';
import { takeTopSnapshot } from '../../src/top/take-snapshot.js';
import { waitFor } from '../support/conditions.js';
import { fakeAnswers } from '../support/top/fake-exporter.js';

/** Answers by the fake's refresh; time passes when it is told to. */
function setUp() {
  const fake = { refresh: 1, isGone: false, isRefusing: false, wanted: flowsWanted, asked: [] as string[] };
  const events: TopEvent[] = [];
  let wake: (() => void) | undefined;
  const client = {
    async ask(name: string, query: Readonly<Record<string, string>> = {}): Promise<ApiReply> {
      fake.asked.push([name, ...Object.values(query)].join(' '));
      if (fake.isGone) return { kind: 'none', sentence: 'gone' };
      if (fake.isRefusing && name === 'flows')
        return { kind: 'refused', status: 400, sentence: 'No such label' };
      return { kind: 'json', value: Reflect.get(fakeAnswers(fake.refresh), name) };
    },
  };
  const follower = new ExporterFollower({
    client,
    wanted: () => fake.wanted,
    onEvent: (event) => events.push(event),
    schedule(task) {
      wake = task;
      return () => {
        wake = undefined;
      };
    },
    wallMs: () => 77,
  });
  const pass = async (): Promise<void> => {
    await waitFor('the pause', () => wake !== undefined);
    wake?.();
  };
  return { fake, events, client, follower, pass };
}

const flowsWanted: WantedRows = { kind: 'flows', query: { by: 'bytes' }, historyId: undefined };
const kindsOf = (events: readonly TopEvent[]): string[] => events.map(({ kind }) => kind);

test('rows are asked for once a refresh, and at once when others are shown', async () => {
  const { fake, events, follower, pass } = setUp();
  const running = follower.run();
  await pass();
  await pass();
  fake.refresh = 2;
  await pass();
  await waitFor('two answers', () => kindsOf(events).filter((kind) => kind === 'answers').length === 2);
  assert.deepEqual(
    fake.asked,
    ['overview', 'flows bytes', 'overview', 'overview', 'overview', 'flows bytes'].slice(
      0,
      fake.asked.length,
    ),
  );
  fake.wanted = { kind: 'pairs', query: { by: 'naks' }, historyId: 'a b' };
  follower.poke();
  await waitFor('the pairs', () => fake.asked.includes('pairs naks'));
  await waitFor('the history', () => fake.asked.includes('history a b'));
  follower.close();
  await running;
});

test('an exporter that is gone is tried again, and its rows come when it is back', async () => {
  const { fake, events, follower, pass } = setUp();
  const running = follower.run();
  await pass();
  fake.isGone = true;
  await pass();
  await pass();
  fake.isGone = false;
  await pass();
  await waitFor('its answers', () => kindsOf(events).at(-1) === 'answers' && events.length >= 4);
  assert.ok(kindsOf(events).includes('gone'));
  assert.ok(events.some((event) => event.kind === 'gone' && event.atMs === 77 && event.sentence === 'gone'));
  follower.close();
  await running;
});

test('what it refuses is told, and it is not gone', async () => {
  const { fake, events, follower, pass } = setUp();
  fake.isRefusing = true;
  const running = follower.run();
  await pass();
  const [first] = events;
  assert.ok(first?.kind === 'answers' && first.refusal === 'No such label');
  follower.close();
  await running;
});

test('a snapshot waits for two refreshes, so that rates are there, and is of one', async () => {
  const { fake, client } = setUp();
  fake.refresh = 0; // nothing was counted yet
  const snapshot = await takeTopSnapshot(
    { query: {}, limitMs: 60_000 },
    {
      client,
      nowMs: () => 0,
      async sleep() {
        fake.refresh++;
      },
    },
  );
  assert.deepEqual(snapshot, (({ overview, flows, pairs }) => ({ overview, flows, pairs }))(fakeAnswers(1)));
});

test('a snapshot gives up waiting at its limit, and says what is wrong', async () => {
  const { fake, client } = setUp();
  fake.refresh = 0;
  let nowMs = 0;
  const parts = {
    client,
    nowMs: () => nowMs,
    async sleep(ms: number) {
      nowMs += ms;
    },
  };
  const snapshot = await takeTopSnapshot({ query: {}, limitMs: 3000 }, parts);
  assert.ok('flows' in snapshot && nowMs >= 3000);
  fake.isGone = true;
  assert.deepEqual(await takeTopSnapshot({ query: {}, limitMs: 3000 }, parts), {
    kind: 'none',
    sentence: 'gone',
  });
});
