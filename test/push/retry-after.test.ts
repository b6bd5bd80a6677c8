// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseRetryAfter } from '../../src/push/retry-after.js';

const NOW_MS = Date.UTC(2026, 0, 31, 12, 0, 0);

describe('Retry-After', () => {
  const cases: [string | undefined, number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['7', 7000],
    [' 120 ', 120_000],
    ['99999999999999999999', 1e23],
    ['-1', undefined],
    ['7.5', undefined],
    ['1e3', undefined],
    ['soon', undefined],
    ['Sat, 31 Jan 2026 12:00:30 GMT', 30_000],
    ['Saturday, 31-Jan-26 12:00:30 GMT', 30_000],
    ['Sat Jan 31 12:00:30 2026', 30_000],
    ['Sat, 31 Jan 2026 12:00:00 GMT', undefined], // now
    ['Sat, 31 Jan 2026 11:59:59 GMT', undefined], // past
    ['Thu, 01 Jan 1970 00:00:00 GMT', undefined],
    ['Sun, 31 Jan 2100 12:00:00 GMT', Date.UTC(2100, 0, 31, 12) - NOW_MS],
    ['2026-01-31T12:00:30Z', undefined], // a date, but none of HTTP's
    ['Sat, 99 Jan 2026 12:00:30 GMT', undefined],
  ];
  for (const [header, wanted] of cases) {
    test(String(header), () => assert.equal(parseRetryAfter(header, NOW_MS), wanted));
  }

  test('law: whatever stands there, the wait is a number from 0 up, or none', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const waitMs = parseRetryAfter(header, NOW_MS);
        assert.ok(waitMs === undefined || waitMs >= 0);
      }),
    );
  });

  test('law: a date in the form of HTTP is as far away as it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), (seconds) => {
        const header = new Date(NOW_MS + seconds * 1000).toUTCString();
        assert.equal(parseRetryAfter(header, NOW_MS), seconds * 1000);
      }),
    );
  });
});
