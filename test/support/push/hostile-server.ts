// SPDX-License-Identifier: Apache-2.0
// A server that plays scripts of raw bytes instead of answering as HTTP servers do: floods, drips,
// half answers, connections that nobody reads. For tests only.

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { waitFor } from '../conditions.js';

export type Piece =
  | { readonly send: string }
  /** A byte at a time. */
  | { readonly drip: string; readonly everyMs: number }
  /** Again and again, for as long as the connection lives. */
  | { readonly flood: string }
  | { readonly pauseMs: number };

export interface Script {
  /** Whether it reads what it is sent; it answers at once either way. Default true. */
  readonly reads?: boolean;
  /** Default 'request': after the first bytes of a request. */
  readonly startsAt?: 'connection' | 'request';
  readonly pieces: readonly Piece[];
  /** What becomes of the connection behind the last piece. Default 'stays'. */
  readonly end?: 'stays' | 'end' | 'reset';
}

export class HostileServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  /** Of the connections from now on. */
  script: Script;

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      this.#connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined); // the other side may go at any time
      void play(socket, this.script);
    });
  }

  /** Stopped after the test. */
  static async start(context: TestContext, script: Script): Promise<HostileServer> {
    const server = new HostileServer(script);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve);
    });
    context.after(() => server.stop());
    return server;
  }

  get connections(): number {
    return this.#connections;
  }

  url(protocol: 'http' | 'https' = 'http'): string {
    return `${protocol}://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v1/write`;
  }

  /** Waits until the other side has closed all but so many of its connections. */
  async untilClosed(but = 0): Promise<void> {
    await waitFor(
      `the client to close all connections but ${but}`,
      () => {
        for (const socket of this.#sockets) socket.resume(); // an end is seen only by those who read
        return this.#sockets.size <= but;
      },
      { limitMs: 20_000, intervalMs: 2 },
    );
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

async function play(socket: Socket, script: Script): Promise<void> {
  const { reads = true, startsAt = 'request', pieces, end = 'stays' } = script;
  if (startsAt === 'request') {
    await new Promise<void>((resolve) => {
      socket.once('data', () => resolve());
      socket.once('close', () => resolve());
      socket.resume();
    });
  }
  if (reads) socket.resume();
  else socket.pause();
  for (const piece of pieces) await playPiece(socket, piece);
  if (end === 'end') socket.end();
  if (end === 'reset') socket.resetAndDestroy();
}

async function playPiece(socket: Socket, piece: Piece): Promise<void> {
  if ('send' in piece) socket.write(piece.send, 'latin1');
  else if ('pauseMs' in piece) await delay(piece.pauseMs);
  else if ('flood' in piece) {
    const block = piece.flood.repeat(Math.ceil(4096 / piece.flood.length));
    while (socket.writable) {
      if (!socket.write(block, 'latin1')) await drained(socket);
      await nextTurn();
    }
  } else {
    for (const byte of piece.drip) {
      if (!socket.writable) return;
      socket.write(byte, 'latin1');
      await delay(piece.everyMs);
    }
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', () => resolve());
    socket.once('close', () => resolve());
  });
}
