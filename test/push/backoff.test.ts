// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Backoff } from '../../src/push/backoff.js';

const waits = (backoff: Backoff, count: number): number[] =>
  Array.from({ length: count }, () => backoff.next());

test('twice as long each time, up to the limit, and from the start again after a reset', () => {
  const backoff = new Backoff({ minMs: 500, maxMs: 5000 }, () => 0.5);
  assert.deepEqual(waits(backoff, 6), [500, 1000, 2000, 4000, 5000, 5000]);
  backoff.reset();
  assert.deepEqual(waits(backoff, 2), [500, 1000]);
});

test('what the receiver asks for counts within the bounds, to the letter', () => {
  const backoff = new Backoff({ minMs: 500, maxMs: 5000 }, () => 0.9);
  assert.deepEqual(
    [0, 499, 2345, 5001, 1e23].map((retryAfterMs) => backoff.next(retryAfterMs)),
    [500, 500, 2345, 5000, 5000],
  );
});

test('law: a tenth either way, never another value, however long it goes on', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 60_000 }),
      fc.integer({ min: 10, max: 3_600_000 }),
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 60 }),
      (minMs, spanMs, randoms) => {
        const maxMs = minMs + spanMs;
        let at = 0;
        const backoff = new Backoff({ minMs, maxMs }, () => randoms[at++] ?? 0);
        randoms.forEach((_, failures) => {
          const plainMs = Math.min(maxMs, minMs * 2 ** failures);
          const ratio = backoff.next() / plainMs;
          assert.ok(ratio >= 0.9 - 1e-9 && ratio <= 1.1 + 1e-9, `${ratio}`);
        });
      },
    ),
  );
});

test('exporters that failed together come back apart', () => {
  const first = waits(new Backoff({ minMs: 500, maxMs: 5000 }, () => 0.1), 4);
  const second = waits(new Backoff({ minMs: 500, maxMs: 5000 }, () => 0.8), 4);
  for (const [index, waitMs] of first.entries()) assert.notEqual(waitMs, second[index]);
});
