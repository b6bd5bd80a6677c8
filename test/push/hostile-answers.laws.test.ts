// SPDX-License-Identifier: Apache-2.0
// A server that composes at random what servers get wrong, under a real pusher: no attempt outlasts
// its timeout, push_up tells the truth, and afterwards a server that works gets everything.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { waitFor } from '../support/conditions.js';
import { HostileServer, type Piece, type Script } from '../support/push/hostile-server.js';
import { imbalance, payload, untilSent } from '../support/push/push-fixture.js';
import { openTestPusher } from '../support/push/real-pusher.js';

const TIMEOUT_MS = 100;
/** What a busy machine may add; a hang is far above. */
const SLACK_MS = 5000;

const statusLines = fc
  .oneof(
    fc.constantFrom(100, 101, 102, 103, 200, 204, 304, 307, 400, 429, 500, 503),
    fc.integer({ min: 0, max: 999 }),
  )
  .map((status) => `HTTP/1.1 ${String(status).padStart(3, '0')} x\r\n`);
const fragments = fc.oneof(
  { weight: 2, arbitrary: statusLines },
  {
    weight: 5,
    arbitrary: fc.constantFrom(
      '\r\n',
      '\r\n',
      'Content-Length: 5\r\n',
      'Content-Length: 0\r\n',
      'Content-Length: 9999999999\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: upgrade\r\nUpgrade: x\r\n',
      'Connection: close\r\n',
      'Location: /\r\n',
      'hello',
      '5\r\nhello\r\n',
      '0\r\n\r\n',
      '0\r\nTrailer: x\r\n\r\n',
      'fffffffff\r\n',
      'HTTP/1.1 100 x\r\n\r\n',
      'HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      'HTTP/1.1 204 x\r\n\r\n',
      '\0',
    ),
  },
);
const pieces: fc.Arbitrary<Piece> = fc.oneof(
  { weight: 8, arbitrary: fragments.map((send) => ({ send })) },
  { weight: 1, arbitrary: fragments.map((drip) => ({ drip, everyMs: 2 })) },
  { weight: 1, arbitrary: fragments.map((flood) => ({ flood })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 2 * TIMEOUT_MS }).map((pauseMs) => ({ pauseMs })) },
);
const scripts: fc.Arbitrary<Script> = fc.record({
  reads: fc.boolean(),
  startsAt: fc.constantFrom('connection' as const, 'request' as const),
  pieces: fc
    .tuple(fc.option(statusLines, { nil: '' }), fc.array(pieces, { maxLength: 8 }))
    .map(([send, rest]) => [{ send }, ...rest]),
  end: fc.constantFrom('stays' as const, 'end' as const, 'reset' as const),
});
const SANE: Script = { pieces: [{ send: 'HTTP/1.1 204 x\r\nConnection: close\r\n\r\n' }] };

test('law: whatever a server does, attempts end in time, push_up is true to it, and the next server gets all', async (context) => {
  const server = await HostileServer.start(context, SANE);
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const { pusher } = await openTestPusher(context, { url: server.url(), timeoutMs: TIMEOUT_MS });
      const settled = (): number =>
        [...pusher.stats.requests.values()].reduce((sum, count) => sum + count, 0);
      server.script = SANE;
      pusher.enqueue([payload(1)]);
      await untilSent(pusher);
      assert.equal(pusher.stats.isUp, true);
      const before = settled();

      server.script = script;
      pusher.enqueue([payload(2)]);
      await waitFor('the attempt to end', () => settled() > before, {
        limitMs: TIMEOUT_MS + SLACK_MS,
        intervalMs: 1,
      });
      const { isUp, samplesSent, requests } = pusher.stats;
      assert.equal(isUp, samplesSent === 6, JSON.stringify([...requests]));

      server.script = SANE;
      await untilSent(pusher);
      pusher.enqueue([payload(3)]);
      await untilSent(pusher);
      const { stats } = pusher;
      assert.deepEqual([stats.isUp, imbalance(stats)], [true, 0]);
      assert.equal(stats.samplesSent + stats.samplesDropped.refused, 9);
      await pusher.close(1000);
      await server.untilClosed();
    }),
    { numRuns: 150 },
  );
});
