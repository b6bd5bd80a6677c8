// SPDX-License-Identifier: Apache-2.0
// From what the receiver may know to what it knows: 2.0 to 1.0, zstd to snappy. Network and time are
// fakes, so are compressions but where they are what is tested.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Codec } from '../../src/push/compress.js';
import {
  createTestPusher,
  numberOf,
  PLAIN_CODEC,
  payload,
  payloadV2,
  textPayload,
} from '../support/push/push-fixture.js';

const V2_TYPE = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
const V1_TYPE = 'application/x-protobuf';
const written = (samples: number) => ({
  status: 204,
  headers: { 'x-prometheus-remote-write-samples-written': String(samples) },
});
const typeOf = (request: { headers: Readonly<Record<string, string>> }) => request.headers['Content-Type'];
const encodingOf = (request: { headers: Readonly<Record<string, string>> }) =>
  request.headers['Content-Encoding'];

describe('2.0 to a receiver of 1.0', () => {
  for (const [name, answer] of [
    ['415', 415],
    ['400', 400],
    ['204 without a word of what is written', 204],
  ] as const) {
    test(`${name}: the same batch as 1.0 at once, and 1.0 from then on`, async () => {
      const { pusher, clock, transport, log } = createTestPusher(
        { format: 'remote_write_2' },
        { reply: (request) => (typeOf(request) === V2_TYPE ? answer : 204) },
      );
      pusher.enqueue([payloadV2(1), payloadV2(2)]);
      await clock.advance(0);
      pusher.enqueue([payloadV2(3)]);
      await clock.advance(60_000);
      assert.deepEqual(transport.requests.map(typeOf), [V2_TYPE, V1_TYPE, V1_TYPE, V1_TYPE]);
      assert.deepEqual(
        transport.requests.map(({ headers }) => headers['X-Prometheus-Remote-Write-Version']),
        ['2.0.0', '0.1.0', '0.1.0', '0.1.0'],
      );
      assert.deepEqual(
        transport.requests.slice(1).map(({ body }) => numberOf(body)),
        [1, 2, 3],
      );
      const { stats } = pusher;
      assert.deepEqual([stats.samplesSent, stats.format, stats.retries], [9, 'remote_write_1', 1]);
      assert.equal(log.texts.filter((text) => text.includes('does not take')).length, 1);
    });
  }

  test('a receiver of 2.0 gets 2.0, and what it writes is believed', async () => {
    const { pusher, clock, transport } = createTestPusher(
      { format: 'remote_write_2' },
      { reply: (_, index) => written(index === 1 ? 1 : 3) },
    );
    pusher.enqueue([payloadV2(1), payloadV2(2), payloadV2(3)]);
    await clock.advance(60_000);
    assert.deepEqual(transport.requests.map(typeOf), [V2_TYPE, V2_TYPE, V2_TYPE]);
    const { stats } = pusher;
    assert.deepEqual(
      [stats.samplesSent, stats.samplesDropped.refused, stats.format],
      [7, 2, 'remote_write_2'],
    );
  });

  test('a batch that is refused either way is at fault itself: 2.0 goes on', async () => {
    const { pusher, clock, transport } = createTestPusher(
      { format: 'remote_write_2' },
      { reply: (_, index) => (index < 2 ? 400 : written(3)) },
    );
    pusher.enqueue([payloadV2(1), payloadV2(2)]);
    await clock.advance(60_000);
    assert.deepEqual(transport.requests.map(typeOf), [V2_TYPE, V1_TYPE, V2_TYPE]);
    const { stats } = pusher;
    assert.deepEqual(
      [stats.samplesDropped.refused, stats.samplesSent, stats.format],
      [3, 3, 'remote_write_2'],
    );
  });

  test('a failure of the second try leaves it open: both are tried again', async () => {
    const script = [415, 503, 415, 204];
    const { pusher, clock, transport } = createTestPusher(
      { format: 'remote_write_2' },
      { reply: (_, index) => script[index] ?? 204 },
    );
    pusher.enqueue([payloadV2(1)]);
    await clock.advance(60_000);
    assert.deepEqual(transport.requests.map(typeOf), [V2_TYPE, V1_TYPE, V2_TYPE, V1_TYPE]);
    assert.deepEqual([pusher.stats.samplesSent, pusher.stats.format], [3, 'remote_write_1']);
  });

  test('401 and 404 say nothing about the format', async () => {
    for (const status of [401, 404, 413]) {
      const { pusher, clock, transport } = createTestPusher(
        { format: 'remote_write_2' },
        { reply: () => status },
      );
      pusher.enqueue([payloadV2(1)]);
      await clock.advance(60_000);
      assert.equal(transport.requests.length, 1);
    }
  });
});

