// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Payload } from '../../../src/exposition/payload.js';
import { transcodeToV1 } from '../../../src/exposition/remote-write/transcode.js';
import {
  anyExternal,
  anyFamilies,
  anyFlows,
  collect,
  createEncoder,
  createSnapshot,
  receive,
  TIMESTAMP_MS,
} from '../../support/exposition/encoder-fixture.js';
import { FIXED_FLOWS } from '../../support/exposition/series-fixture.js';
import { fixedFamilies } from '../../support/metrics/fixed-metrics.js';
import { decodeWriteRequest } from '../../support/receivers/remote-write-protos.js';

/** Labels, timestamps and bits; all that 1.0 can say. */
function essence(payloads: readonly Payload[]): unknown {
  return receive(payloads).map(({ labels, samples }) => [
    labels,
    samples.map(({ bits, timestampMs }) => [bits, timestampMs]),
  ]);
}

test('a request of 2.0 becomes the very request of 1.0 that would have been written', async () => {
  await fc.assert(
    fc.asyncProperty(anyFlows, anyFamilies, anyExternal, async (flows, families, externalLabels) => {
      const snapshot = createSnapshot(flows, families);
      const encode = (format: Payload['format']) =>
        collect(createEncoder({ format, externalLabels }).encode(snapshot, TIMESTAMP_MS));
      const [ofV1, ofV2] = [await encode('remote_write_1'), await encode('remote_write_2')];
      const transcoded = ofV2.map(transcodeToV1);
      for (const { format, timestampMs } of transcoded) {
        assert.equal(format, 'remote_write_1');
        assert.equal(timestampMs, TIMESTAMP_MS);
      }
      assert.ok(
        Buffer.concat(transcoded.map(({ body }) => body)).equals(Buffer.concat(ofV1.map(({ body }) => body))),
      );
      assert.deepEqual(essence(transcoded), essence(ofV2));
    }),
  );
});

test('stale markers keep their bits', async () => {
  const encoder = createEncoder({ format: 'remote_write_2' });
  await collect(encoder.encode(createSnapshot(FIXED_FLOWS, await fixedFamilies()), TIMESTAMP_MS));
  const markers = await collect(encoder.staleAll(TIMESTAMP_MS + 1));
  assert.deepEqual(essence(markers.map(transcodeToV1)), essence(markers));
});

test('what is cut off or flipped is refused, or still a request; never anything else', async () => {
  const [payload] = await collect(
    createEncoder({ format: 'remote_write_2' }).encode(createSnapshot(), TIMESTAMP_MS),
  );
  assert.ok(payload !== undefined);
  fc.assert(
    fc.property(
      fc.nat(payload.body.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.nat(payload.body.length),
      (at, flip, length) => {
        const body = Buffer.from(payload.body.subarray(0, length));
        if (at < length) body.writeUInt8(body.readUInt8(at) ^ flip, at);
        let transcoded: Payload;
        try {
          transcoded = transcodeToV1({ ...payload, body });
        } catch (error) {
          assert.ok(
            error instanceof RangeError && /^not a remote write 2.0 request/.test(error.message),
            String(error),
          );
          return;
        }
        try {
          decodeWriteRequest(transcoded.body);
        } catch (error) {
          // Texts are not looked into: a flipped one need not be UTF-8.
          assert.ok(error instanceof TypeError && /utf-8/.test(error.message), String(error));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test('a request of 1.0 is not taken for one of 2.0', async () => {
  const [payload] = await collect(createEncoder().encode(createSnapshot(), TIMESTAMP_MS));
  assert.ok(payload !== undefined);
  assert.throws(() => transcodeToV1(payload), RangeError);
});
