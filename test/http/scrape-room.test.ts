// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScrapeRoom } from '../../src/http/scrape-room.js';

const LONG_MS = 60_000;
const NEVER = new AbortController().signal;

/** Enters for each client in turn, and keeps the order in which they get a place. */
function enterAll(room: ScrapeRoom, clients: readonly string[]): string[] {
  const admitted: string[] = [];
  for (const client of clients) {
    void room.enter(client, LONG_MS, NEVER).then((isAdmitted) => isAdmitted && admitted.push(client));
  }
  return admitted;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a place that gets free goes to the client that has the fewest, then to who came first', async () => {
  const room = new ScrapeRoom(() => 3);
  const admitted = enterAll(room, ['a', 'a', 'a', 'a', 'a', 'b', 'c', 'b']);
  await settled();
  assert.deepEqual(admitted, ['a', 'a', 'a']);
  assert.ok(room.isWanted);
  for (const leaving of ['a', 'a', 'a', 'b', 'c']) {
    room.leave(leaving);
    await settled();
  }
  assert.deepEqual(admitted.slice(3), ['b', 'c', 'a', 'b', 'a']);
  assert.equal(room.isWanted, false);
});

test('who finds no place in time is told, and waits no more', async () => {
  const room = new ScrapeRoom(() => 1);
  assert.equal(await room.enter('a', LONG_MS, NEVER), true);
  assert.equal(await room.enter('b', 10, NEVER), false);
  assert.equal(room.isWanted, false);
  room.leave('a');
  assert.equal(await room.enter('c', LONG_MS, NEVER), true);
  assert.equal(room.present, 1);
});

test('a client that is gone waits no more', async () => {
  const room = new ScrapeRoom(() => 1);
  await room.enter('a', LONG_MS, NEVER);
  const gone = new AbortController();
  const waiting = room.enter('b', LONG_MS, gone.signal);
  gone.abort();
  assert.equal(await waiting, false);
  assert.equal(room.isWanted, false);
});

test('one inside can wait for another to leave, for a time, or until its client is gone', async () => {
  const room = new ScrapeRoom(() => 2);
  await room.enter('a', LONG_MS, NEVER);
  await room.enter('b', LONG_MS, NEVER);
  const left = room.untilOneLeaves(LONG_MS, NEVER);
  assert.ok(room.isWanted);
  room.leave('b');
  await left;
  await room.untilOneLeaves(5, NEVER);
  const gone = new AbortController();
  const waiting = room.untilOneLeaves(LONG_MS, gone.signal);
  gone.abort();
  await waiting;
  assert.equal(room.isWanted, false);
});