describe('zstd to a receiver that does not know it', () => {
  for (const status of [400, 415]) {
    test(`${status}: the same batch in snappy at once, and snappy from then on`, async () => {
      const { pusher, clock, transport } = createTestPusher(
        { compression: 'auto' },
        { reply: (request) => (encodingOf(request) === 'zstd' ? status : 204) },
      );
      pusher.enqueue([payload(1), payload(2), payload(3)]);
      await clock.advance(60_000);
      assert.deepEqual(transport.requests.map(encodingOf), ['zstd', 'snappy', 'snappy', 'snappy']);
      assert.deepEqual(
        transport.requests.map(({ body }) => numberOf(body)),
        [1, 1, 2, 3],
      );
      assert.deepEqual(
        [pusher.stats.samplesSent, pusher.stats.encoding, pusher.stats.format],
        [9, 'snappy', 'remote_write_1'],
      );
    });
  }

  test('what was found is kept while the receiver is away and comes back knowing more, until a restart', async () => {
    let isOld = true;
    let isAway = false;
    const reply = (request: { headers: Readonly<Record<string, string>> }) =>
      isAway ? 503 : isOld && encodingOf(request) === 'zstd' ? 415 : 204;
    const { pusher, clock, transport } = createTestPusher({ compression: 'auto' }, { reply });
    pusher.enqueue([payload(1)]);
    await clock.advance(0);
    isAway = true;
    pusher.enqueue([payload(2)]);
    await clock.advance(3_000_000);
    isOld = false;
    isAway = false;
    pusher.enqueue([payload(3)]);
    await clock.advance(60_000);
    const [first, ...others] = transport.requests.map(encodingOf);
    assert.deepEqual([first, new Set(others), pusher.stats.samplesSent], ['zstd', new Set(['snappy']), 9]);

    const restarted = createTestPusher({ compression: 'auto' }, { reply });
    restarted.pusher.enqueue([payload(4)]);
    await restarted.clock.advance(0);
    assert.deepEqual(restarted.transport.requests.map(encodingOf), ['zstd']);
  });

  test('a poisoned batch does not cost the better compression', async () => {
    const { pusher, clock, transport } = createTestPusher(
      { compression: 'auto' },
      { reply: (_, index) => (index < 2 ? 400 : 204) },
    );
    pusher.enqueue([payload(1), payload(2)]);
    await clock.advance(60_000);
    assert.deepEqual(transport.requests.map(encodingOf), ['zstd', 'snappy', 'zstd']);
    assert.equal(pusher.stats.samplesDropped.refused, 3);
  });

  test('zstd by hand stays zstd', async () => {
    const { pusher, clock, transport } = createTestPusher({ compression: 'zstd' }, { reply: () => 415 });
    pusher.enqueue([payload(1)]);
    await clock.advance(60_000);
    assert.deepEqual(transport.requests.map(encodingOf), ['zstd']);
  });

  test('auto on a Node without zstd is snappy from the start', async () => {
    const codec: Codec = { ...PLAIN_CODEC, hasZstd: false };
    const { pusher, clock, transport } = createTestPusher({ compression: 'auto' }, { codec });
    pusher.enqueue([payload(1)]);
    await clock.advance(0);
    assert.deepEqual(transport.requests.map(encodingOf), ['snappy']);
  });
});

describe('batches that cannot be sent are dropped with a word', () => {
  test('text where remote write is spoken', async () => {
    const { pusher, clock, transport, log } = createTestPusher();
    pusher.enqueue([textPayload(1), payload(2)]);
    await clock.advance(0);
    assert.deepEqual(
      transport.requests.map(({ body }) => numberOf(body)),
      [2],
    );
    assert.equal(pusher.stats.samplesDropped.unsendable, 1);
    assert.match(log.texts[0] ?? '', /a batch of text cannot be sent as remote_write_1/);
  });

  test('what cannot be transcoded', async () => {
    const { pusher, clock, transport } = createTestPusher({ format: 'remote_write_2' }, { reply: () => 415 });
    pusher.enqueue([{ ...payloadV2(1), body: Buffer.from([0xff, 0xff]) }]);
    await clock.advance(0);
    assert.deepEqual([transport.requests.length, pusher.stats.samplesDropped.unsendable], [1, 3]);
  });

  test('what cannot be compressed', async () => {
    const codec: Codec = { ...PLAIN_CODEC, compress: () => Promise.reject(new Error('no memory')) };
    const { pusher, clock, transport } = createTestPusher({}, { codec });
    pusher.enqueue([payload(1)]);
    await clock.advance(0);
    assert.deepEqual(
      [transport.requests.length, pusher.stats.samplesDropped.unsendable, pusher.stats.queueBytes],
      [0, 3, 0],
    );
  });
});
