// SPDX-License-Identifier: Apache-2.0
// What node:http takes for the socket of a client: it reads what the connection passes on, request by
// request, and what it writes goes to the client, who must keep taking it.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export interface RequestStreamParts {
  readonly socket: Socket;
  /** A client that takes nothing of what was written for so long is cut off. */
  readonly stallMs: number;
  /** node:http has read all that was passed on. */
  onWanted(): void;
  /** What was written is to be the last. */
  onLast(): void;
  onClose(): void;
}

type Done = (error?: Error | null) => void;

export class RequestStream extends Duplex {
  readonly #parts: RequestStreamParts;

  constructor(parts: RequestStreamParts) {
    super({ allowHalfOpen: true });
    this.#parts = parts;
    this.on('error', () => undefined); // the client is gone: nobody to tell
  }

  get remoteAddress(): string | undefined {
    return this.#parts.socket.remoteAddress;
  }

  /** node:http calls this after the last answer of a connection, as on a socket of its own. */
  destroySoon(): void {
    this.#parts.onLast();
    this.end();
  }

  override _read(): void {
    this.#parts.onWanted();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#parts.socket.write(chunk, this.#untilTaken(done));
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    const { socket } = this.#parts;
    const last = chunks.length - 1;
    const taken = this.#untilTaken(done);
    socket.cork();
    chunks.forEach(({ chunk }, i) => {
      socket.write(chunk, i === last ? taken : undefined);
    });
    socket.uncork();
  }

  override _final(done: Done): void {
    this.#parts.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#parts.onClose();
    done(error);
  }

  #untilTaken(done: Done): Done {
    const stall = setTimeout(() => this.destroy(), this.#parts.stallMs);
    return (error) => {
      clearTimeout(stall);
      done(error);
    };
  }
}
