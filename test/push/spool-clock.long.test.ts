// SPDX-License-Identifier: Apache-2.0
// A wall clock that is set while batches wait drops none of them: they grow old by a clock that
// nobody can set.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { imbalance, payload, START_MS, sentNumbers, type TestPusher } from '../support/push/push-fixture.js';
import { AWAY, createSite, stop } from '../support/push/spool-site.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

for (const [direction, jumpMs] of [
  ['two days forward', 2 * DAY_MS],
  ['two days back', -2 * DAY_MS],
] as const) {
  describe(`a wall clock that jumps ${direction}`, () => {
    test('under a running exporter drops nothing', async (context) => {
      let jumpedMs = 0;
      let exporter: TestPusher | undefined;
      const wallMs = (): number => START_MS + (exporter?.clock.nowMs ?? 0) + jumpedMs;
      const { start } = createSite(context);
      exporter = await start(AWAY, { maxAgeMs: DAY_MS }, { wallMs });
      const { pusher, clock, transport } = exporter;
      pusher.enqueue([payload(1, { timestampMs: wallMs() }), payload(2, { timestampMs: wallMs() })]);
      await clock.advance(HOUR_MS);
      jumpedMs = jumpMs;
      pusher.enqueue([payload(3, { timestampMs: wallMs() })]);
      await clock.advance(HOUR_MS);
      const before = transport.requests.length;
      transport.reply = () => 204;
      await clock.advance(60_000);
      assert.deepEqual(sentNumbers(transport.requests.slice(before)), [1, 2, 3]);
      const { stats } = pusher;
      assert.deepEqual([stats.samplesSent, stats.samplesDropped.too_old, imbalance(stats)], [9, 0, 0]);
      await pusher.close(1000);
    });

    test('between two runs drops nothing', async (context) => {
      const { start } = createSite(context);
      const first = await start(AWAY, { maxAgeMs: DAY_MS });
      first.pusher.enqueue([payload(1), payload(2)]);
      await stop(first);
      const wallMs = (): number => START_MS + jumpMs;
      const { pusher, clock, transport } = await start(() => 204, { maxAgeMs: DAY_MS }, { wallMs });
      pusher.enqueue([payload(3, { timestampMs: wallMs() })]);
      await clock.advance(60_000);
      assert.deepEqual(sentNumbers(transport.requests), [1, 2, 3]);
      assert.deepEqual([pusher.stats.samplesDropped.too_old, imbalance(pusher.stats)], [0, 0]);
      await pusher.close(1000);
    });
  });
}

test('what a former run left grows old from the start of this one on, though the wall clock stands still', async (context) => {
  const { start } = createSite(context);
  const first = await start(AWAY, { maxAgeMs: DAY_MS });
  first.pusher.enqueue([payload(1)]);
  await stop(first);
  const { pusher, clock } = await start(AWAY, { maxAgeMs: DAY_MS }, { wallMs: () => START_MS });
  await clock.advance(DAY_MS - HOUR_MS);
  assert.equal(pusher.stats.spoolSamples, 3);
  await clock.advance(2 * HOUR_MS);
  assert.deepEqual([pusher.stats.spoolSamples, pusher.stats.samplesDropped.too_old], [0, 3]);
  await pusher.close(1000);
});
