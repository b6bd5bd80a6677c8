// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { openListeningSocket } from '../../src/http/listening-socket.js';

/** A server that the kernel does not let listen. */
function refusedServer(code: string) {
  const server = createServer();
  server.listen = () => {
    throw Object.assign(new Error(`listen ${code}`), { code });
  };
  return server;
}

test('where no socket may be made, the sentence says who makes one under systemd', async () => {
  const address = { path: '/run/x.sock' };
  await assert.rejects(openListeningSocket(refusedServer('EACCES'), address, undefined), (error: Error) => {
    assert.match(
      error.message,
      /^cannot listen on unix:\/run\/x\.sock: no permission.*xtrace-catch\.socket.*--web\.systemd-socket$/,
    );
    assert.doesNotMatch(error.message, /RuntimeDirectory=/);
    return true;
  });
});
