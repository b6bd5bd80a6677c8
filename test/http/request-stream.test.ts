// SPDX-License-Identifier: Apache-2.0
// What a stream of requests writes to its client's socket: over TLS no more than a record at a time, one after the other.

import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { RequestStream } from '../../src/http/request-stream.js';

const RECORD_BYTES = 16_384;

/** Takes what is written, a piece at a time, when it is let. */
function takeWrites(socket: Socket, failsAt = Number.POSITIVE_INFINITY) {
  const taken: Buffer[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  socket.write = ((chunk: Buffer, done?: (error?: Error) => void) => {
    taken.push(Buffer.from(chunk));
    mostUnderWay = Math.max(mostUnderWay, ++underWay);
    setImmediate(() => {
      underWay--;
      done?.(taken.length > failsAt ? new Error('gone') : undefined);
    });
    return true;
  }) as Socket['write'];
  return { taken, mostUnderWay: () => mostUnderWay };
}

function streamOver(socket: Socket): RequestStream {
  const nothing = (): void => undefined;
  return new RequestStream({ socket, stallMs: 60_000, onWanted: nothing, onLast: nothing, onClose: nothing });
}

test('over TLS an answer goes out in records, each after the one before it, whatever its chunks', async () => {
  const lengths = fc.array(fc.oneof(fc.nat(40), fc.nat(70_000), fc.constant(RECORD_BYTES)), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lengths, fc.boolean(), async (sizes, isCorked) => {
      const socket = new TLSSocket(new Socket());
      const writes = takeWrites(socket);
      const stream = streamOver(socket);
      const chunks = sizes.map((size, i) => Buffer.alloc(size, i + 1));
      if (isCorked) stream.cork();
      const sent = chunks.map((chunk) => new Promise((done) => stream.write(chunk, done)));
      if (isCorked) stream.uncork();
      const errors = await Promise.all(sent);
      stream.destroy();
      socket.destroy();
      assert.ok(errors.every((error) => !error));
      assert.ok(Buffer.concat(writes.taken).equals(Buffer.concat(chunks)));
      assert.ok(writes.taken.every(({ length }) => length <= RECORD_BYTES));
      assert.ok(writes.mostUnderWay() <= 1);
    }),
    { numRuns: 60 },
  );
});

test('a client that is gone within an answer gets no more pieces of it', async () => {
  const socket = new TLSSocket(new Socket());
  const writes = takeWrites(socket, 2);
  const stream = streamOver(socket);
  await new Promise((done) => stream.write(Buffer.alloc(10 * RECORD_BYTES), done));
  assert.equal(writes.taken.length, 3);
  assert.ok(stream.destroyed);
  socket.destroy();
});

test('without TLS a chunk is written as it is', async () => {
  const socket = new Socket();
  const writes = takeWrites(socket);
  const stream = streamOver(socket);
  await new Promise((done) => stream.write(Buffer.alloc(10 * RECORD_BYTES), done));
  assert.deepEqual(
    writes.taken.map(({ length }) => length),
    [10 * RECORD_BYTES],
  );
  stream.destroy();
});
