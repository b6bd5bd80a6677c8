// SPDX-License-Identifier: Apache-2.0
// One answer for all who ask the same, and bounds for those who ask for many.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER_BYTES_MAX, ANSWERS_MAX, Answers, PENDING_MAX } from '../../src/api/answers.js';

function createFixture(make: (name: string) => Promise<Buffer | { problem: string }>, tellsFacts = false) {
  const fixture = { refresh: 1, nowMs: 0, made: [] as string[] };
  const answers = new Answers({
    currentRefresh: () => fixture.refresh,
    nowMs: () => fixture.nowMs,
    make: async (name) => {
      fixture.made.push(name);
      const made = await make(name);
      return Buffer.isBuffer(made) ? [made] : made;
    },
    tellsFacts: () => tellsFacts,
  });
  const ask = (name: string, query = '') => answers.get(name, new URLSearchParams(query));
  return Object.assign(fixture, { answers, ask });
}

test('those who ask the same get the same until the next refresh, for a second where it tells facts', async () => {
  const fixture = createFixture(async (name) => Buffer.from(name));
  const [first, second] = await Promise.all([fixture.ask('a', 'x=1&y=2'), fixture.ask('a', 'y=2&x=1')]);
  assert.equal(first, second);
  assert.equal(await fixture.ask('a', 'x=1&y=2'), first);
  assert.deepEqual(fixture.made, ['a']);
  fixture.refresh = 2;
  assert.notEqual(await fixture.ask('a', 'x=1&y=2'), first);
  fixture.nowMs = 1000;
  await fixture.ask('a', 'x=1&y=2');
  assert.deepEqual(fixture.made, ['a', 'a']);
  const facts = createFixture(async (name) => Buffer.from(name), true);
  await facts.ask('a');
  facts.nowMs = 999;
  await facts.ask('a');
  assert.deepEqual(facts.made, ['a']);
  facts.nowMs = 1000;
  await facts.ask('a');
  assert.deepEqual(facts.made, ['a', 'a']);
});

test('a query that is wrong is not kept, nor one that fails', async () => {
  const fixture = createFixture(async (name) => {
    if (name === 'fails') throw new Error('a fault');
    return { problem: 'It is wrong.' };
  });
  assert.deepEqual(await fixture.ask('a'), { refused: 'query', sentence: 'It is wrong.' });
  await assert.rejects(fixture.ask('fails'), /a fault/);
  await assert.rejects(fixture.ask('fails'), /a fault/);
  assert.deepEqual(fixture.made, ['a', 'fails', 'fails']);
  assert.deepEqual(fixture.answers.size, { answers: 0, bytes: 0 });
});

test('more different answers at a time than may be are refused, and those that are kept are bounded', async () => {
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const fixture = createFixture(async () => {
    await gate;
    return Buffer.alloc(100);
  });
  const asked = Array.from({ length: PENDING_MAX }, (_, i) => fixture.ask('a', `x=${i}`));
  const refused = await fixture.ask('a', 'x=more');
  assert.equal(Reflect.get(refused, 'refused'), 'busy');
  const shared = fixture.ask('a', 'x=0');
  go();
  assert.ok('body' in (await shared), 'one that is being made already is no more work');
  await Promise.all(asked);
  for (let i = 0; i < 10 * ANSWERS_MAX; i++) await fixture.ask('a', `x=${i}`);
  assert.ok(fixture.answers.size.answers <= ANSWERS_MAX);
});

test('kept answers take so many bytes at most', async () => {
  const fixture = createFixture(async () => Buffer.alloc(ANSWER_BYTES_MAX / 5));
  for (let i = 0; i < 20; i++) await fixture.ask('a', `x=${i}`);
  assert.ok(fixture.answers.size.bytes <= ANSWER_BYTES_MAX);
  assert.ok(fixture.answers.size.answers >= 4);
});
