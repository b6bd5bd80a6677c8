// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { passedSockets } from '../../src/http/passed-sockets.js';
import { judgeHello } from '../../src/http/tls-hello.js';

/** What node:tls begins with. */
async function realHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1' });
  client.on('error', () => undefined);
  const [socket] = await once(server, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return bytes as Buffer;
}

/** The same message in records of so many bytes. */
function inRecords(hello: Buffer, size: number): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

test('a real one is whole with its last byte, in however many records', async () => {
  const hello = await realHello();
  for (let length = 0; length < hello.length; length++) {
    assert.equal(judgeHello(hello.subarray(0, length)), 'partial', String(length));
  }
  assert.equal(judgeHello(hello), 'whole');
  for (const size of [4, 7, 100]) {
    const split = inRecords(hello, size);
    assert.equal(judgeHello(split), 'whole');
    assert.equal(judgeHello(split.subarray(0, -1)), 'partial');
  }
});

test('what is none is told by its first bytes', () => {
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n'),
    Buffer.from([21, 3, 1, 0, 2, 1, 0]),
    Buffer.from([22, 3, 1, 0, 0]),
    Buffer.from([22, 3, 1, 0xff, 0xff]),
    Buffer.from([22, 3, 1, 0, 9, 2]),
    Buffer.from([22, 3, 1, 0, 9, 1, 1, 0, 0]),
    Buffer.from([22, 3, 1, 0, 1, 1, 22]),
  ]) {
    assert.equal(judgeHello(bytes), 'other', bytes.toString('hex'));
  }
});

test('law: whatever comes, it is judged, and what is refused stays so', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.uint8Array({ maxLength: 80 }), (first, second) => {
      const before = judgeHello(Buffer.from([22, 3, ...first]));
      const after = judgeHello(Buffer.from([22, 3, ...first, ...second]));
      if (before !== 'partial') assert.equal(after, before);
    }),
  );
});

test('sockets that systemd passes', () => {
  assert.deepEqual(passedSockets({ LISTEN_PID: '7', LISTEN_FDS: '2' }, 7), [{ fd: 3 }, { fd: 4 }]);
  const problem = (env: Record<string, string>) => {
    const sockets = passedSockets(env, 7);
    return 'problem' in sockets ? sockets.problem : '';
  };
  assert.match(problem({}), /LISTEN_FDS is not set/);
  assert.match(problem({ LISTEN_PID: '8', LISTEN_FDS: '1' }), /are for process 8, and this one is 7/);
  for (const count of ['0', '65', '-1', 'x', '']) {
    assert.match(problem({ LISTEN_PID: '7', LISTEN_FDS: count }), /from 1 to 64 sockets/);
  }
});
