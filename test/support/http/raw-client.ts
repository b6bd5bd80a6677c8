// SPDX-License-Identifier: Apache-2.0
// A client that sends bytes as a test wants them and keeps what comes back as text. For tests only.

import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { until } from './http-fixture.js';

export interface RawClient {
  readonly socket: Socket;
  /** All that has come. */
  text: string;
  /** The connection is over, from whichever side. */
  isClosed: boolean;
  send(text: string): void;
  /** Status codes of the answers so far. */
  statuses(): number[];
}

export async function connectRaw(t: TestContext, port: number): Promise<RawClient> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  t.after(() => socket.destroy());
  const client: RawClient = {
    socket,
    text: '',
    isClosed: false,
    send: (text) => socket.write(text),
    statuses: () => [...client.text.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => Number(status)),
  };
  socket.setNoDelay(true);
  socket.on('error', () => undefined); // told by isClosed
  socket.on('data', (bytes) => {
    client.text += bytes.toString('latin1');
  });
  const over = (): void => {
    client.isClosed = true;
  };
  socket.on('close', over);
  socket.on('end', over);
  await until('a client is connected', () => socket.readyState !== 'opening');
  return client;
}

export function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
}
