// SPDX-License-Identifier: Apache-2.0
// How often a load is tried. Objects of a fake: an interruption at a certain try cannot be made otherwise.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO } from '../../src/kernel/errno.js';
import { loadInTries, MAX_LOAD_TRIES } from '../../src/kernel/load-tries.js';

/** Loads that end so, one after the other; what became of each object. */
function tryLoads(...errnos: readonly number[]) {
  const closed: number[] = [];
  let opened = 0;
  const { object, errno } = loadInTries(() => {
    const number = opened++;
    return { number, load: () => errnos[number] ?? 0, close: () => closed.push(number) };
  });
  return { errno, opened, closed, last: object.number };
}

test('a load that was interrupted is tried again with a new object, and the old one is closed', () => {
  const { EAGAIN } = ERRNO;
  assert.deepEqual(tryLoads(0), { errno: 0, opened: 1, closed: [], last: 0 });
  assert.deepEqual(tryLoads(EAGAIN, EAGAIN, 0), { errno: 0, opened: 3, closed: [0, 1], last: 2 });
});

test('only so often, and the last object stays open for its log', () => {
  const errnos = Array<number>(MAX_LOAD_TRIES + 5).fill(ERRNO.EAGAIN);
  assert.deepEqual(tryLoads(...errnos), { errno: ERRNO.EAGAIN, opened: 5, closed: [0, 1, 2, 3], last: 4 });
});

test('what is refused for another reason is not tried again', () => {
  assert.deepEqual(tryLoads(ERRNO.EINVAL, 0), { errno: ERRNO.EINVAL, opened: 1, closed: [], last: 0 });
  assert.deepEqual(tryLoads(ERRNO.EAGAIN, ERRNO.EACCES), {
    errno: ERRNO.EACCES,
    opened: 2,
    closed: [0],
    last: 1,
  });
});
