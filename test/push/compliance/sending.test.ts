// SPDX-License-Identifier: Apache-2.0
// When it is sent again, in which form, and what is made of answers.

import assert from 'node:assert/strict';
import { collect, createEncoder, createSnapshot } from '../../support/exposition/encoder-fixture.js';
import { createTestPusher } from '../../support/push/push-fixture.js';
import {
  decodeSeries,
  type ReceivedPush,
  type Reply,
  written,
} from '../../support/receivers/push-receiver.js';
import { type CaseContext, inVersion2, runCases } from './case-runner.js';
import { family } from './families.js';
import { Received, type SenderUnderTest, takeAll, type Version } from './sender-under-test.js';

/** Three samples. */
const THREE = [
  family('m', [
    [{ i: '1' }, 1],
    [{ i: '2' }, 2],
    [{ i: '3' }, 3],
  ]),
];
const versionOf = (push: ReceivedPush) => push.headers['x-prometheus-remote-write-version'];
const valuesOf = (push: ReceivedPush) => decodeSeries(push).map(({ samples }) => samples[0]?.value);

/** 4xx: once, or once in each version where the answer may mean the version. */
function neverAgain(status: number, requests: Readonly<Record<Version, readonly string[]>>) {
  return async ({ open, version }: CaseContext): Promise<void> => {
    const sender = await open({ reply: () => ({ status, body: 'no' }) });
    for (let batch = 1; batch <= 3; batch++) {
      assert.deepEqual((await sender.push(THREE)).map(versionOf), requests[version]);
      sender.assertBooks(0, { refused: 3 * batch });
    }
  };
}

const ONCE = { remote_write_1: ['0.1.0'], remote_write_2: ['2.0.0'] };

/** The same bytes again, until they are taken; then the next batch, and nothing is lost. */
function again(status: number, failures = 3) {
  return async ({ open }: CaseContext): Promise<void> => {
    const sender = await open({ reply: (_, index) => (index < failures ? { status } : undefined) });
    await sender.hand(THREE);
    await sender.hand(THREE);
    await sender.settled();
    const { pushes } = sender;
    assert.equal(pushes.length, failures + 2);
    for (const { body } of pushes.slice(0, failures)) assert.deepEqual(body, pushes[failures]?.body);
    assert.notDeepEqual(pushes[failures]?.body, pushes.at(-1)?.body);
    assert.equal(sender.stat('requests_total', ['code', String(status)]), failures);
    assert.equal(sender.stat('retries_total'), failures);
    sender.assertBooks(6);
  };
}

runCases('retry', {
  no_retry_on_400: neverAgain(400, { ...ONCE, remote_write_2: ['2.0.0', '0.1.0'] }),
  no_retry_on_401: neverAgain(401, ONCE),
  no_retry_on_404: neverAgain(404, ONCE),
  async may_retry_on_429({ open }) {
    const busy = { status: 429, headers: { 'Retry-After': '1' } };
    const sender = await open({ reply: (_, index) => (index < 2 ? busy : undefined) });
    assert.equal((await sender.push(THREE)).length, 3);
    sender.assertBooks(3);
    const retry = { minBackoffMs: 10, maxBackoffMs: 40, on429: false };
    const other = await open({ reply: () => busy, push: { retry } });
    assert.equal((await other.push(THREE)).length, 1);
    other.assertBooks(0, { refused: 3 });
  },
  retry_on_500: again(500),
  retry_on_503: again(503),
  retry_on_502: again(502),
  retry_on_504: again(504),
  no_retry_on_413: neverAgain(413, ONCE),
});

/** Gaps between the requests of a batch that fails for `forMs`, by a clock that is wound by hand. */
async function gapsOf(
  version: Version,
  status: number,
  forMs: number,
  random: () => number,
): Promise<number[]> {
  const payloads = await collect(
    createEncoder({ format: version }).encode(createSnapshot([], THREE), 1_700_000_000_000),
  );
  const { pusher, clock, transport } = createTestPusher({ format: version }, { reply: () => status, random });
  pusher.enqueue(payloads);
  await clock.advance(forMs);
  const times = transport.requests.map(({ atMs }) => atMs);
  assert.ok(times.length >= 3, `${times.length} requests`);
  return times.slice(1).map((atMs, i) => atMs - (times[i] ?? 0));
}

/** A request at least, as the runner asks for; the clock of the case is another. */
async function sendOne({ open }: CaseContext): Promise<SenderUnderTest> {
  const sender = await open();
  await sender.push(THREE);
  return sender;
}

