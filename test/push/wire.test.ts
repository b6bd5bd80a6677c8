// SPDX-License-Identifier: Apache-2.0
// The pusher over real connections, read by a receiver that decodes with protobufjs: the protocol
// cases of Prometheus' compliance suite for senders, and logins.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createCodec } from '../../src/push/compress.js';
import { waitFor } from '../support/conditions.js';
import { payload, payloadV2, START_MS, textPayload, untilSent } from '../support/push/push-fixture.js';
import { openTestPusher, startReceiver } from '../support/push/real-pusher.js';
import { decodeSeries, decompress, type ReceivedPush, written } from '../support/receivers/push-receiver.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** RFC 8878, 3.1.1. */
const ZSTD_MAGIC = 0xfd2fb528;

/** The value of the first sample: the number of the payload. */
const numberOf = (push: ReceivedPush): number | undefined => decodeSeries(push)[0]?.samples[0]?.value;

describe('what is on the wire', () => {
  test('remote write 1.0: POST, the whole URL, the four headers, snappy in blocks, the samples', async (context) => {
    const receiver = await startReceiver(context);
    const { pusher } = await openTestPusher(context, {
      url: receiver.url('/insert/0/prometheus/api/v1/write?extra=a%20b&c'),
      headers: { 'X-Scope-OrgID': '7' },
    });
    pusher.enqueue([payload(1)]);
    await untilSent(pusher);
    const [push] = receiver.pushes;
    assert.ok(push !== undefined);
    assert.equal(push.method, 'POST');
    assert.equal(push.path, '/insert/0/prometheus/api/v1/write?extra=a%20b&c');
    const { headers } = push;
    assert.equal(headers['content-encoding'], 'snappy');
    assert.equal(headers['content-type'], 'application/x-protobuf');
    assert.equal(headers['user-agent'], 'xtrace-catch/1.2.3');
    assert.equal(headers['x-prometheus-remote-write-version'], '0.1.0');
    assert.equal(headers['x-scope-orgid'], '7');
    assert.equal(headers['content-length'], String(push.body.length));
    assert.equal(headers['transfer-encoding'], undefined);
    assert.notEqual(push.body.subarray(0, 10).toString('latin1').slice(4), 'sNaPpY'); // the framed format
    const series = decodeSeries(push);
    assert.deepEqual(
      series.map(({ labels, samples }) => [
        labels,
        samples.map(({ value, timestampMs }) => [value, timestampMs]),
      ]),
      [0, 1, 2].map((index) => [
        [
          ['__name__', `n${index}`],
          ['job', 'x'],
        ],
        [[1, START_MS + 1]],
      ]),
    );
    assert.equal(pusher.stats.bytesSent, push.body.length);
  });

  test('remote write 2.0', async (context) => {
    const receiver = await startReceiver(context, { reply: () => written(3) });
    const { pusher } = await openTestPusher(context, { url: receiver.url(), format: 'remote_write_2' });
    pusher.enqueue([payloadV2(1)]);
    await untilSent(pusher);
    const [push] = receiver.pushes;
    assert.ok(push !== undefined);
    assert.equal(push.headers['content-type'], 'application/x-protobuf;proto=io.prometheus.write.v2.Request');
    assert.equal(push.headers['x-prometheus-remote-write-version'], '2.0.0');
    assert.equal(push.headers['content-encoding'], 'snappy');
    assert.equal(decodeSeries(push).length, 3);
    assert.equal(pusher.stats.samplesSent, 3);
  });

  test('2.0 to a receiver that reads everything as 1.0 and answers 204: nothing is lost', async (context) => {
    const receiver = await startReceiver(context); // as VictoriaMetrics does
    const { pusher } = await openTestPusher(context, { url: receiver.url(), format: 'remote_write_2' });
    pusher.enqueue([payloadV2(1), payloadV2(2)]);
    await untilSent(pusher);
    assert.deepEqual(receiver.pushes.slice(1).map(numberOf), [1, 2]);
    assert.deepEqual(decodeSeries(receiver.pushes[1] ?? assert.fail())[2]?.labels, [
      ['__name__', 'n2'],
      ['job', 'x'],
    ]);
  });

  test('text', async (context) => {
    const receiver = await startReceiver(context);
    const url = receiver.url('/api/v1/import/prometheus');
    const { pusher } = await openTestPusher(context, { url, format: 'text' });
    pusher.enqueue([textPayload(5, { samples: 2 })]);
    await untilSent(pusher);
    const [push] = receiver.pushes;
    assert.ok(push !== undefined);
    assert.equal(push.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(push.headers['content-encoding'], 'gzip');
    assert.equal(decompress(push).toString(), `n0 5 ${START_MS + 5}\nn1 5 ${START_MS + 5}\n`);
  });

  const { hasZstd } = createCodec();
  test("VictoriaMetrics' variant: its headers and no other version, the bytes of 1.0 in zstd", {
    skip: !hasZstd && 'this Node has no zstd',
  }, async (context) => {
    const receiver = await startReceiver(context);
    for (const compression of ['auto', 'zstd', 'snappy'] as const) {
      const { pusher } = await openTestPusher(context, { url: receiver.url(), compression });
      pusher.enqueue([payload(1), payload(2)]);
      await untilSent(pusher);
      assert.deepEqual([pusher.stats.retries, pusher.stats.samplesSent], [0, 6]);
    }
    const plain = receiver.pushes.slice(4);
    for (const [index, push] of receiver.pushes.slice(0, 4).entries()) {
      assert.equal(push.method, 'POST');
      const { headers } = push;
      assert.equal(headers['content-encoding'], 'zstd');
      assert.equal(headers['content-type'], 'application/x-protobuf');
      assert.equal(headers['x-victoriametrics-remote-write-version'], '1');
      assert.equal(headers['x-prometheus-remote-write-version'], undefined);
      assert.equal(push.body.readUInt32LE(0), ZSTD_MAGIC);
      assert.deepEqual(decompress(push), decompress(plain[index % 2] ?? assert.fail()));
    }
  });

  test('zstd, and snappy from the first refusal on', {
    skip: !hasZstd && 'this Node has no zstd',
  }, async (context) => {
    const receiver = await startReceiver(context, {
      reply: ({ headers }) => ({ status: headers['content-encoding'] === 'zstd' ? 415 : 204 }),
    });
    const { pusher } = await openTestPusher(context, { url: receiver.url(), compression: 'auto' });
    pusher.enqueue([payload(1), payload(2)]);
    await untilSent(pusher);
    assert.equal(receiver.pushes[0]?.headers['x-victoriametrics-remote-write-version'], '1');
    assert.deepEqual(receiver.pushes.map(numberOf), [1, 1, 2]);
    assert.deepEqual(
      receiver.pushes.map(({ headers }) => headers['content-encoding']),
      ['zstd', 'snappy', 'snappy'],
    );
  });

  test('many batches go over one connection, one after the other', async (context) => {
    const receiver = await startReceiver(context);
    const { pusher } = await openTestPusher(context, { url: receiver.url() });
    pusher.enqueue(Array.from({ length: 50 }, (_, number) => payload(number)));
    await untilSent(pusher);
    assert.deepEqual(
      receiver.pushes.map(numberOf),
      Array.from({ length: 50 }, (_, number) => number),
    );
    assert.equal(receiver.connections, 1);
  });
});

describe('logins', () => {
  const authorization = (push: ReceivedPush | undefined) => push?.headers.authorization;

  test('of the URL, which is not shown anywhere', async (context) => {
    const receiver = await startReceiver(context, { reply: () => ({ status: 403 }) });
    const url = receiver.url().replace('//', '//me:p%40ss%20w@');
    const { pusher, log } = await openTestPusher(context, { url });
    pusher.enqueue([payload(1)]);
    await untilSent(pusher);
    const basic = Buffer.from('me:p@ss w').toString('base64');
    assert.equal(authorization(receiver.pushes[0]), `Basic ${basic}`);
    assert.doesNotMatch(JSON.stringify(log.lines), /p@ss|p%40ss/);
  });

  test('of a user with a password file', async (context) => {
    const passwordFile = join(temporaryFolder('xtrace-push-'), 'password');
    writeFileSync(passwordFile, 'geheim ü\n');
    const receiver = await startReceiver(context);
    const basicAuth = { username: 'me', passwordFile };
    const { pusher } = await openTestPusher(context, { url: receiver.url(), basicAuth });
    pusher.enqueue([payload(1)]);
    await untilSent(pusher);
    const basic = Buffer.from('me:geheim ü').toString('base64');
    assert.equal(authorization(receiver.pushes[0]), `Basic ${basic}`);
  });

  test('of a token file, read again when it changes; while it is gone batches wait', async (context) => {
    const bearerTokenFile = join(temporaryFolder('xtrace-push-'), 'token');
    writeFileSync(bearerTokenFile, 'first\n');
    const receiver = await startReceiver(context);
    const { pusher, log } = await openTestPusher(context, { url: receiver.url(), bearerTokenFile });
    pusher.enqueue([payload(1)]);
    await untilSent(pusher);
    rmSync(bearerTokenFile);
    pusher.enqueue([payload(2)]);
    await waitFor('the failure is told', () => log.lines.length > 1, { intervalMs: 5 });
    assert.match(
      log.texts[1] ?? '',
      /push\.bearer_token_file: .*token cannot be read: there is no such file$/,
    );
    writeFileSync(bearerTokenFile, 'second');
    await untilSent(pusher);
    assert.deepEqual(receiver.pushes.map(authorization), ['Bearer first', 'Bearer second']);
    assert.ok((pusher.stats.requests.get('file') ?? 0) > 0);
  });
});
