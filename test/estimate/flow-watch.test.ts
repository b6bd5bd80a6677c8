// SPDX-License-Identifier: Apache-2.0
// What a watch counts, against counts of the same traffic by other means.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KIND } from '../../src/abi/kinds.js';
import { estimateWatch } from '../../src/estimate/estimate.js';
import { choiceInputs, createWatch, ESTIMATE_OPTIONS, watchRows } from '../support/estimate/watched.js';
import type { TestRow } from '../support/flows/rows.js';

test('labels beyond the usual ones stay in each choice but the last', () => {
  const [configured] = choiceInputs();
  const labels = [...(configured?.settings.labels ?? []), 'vlan', 'queue_pair'];
  const choices = choiceInputs({ labels, ports: 'all', ipv4PrefixLength: 32, ipv6PrefixLength: 128 });
  for (const { id, settings } of choices.slice(0, -1)) {
    assert.ok(
      ['vlan', 'queue_pair'].every((name) => settings.labels.includes(name)),
      id,
    );
  }
  assert.deepEqual(choices.at(-1)?.settings.labels, ['traffic_type', 'interface']);
});

test('what filters leave out, and what the kernel had no name for, is in the totals and in no flow', async () => {
  const choices = choiceInputs();
  const watch = createWatch(choices, { keep: () => false });
  await watchRows(watch, [[{ kind: KIND.tcp, packets: 7, bytes: 700 }]]);
  const row = { interfaceId: 1, frameReason: 0 };
  await watch.apply(
    { length: 0, keys: new Uint32Array(), packets: new Float64Array(), bytes: new Float64Array() },
    [
      { ...row, kind: KIND.udp, packets: 5, bytes: 500 },
      { ...row, kind: KIND.malformed, packets: 2, bytes: 200 },
    ],
  );
  assert.deepEqual(watch.totals, {
    packets: 14,
    bytes: 1400,
    packetsWithoutFlow: 2,
    packetsFiltered: 7,
    packetsUnnamed: 5,
  });
  const { choices: found } = estimateWatch(watch, choices, ESTIMATE_OPTIONS);
  assert.deepEqual(
    found.map(({ flowsNow }) => flowsNow),
    choices.map(() => 0),
  );
});

describe('over time', () => {
  /** `perInterval` new flows each interval, beside 100 that go on. */
  const churn = (intervals: number, perInterval: number): TestRow[][] =>
    Array.from({ length: intervals }, (_, interval) => [
      ...Array.from({ length: 100 }, (_, i) => ({ kind: KIND.tcp, src: [10, 0, 0, i], dst: [10, 9, 9, 9] })),
      ...Array.from({ length: perInterval }, (_, i) => {
        const number = interval * perInterval + i;
        return { kind: KIND.tcp, src: [11, number >> 16, (number >> 8) & 255, number & 255] };
      }),
    ]);

  async function estimateOf(intervals: number, perInterval: number, idleIntervals: number) {
    const choices = choiceInputs().slice(0, 1);
    const watch = createWatch(choices, { idleIntervals });
    await watchRows(watch, churn(intervals, perInterval));
    const options = { ...ESTIMATE_OPTIONS, watchedMs: intervals * 1000, idleTimeoutMs: idleIntervals * 1000 };
    return estimateWatch(watch, choices, options).choices[0] ?? assert.fail();
  }

  function assertNear(actual: number, expected: number, share: number, what: string): void {
    const isNear = Math.abs(actual - expected) <= Math.max(1, share * expected);
    assert.ok(isNear, `${what}: ${actual}, and not ${expected}`);
  }

  for (const intervals of [2, 3, 10, 15, 16, 17, 31, 60, 100, 257]) {
    test(`${intervals} intervals of 20 new flows each`, async () => {
      const found = await estimateOf(intervals, 20, 1000);
      assertNear(found.flowsNow, 100 + 20 * intervals, 0.03, 'now');
      assertNear(found.newFlowsPerSecond, 20, 0.15, 'new in a second');
      assertNear(found.flowsSettled, 100 + 20 * 1000, 0.15, 'settled');
      assertNear(found.withGauges.anHour, 4 * (100 + 20 * 3600), 0.15, 'an hour');
    });
  }

  test('a watch longer than the idle timeout does not count what is idle by its end', async () => {
    const found = await estimateOf(200, 20, 32);
    // The last 32 intervals, and up to a sixteenth of as many before.
    const least = 100 + 20 * 32;
    assert.ok(
      found.flowsNow >= 0.97 * least && found.flowsNow <= 1.03 * (least + 40),
      String(found.flowsNow),
    );
    assert.equal(found.flowsSettled, found.flowsNow);
  });

  test('flows that go on are no churn', async () => {
    const found = await estimateOf(60, 0, 300);
    assert.deepEqual([found.flowsNow, found.flowsSettled, found.newFlowsPerSecond], [100, 100, 0]);
    assert.equal(found.withGauges.anHour, 400);
  });
});