/** Numbers from [0, 1) that repeat only after long. */
function sequence(start: number): () => number {
  let state = start;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

runCases('backoff', {
  async exponential_backoff_on_retries(context) {
    await sendOne(context);
    const gaps = await gapsOf(context.version, 503, 20_000, sequence(7));
    assert.ok(gaps.length >= 4, `${gaps.length + 1} requests`);
    gaps.slice(1).forEach((gap, i) => {
      const ratio = gap / (gaps[i] ?? Number.NaN);
      assert.ok(ratio >= 1.6 && ratio <= 2.5, `${ratio}`);
    });
  },
  async backoff_required(context) {
    await sendOne(context);
    for (const gap of await gapsOf(context.version, 503, 20_000, () => 0)) assert.ok(gap >= 450, `${gap}`);
  },
  async backoff_max_delay(context) {
    await sendOne(context);
    const gaps = await gapsOf(context.version, 502, 1_200_000, sequence(3));
    assert.ok(gaps.length > 30 && Math.max(...gaps) <= 33_000, `${Math.max(...gaps)}`);
  },
  async backoff_with_jitter(context) {
    await sendOne(context);
    const [one, other] = [
      await gapsOf(context.version, 503, 20_000, sequence(1)),
      await gapsOf(context.version, 503, 20_000, sequence(2)),
    ];
    for (let i = 0; i < 4; i++) assert.notEqual(one[i], other[i]);
  },
});

/** To a receiver of 1.0 only, which says so: three batches. */
async function pushToVersion1({ open }: CaseContext): Promise<SenderUnderTest> {
  const sender = await open({
    reply: (push) => (versionOf(push) === '2.0.0' ? { status: 415, body: 'what is that?' } : { status: 204 }),
  });
  for (let i = 0; i < 3; i++) await sender.push(THREE);
  return sender;
}

runCases('fallback', {
  fallback_on_415_unsupported_media_type: inVersion2(async (context) => {
    const sender = await pushToVersion1(context);
    assert.deepEqual(valuesOf(sender.pushes[1] ?? assert.fail()), [1, 2, 3]);
    sender.assertBooks(9);
  }),
  retry_with_different_version: inVersion2(async (context) => {
    const [first, second] = (await pushToVersion1(context)).pushes;
    assert.deepEqual(
      [first, second].map((push) => push && versionOf(push)),
      ['2.0.0', '0.1.0'],
    );
  }),
  fallback_header_changes: inVersion2(async (context) => {
    const [first, second] = (await pushToVersion1(context)).pushes;
    assert.deepEqual(
      [first, second].map((push) => push?.headers['content-type']),
      ['application/x-protobuf;proto=io.prometheus.write.v2.Request', 'application/x-protobuf'],
    );
  }),
  accept_success_after_fallback: inVersion2(async (context) => {
    const sender = await pushToVersion1(context);
    assert.equal(sender.stat('requests_total', ['code', '204']), 3);
    assert.equal(sender.stat('up'), 1);
    assert.equal(sender.stat('retries_total'), 1);
  }),
  persistent_fallback_choice: inVersion2(async (context) => {
    const sender = await pushToVersion1(context);
    assert.deepEqual(sender.pushes.map(versionOf), ['2.0.0', '0.1.0', '0.1.0', '0.1.0']);
    assert.equal(sender.stat('protocol_info', ['format', 'remote_write_1']), 1);
  }),
  NoFallbackOn2xx: inVersion2(async ({ open }) => {
    const statuses = [200, 202, 204];
    const sender = await open({ reply: (push, index) => takeAll(push, statuses[index % 3]) });
    for (let i = 0; i < 6; i++) await sender.push(THREE);
    assert.deepEqual(new Set(sender.pushes.map(versionOf)), new Set(['2.0.0']));
    sender.assertBooks(18);
  }),
});

/** One batch, one answer, one request: taken whole. */
function taken(reply: (push: ReceivedPush) => Reply) {
  return async ({ open }: CaseContext): Promise<void> => {
    const sender = await open({ reply });
    assert.equal((await sender.push(THREE)).length, 1);
    sender.assertBooks(3);
    assert.deepEqual(
      sender.log.lines.map(({ level }) => level),
      ['info'],
    );
  };
}

/** The reason in the log's line about samples that were dropped. */
async function refusalOf({ open }: CaseContext, body: string): Promise<string> {
  const sender = await open({ reply: () => ({ status: 422, body }) });
  await sender.push(THREE);
  sender.assertBooks(0, { refused: 3 });
  const line = sender.log.lines.find(({ level }) => level === 'error');
  return String(line?.fields['reason']);
}

runCases('response', {
  ignore_response_body_on_success: taken((push) => ({
    ...takeAll(push, 200),
    body: '{"status":"error","error":"everything is wrong"}',
  })),
  process_written_count_headers: inVersion2(async ({ open }) => {
    const sender = await open({ reply: () => written(2) });
    assert.equal((await sender.push(THREE)).length, 1);
    sender.assertBooks(2, { refused: 1 });
  }),
  handle_partial_write_response: inVersion2(async ({ open }) => {
    const sender = await open({ reply: () => ({ ...written(2, 400), body: 'Rejected 1 sample' }) });
    assert.equal((await sender.push(THREE)).length, 1);
    sender.assertBooks(2, { refused: 1 });
    assert.match(sender.log.texts.join(), /Rejected 1 sample/);
  }),
  async handle_missing_written_headers({ open }) {
    const sender = await open({ reply: () => ({ status: 422 }) });
    assert.equal((await sender.push(THREE)).length, 1);
    sender.assertBooks(0, { refused: 3 });
  },
  async log_error_messages_verbatim(context) {
    const words = `Error: Invalid label name '__invalid__' "\\n" <b>100%</b> ü`;
    assert.ok((await refusalOf(context, words)).endsWith(`it says: ${words}`));
  },
  async handle_large_error_body(context) {
    const reason = await refusalOf(
      context,
      `Error details: ${'detailed error information; '.repeat(10_000)}`,
    );
    assert.ok(reason.includes('Error details: ') && reason.length < 1200, `${reason.length} characters`);
  },
  handle_204_no_content: taken((push) => takeAll(push, 204)),
  handle_200_ok: taken((push) => ({ ...takeAll(push, 200), body: 'OK' })),
  async ContentTypeNegotiation({ open }) {
    const sender = await open({
      reply: (push) => ({
        ...takeAll(push),
        headers: { ...takeAll(push).headers, 'Content-Type': 'text/html' },
      }),
    });
    const { push } = await sender.pushOne(THREE);
    assert.match(push.headers['content-type'] ?? '', /^application\/x-protobuf/);
    assert.equal(new Received(push).series.length, 3);
    sender.assertBooks(3);
  },
});
