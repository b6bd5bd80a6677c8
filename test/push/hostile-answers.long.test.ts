// SPDX-License-Identifier: Apache-2.0
// Whatever a server sends back, an attempt ends in an answer or a failure within the timeout, and
// leaves neither a connection nor a timer behind.

import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import process from 'node:process';
import { describe, type TestContext, test } from 'node:test';
import { describeFailure } from '../../src/push/describe-failure.js';
import { exchange } from '../../src/push/http-exchange.js';
import { createHttpTransport } from '../../src/push/http-transport.js';
import { waitFor } from '../support/conditions.js';
import { HostileServer, type Script } from '../support/push/hostile-server.js';
import { imbalance, payload, untilSent } from '../support/push/push-fixture.js';
import { openTestPusher, REAL_OPTIONS, startReceiver } from '../support/push/real-pusher.js';

/** Where the timeout is the outcome; where an answer must have begun before it; where it must not come. */
const SHORT_MS = 200;
const LATE_MS = 1500;
const LONG_MS = 10_000;
/** What a busy machine may add; a hang is far above. */
const SLACK_MS = 5000;
const LATE = ', at the timeout';
const NEVER_ABORTED = new AbortController().signal;

/** What keeps this process alive beyond what did so before: sockets, lookups, timers. */
function newResources(before: readonly string[]): string[] {
  const known = [...before];
  return process.getActiveResourcesInfo().filter((name) => {
    const index = known.indexOf(name);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}

/** One attempt: the status, or the code of the failure. Asserts that it ends in time. */
async function attempt(url: string, body: Buffer, timeoutMs: number): Promise<string> {
  const transport = createHttpTransport({ ...REAL_OPTIONS, url, timeoutMs });
  const startedMs = performance.now();
  const hang = AbortSignal.timeout(timeoutMs + SLACK_MS);
  const hung = new Promise<'hung'>((resolve) => hang.addEventListener('abort', () => resolve('hung')));
  const result = await Promise.race([transport.send({ headers: {}, body }, NEVER_ABORTED), hung]);
  assert.notEqual(result, 'hung', `nothing settled within ${performance.now() - startedMs} ms`);
  transport.close();
  if (result === 'hung') return '';
  if (result.kind === 'answer') return String(result.answer.status);
  return describeFailure(result.error, { url: new URL(url), timeoutMs }).code;
}

async function assertOutcome(
  context: TestContext,
  script: Script,
  wanted: string,
  protocol: 'http' | 'https' = 'http',
): Promise<void> {
  const before = process.getActiveResourcesInfo();
  const server = await HostileServer.start(context, script);
  const isLate = wanted.endsWith(LATE);
  const timeoutMs = wanted === 'timeout' ? SHORT_MS : isLate ? LATE_MS : LONG_MS;
  const startedMs = performance.now();
  const outcome = await attempt(server.url(protocol), Buffer.alloc(8 << 20), timeoutMs);
  assert.equal(outcome + (isLate ? LATE : ''), wanted);
  if (isLate) assert.ok(performance.now() - startedMs > LATE_MS - 100, 'it ended before the timeout');
  await server.untilClosed();
  await server.stop();
  await waitFor('no socket and no timer to be left', () => newResources(before).length === 0, {
    limitMs: 20_000,
  });
}

const UPGRADE = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\n';
const NO_CONTENT = 'HTTP/1.1 204 No Content\r\n\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

describe('every answer ends in a verdict within the timeout', () => {
  const cases: [string, Script, string][] = [
    ['101', { pieces: [{ send: UPGRADE }] }, '101'],
    ['101 without headers', { pieces: [{ send: 'HTTP/1.1 101 \r\n\r\n' }] }, '101'],
    ['101 that goes on and on', { pieces: [{ send: UPGRADE }, { flood: 'frames' }] }, '101'],
    ['101 and a reset', { pieces: [{ send: UPGRADE }], end: 'reset' }, '101'],
    ['101 before the request is read', { reads: false, pieces: [{ send: UPGRADE }] }, '101'],
    [
      'a 200 that upgrades',
      { pieces: [{ send: `${OK}Connection: upgrade\r\nUpgrade: x\r\n\r\n` }] },
      `200${LATE}`,
    ],
    ['100 for ever', { pieces: [{ flood: CONTINUE }] }, 'not_http'],
    [
      '100 a little at a time',
      {
        pieces: Array(50)
          .fill([{ send: CONTINUE }, { pauseMs: 20 }])
          .flat(),
      },
      'timeout',
    ],
    [
      '103 with 8 KiB of headers for ever',
      { pieces: [{ flood: `HTTP/1.1 103 x\r\nLink: ${'x'.repeat(8192)}\r\n\r\n` }] },
      'not_http',
    ],
    [
      '100, 102, 103, 150, then 204',
      {
        pieces: [100, 102, 103, 150]
          .map((code) => ({ send: `HTTP/1.1 ${code} x\r\n\r\n` }))
          .concat({ send: NO_CONTENT }),
      },
      '204',
    ],
    ['100 and an end', { pieces: [{ send: CONTINUE }], end: 'end' }, 'reset'],
    ['nothing', { pieces: [] }, 'timeout'],
    ['nothing, and the request is not read', { reads: false, pieces: [] }, 'timeout'],
    ['nothing but an end', { pieces: [], end: 'end' }, 'reset'],
    ['nothing but a reset', { pieces: [], end: 'reset' }, 'reset'],
    ['headers a byte at a time', { pieces: [{ drip: `${OK}\r\n`, everyMs: 20 }] }, 'timeout'],
    ['headers without an end', { pieces: [{ send: OK }] }, 'timeout'],
    ['headers without an end, closed', { pieces: [{ send: OK }], end: 'end' }, 'reset'],
    ['headers for ever', { pieces: [{ send: OK }, { flood: 'X-Y: z\r\n' }] }, 'not_http'],
    ['closed after the headers', { pieces: [{ send: `${OK}Content-Length: 9\r\n\r\n` }], end: 'end' }, '200'],
    [
      'reset after the headers',
      { pieces: [{ send: `${OK}Content-Length: 9\r\n\r\n` }], end: 'reset' },
      '200',
    ],
    [
      'a body a byte at a time',
      { pieces: [{ send: `${OK}\r\n` }, { drip: 'x'.repeat(500), everyMs: 20 }] },
      `200${LATE}`,
    ],
    ['a body for ever', { pieces: [{ send: `${OK}\r\n` }, { flood: 'x' }] }, '200'],
    ['a body that is missing', { pieces: [{ send: `${OK}Content-Length: 9\r\n\r\n` }] }, `200${LATE}`],
    ['chunks that are none', { pieces: [{ send: `${CHUNKED}zz\r\n` }] }, '200'],
    ['a chunk of 2^60 bytes', { pieces: [{ send: `${CHUNKED}fffffffffffffff\r\nx` }] }, `200${LATE}`],
    ['chunk extensions for ever', { pieces: [{ send: `${CHUNKED}1;` }, { flood: 'x' }] }, '200'],
    ['trailers', { pieces: [{ send: `${CHUNKED}1\r\nx\r\n0\r\nA: b\r\n\r\n` }] }, '200'],
    ['trailers for ever', { pieces: [{ send: `${CHUNKED}0\r\n` }, { flood: 'A: b\r\n' }] }, '200'],
    [
      'both lengths',
      { pieces: [{ send: `${OK}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n` }] },
      'not_http',
    ],
    ['two answers at once', { pieces: [{ send: NO_CONTENT + NO_CONTENT }] }, '204'],
    ['answers for ever', { pieces: [{ flood: NO_CONTENT }] }, '204'],
    ['204 with a body', { pieces: [{ send: 'HTTP/1.1 204 x\r\nContent-Length: 4\r\n\r\nbody' }] }, '204'],
    ['304 with a body', { pieces: [{ send: 'HTTP/1.1 304 x\r\nContent-Length: 4\r\n\r\nbody' }] }, '304'],
    [
      'an answer before the request',
      { startsAt: 'connection', reads: false, pieces: [{ send: NO_CONTENT }] },
      '204',
    ],
    [
      'an answer over an unread request',
      { reads: false, pieces: [{ send: 'HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n' }] },
      '413',
    ],
    [
      'half an answer over an unread request',
      { reads: false, pieces: [{ send: `${OK}Content-Length: 9\r\n\r\n` }] },
      `200${LATE}`,
    ],
    [
      'a redirect',
      { pieces: [{ send: 'HTTP/1.1 307 x\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n' }] },
      '307',
    ],
    ['HTTP/2', { pieces: [{ send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' }] }, 'not_http'],
    ['zeros', { pieces: [{ flood: '\0' }] }, 'not_http'],
    ['an empty line for ever', { pieces: [{ flood: '\r\n' }] }, 'timeout'],
  ]; // prettier-ignore
  for (const [name, script, outcome] of cases) {
    test(`${name}: ${outcome}`, async (context) => {
      await assertOutcome(context, script, outcome);
    });
  }
});

test('every status from 100 to 999 is an outcome', async (context) => {
  const server = await HostileServer.start(context, { pieces: [] });
  for (let status = 100; status <= 999; status++) {
    server.script = { pieces: [{ send: `HTTP/1.1 ${status} x\r\nContent-Length: 0\r\n\r\n` }], end: 'end' };
    const isInterim = status < 200 && status !== 101;
    assert.equal(
      await attempt(server.url(), Buffer.from('body'), LONG_MS),
      isInterim ? 'reset' : String(status),
    );
  }
  await server.untilClosed();
  assert.equal(server.connections, 900);
});

describe('every way not to speak TLS ends in a failure within the timeout', () => {
  /** The start of a handshake record with a ServerHello of 122 bytes. */
  const HELLO = '\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03';
  const cases: [string, Script, string][] = [
    ['silence', { pieces: [] }, 'timeout'],
    ['half a handshake', { pieces: [{ send: HELLO }] }, 'timeout'],
    ['half a handshake, closed', { pieces: [{ send: HELLO }], end: 'end' }, 'reset'],
    ['half a handshake, reset', { pieces: [{ send: HELLO }], end: 'reset' }, 'reset'],
    ['a handshake a byte at a time', { pieces: [{ drip: HELLO + 'x'.repeat(99), everyMs: 20 }] }, 'timeout'],
    ['an alert', { pieces: [{ send: '\x15\x03\x03\x00\x02\x02\x28' }] }, 'tls'],
    ['HTTP', { pieces: [{ send: NO_CONTENT }] }, 'tls'],
    ['zeros', { pieces: [{ flood: '\0' }] }, 'tls'],
  ];
  for (const [name, script, outcome] of cases) {
    test(`${name}: ${outcome}`, async (context) => {
      await assertOutcome(context, script, outcome, 'https');
    });
  }
});

test('where no event of Node comes at all, the signal ends an exchange', async () => {
  /** Promises a connection, and never has one. */
  class SilentAgent extends Agent {
    override createConnection(): undefined {
      return undefined;
    }
  }
  const reason = new Error('the time is up');
  const limit = new AbortController();
  const url = new URL('http://127.0.0.1:1/write');
  const exchanged = exchange(
    { headers: {}, body: Buffer.alloc(9) },
    { url, agent: new SilentAgent(), signal: limit.signal },
  );
  setTimeout(() => limit.abort(reason), 20);
  await assert.rejects(exchanged, reason);
});

test('101 is a failure that is told and tried again; push_up says so, and the batch arrives', async (context) => {
  let isHostile = false;
  const receiver = await startReceiver(context, { reply: () => (isHostile ? { raw: UPGRADE } : {}) });
  const { pusher, log } = await openTestPusher(context, { url: receiver.url(), timeoutMs: LONG_MS });
  pusher.enqueue([payload(1)]);
  await untilSent(pusher);
  assert.equal(pusher.stats.isUp, true);
  isHostile = true;
  pusher.enqueue([payload(2)]);
  await waitFor('the second failure', () => (pusher.stats.requests.get('101') ?? 0) >= 2, {
    limitMs: 20_000,
  });
  assert.equal(pusher.stats.isUp, false);
  isHostile = false;
  await untilSent(pusher);
  const { stats } = pusher;
  assert.deepEqual([stats.isUp, stats.samplesSent, imbalance(stats)], [true, 6, 0]);
  assert.match(log.texts.join('\n'), /answers 101: it wants to speak another protocol; look at push\.url/);
});
