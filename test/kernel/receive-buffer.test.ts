// SPDX-License-Identifier: Apache-2.0
// What a peer can leave in the kernel before anybody reads.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { KernelError } from '../../src/errors.js';
import { openLibc } from '../../src/kernel/ffi.js';
import { limitReceiveBuffer } from '../../src/kernel/receive-buffer.js';

const BYTES = 16 * 1024;

test('a connection keeps no more than the bound of what nobody reads', async (t) => {
  const libc = openLibc();
  const unread = await unreadBytes(t, () => undefined);
  assert.ok(unread > 2 * BYTES, `without a bound ${unread} bytes`);
  const bounded = await unreadBytes(t, (fd) => limitReceiveBuffer(libc, fd, BYTES));
  assert.ok(bounded > 0 && bounded <= 2 * BYTES, `${bounded} bytes`);
});

test('a file descriptor that is none is said', () => {
  assert.throws(
    () => limitReceiveBuffer(openLibc(), -1, BYTES),
    (error: unknown) => {
      assert.ok(error instanceof KernelError);
      assert.match(error.message, /^the receive buffer of a socket cannot be limited \(EBADF\)$/);
      return true;
    },
  );
});

/** Of a client that sends 4 MiB to a server that never reads. */
async function unreadBytes(t: TestContext, prepare: (fd: number) => void): Promise<number> {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    t.after(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  prepare(fdOf(server));
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  t.after(() => client.destroy());
  client.write(Buffer.alloc(4 << 20));
  let bytes = 0;
  for (let same = 0; same < 10; ) {
    await delay(20);
    const now = receiveQueueBytes(port);
    same = now > 0 && now === bytes ? same + 1 : 0;
    bytes = now;
  }
  return bytes;
}

function fdOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

/** proc(5), net/tcp: local address, remote address, state, queues; 01 is an established connection. */
function receiveQueueBytes(localPort: number): number {
  const port = localPort.toString(16).toUpperCase().padStart(4, '0');
  const row = new RegExp(`: [0-9A-F]{8}:${port} \\S+ 01 [0-9A-F]{8}:([0-9A-F]{8})`);
  return Number.parseInt(row.exec(readFileSync('/proc/self/net/tcp', 'utf8'))?.[1] ?? '0', 16);
}
