// SPDX-License-Identifier: Apache-2.0
// Whom new series wait for: those who have come twice, for as long as they are expected again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Scrapers } from '../../src/http/scrapers.js';

/** Long after the start, where no other may come yet. */
function createScrapers(maxIntervalMs = 60_000, startedS = -1000) {
  let nowMs = 1000 * startedS;
  const scrapers = new Scrapers({ maxIntervalMs }, { nowMs: () => nowMs });
  return {
    scrapers,
    /** name gets an answer that shows this refresh, so many seconds after the start. */
    answer(atS: number, name: string, refresh: number, isScraper = false): void {
      nowMs = 1000 * atS;
      scrapers.answered(name, refresh, isScraper);
    },
    seenAt(atS: number) {
      nowMs = 1000 * atS;
      return scrapers.seen();
    },
  };
}

const NOBODY_WAITS = Number.POSITIVE_INFINITY;

test('before the first answer nothing was seen, and nobody waits', () => {
  const { seenAt } = createScrapers();
  assert.deepEqual(seenAt(0), { beginnings: 0, ends: NOBODY_WAITS });
});

test('one answer is enough for a beginning, and makes nobody a scraper', () => {
  const { scrapers, answer, seenAt } = createScrapers();
  answer(1, 'curl', 7);
  assert.deepEqual(seenAt(1), { beginnings: 7, ends: NOBODY_WAITS });
  assert.equal(scrapers.active, 0);
});

test('of two scrapers the slower one counts', () => {
  const { scrapers, answer, seenAt } = createScrapers();
  for (const [atS, refresh] of [
    [0, 1],
    [15, 16],
  ] as const) {
    answer(atS, 'slow', refresh);
  }
  for (const [atS, refresh] of [
    [20, 21],
    [25, 26],
  ] as const) {
    answer(atS, 'fast', refresh);
  }
  assert.deepEqual(seenAt(26), { beginnings: 16, ends: 16 });
  assert.equal(scrapers.active, 2);
  answer(30, 'slow', 31);
  assert.deepEqual(seenAt(30), { beginnings: 26, ends: 26 });
});

test('whoever looks now and then does not count beside a scraper', () => {
  const { answer, seenAt } = createScrapers();
  answer(0, 'scraper', 1);
  answer(15, 'scraper', 16);
  answer(20, 'curl', 21);
  assert.deepEqual(seenAt(20), { beginnings: 16, ends: 16 });
});

test('a scraper that misses one scrape is waited for, one that has gone is not', () => {
  const { answer, seenAt } = createScrapers();
  answer(0, 'a', 1);
  answer(15, 'a', 16);
  answer(40, 'curl', 41);
  assert.deepEqual(seenAt(45), { beginnings: 16, ends: 16 });
  assert.deepEqual(seenAt(46.1), { beginnings: 41, ends: NOBODY_WAITS });
});

test('an answer that shows an older refresh takes nothing back', () => {
  const { answer, seenAt } = createScrapers();
  answer(0, 'a', 5);
  answer(1, 'a', 6);
  answer(2, 'a', 4);
  assert.deepEqual(seenAt(2), { beginnings: 6, ends: 6 });
});

test('who comes less often than the limit is not waited for', () => {
  const { answer, seenAt } = createScrapers(10_000);
  answer(0, 'a', 1);
  answer(11, 'a', 12);
  assert.deepEqual(seenAt(11), { beginnings: 12, ends: NOBODY_WAITS });
});

test('the interval is the longer one of the last two', () => {
  const { answer, seenAt } = createScrapers();
  answer(0, 'a', 1);
  answer(15, 'a', 16);
  answer(16, 'a', 17); // somebody tried it by hand
  assert.deepEqual(seenAt(45), { beginnings: 17, ends: 17 });
});

test('who says that he scrapes is waited for from his first scrape on, for a minute at first', () => {
  const { answer, seenAt } = createScrapers();
  answer(0, 'slow', 1, true);
  answer(1, 'fast', 2, true);
  answer(3, 'fast', 4, true);
  assert.deepEqual(seenAt(3), { beginnings: 1, ends: 1 });
  for (let atS = 5; atS <= 61; atS += 2) answer(atS, 'fast', atS + 1, true);
  assert.deepEqual(seenAt(61), { beginnings: 1, ends: 1 });
  assert.deepEqual(seenAt(61.1), { beginnings: 62, ends: 62 });
});

test('where one scrapes, beginnings wait after the start for others who may come yet', () => {
  const { answer, seenAt } = createScrapers(60_000, 0);
  answer(1, 'curl', 2);
  assert.deepEqual(seenAt(2), { beginnings: 2, ends: NOBODY_WAITS }, 'nobody scrapes');
  for (let atS = 3; atS < 60; atS += 2) answer(atS, 'fast', atS, true);
  assert.deepEqual(seenAt(59.9), { beginnings: 0, ends: 59 });
  assert.deepEqual(seenAt(60), { beginnings: 59, ends: 59 });
});

test('neither waits longer than the limit', () => {
  const { answer, seenAt } = createScrapers(10_000, 0);
  answer(8, 'slow', 1, true);
  for (let atS = 9; atS <= 19; atS += 1) answer(atS, 'fast', atS, true);
  assert.deepEqual(seenAt(19), { beginnings: 1, ends: 1 });
  assert.deepEqual(seenAt(19.1), { beginnings: 19, ends: 19 });
});

test('any number of names is bounded, and a scraper outlives those who come once', () => {
  const { scrapers, answer, seenAt } = createScrapers();
  answer(0, 'scraper', 1);
  answer(15, 'scraper', 16);
  for (let i = 0; i < 1000; i++) answer(15 + i / 1000, `once ${i}`, 17);
  assert.deepEqual(seenAt(16), { beginnings: 16, ends: 16 });
  assert.equal(scrapers.active, 1);
});

test('what everybody saw is never above what anybody was answered, nor does a client that comes raise it', () => {
  const answers = fc.array(fc.record({ name: fc.nat(80), stepMs: fc.nat(9000), refreshes: fc.nat(3) }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(answers, (list) => {
      let nowMs = 0;
      let refresh = 1;
      const scrapers = new Scrapers({ maxIntervalMs: 60_000 }, { nowMs: () => nowMs });
      for (const { name, stepMs, refreshes } of list) {
        nowMs += stepMs;
        refresh += refreshes;
        scrapers.answered(String(name), refresh, name % 3 === 0);
        const { beginnings, ends } = scrapers.seen();
        assert.ok(beginnings >= 0 && beginnings <= refresh);
        assert.ok(ends === NOBODY_WAITS || (beginnings <= ends && ends <= refresh));
        assert.ok(scrapers.active <= 64);
      }
    }),
  );
});
