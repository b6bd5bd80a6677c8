// SPDX-License-Identifier: Apache-2.0
// Who gets the turn: what comes first of all, then the others in turn, then the patient.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnGuard } from '../src/turn-guard.js';

test('the patient come after all others, those that come later, too', async () => {
  const guard = new TurnGuard();
  const order: string[] = [];
  const enter = (place: 'first' | 'last' | 'patient', name: string): Promise<void> =>
    guard.run(place, async () => {
      order.push(name);
    });
  await Promise.all([
    enter('last', 'under way'),
    enter('patient', 'patient 1'),
    enter('last', 'last 1'),
    enter('patient', 'patient 2'),
    enter('last', 'last 2'),
    enter('first', 'first'),
  ]);
  assert.deepEqual(order, ['under way', 'first', 'last 1', 'last 2', 'patient 1', 'patient 2']);
});
