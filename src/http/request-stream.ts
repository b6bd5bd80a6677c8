// SPDX-License-Identifier: Apache-2.0
// What node:http takes for the socket of a client: it reads what the connection passes on, request by
// request, and what it writes goes to the client, who must keep taking it.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

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

/**
 * A record of TLS is no larger. node:tls encrypts what it is given at once, and keeps the memory that this took
 * until the connection closes: 512 idle clients that had been sent 220 kB at once held 115 MiB, so they hold 31.
 */
const TLS_PIECE_BYTES = 16_384;
const NOTHING = Buffer.alloc(0);

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
    this.#send([chunk], this.#untilTaken(done));
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      this.#untilTaken(done),
    );
  }

  override _final(done: Done): void {
    this.#parts.socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#parts.onClose();
    done(error);
  }

  #send(chunks: readonly Buffer[], done: Done): void {
    const { socket } = this.#parts;
    if (socket instanceof TLSSocket) {
      const [first = NOTHING] = chunks;
      sendPieces(socket, chunks.length === 1 ? first : Buffer.concat(chunks), done);
      return;
    }
    const last = chunks.length - 1;
    socket.cork();
    chunks.forEach((chunk, i) => {
      socket.write(chunk, i === last ? done : undefined);
    });
    socket.uncork();
  }

  #untilTaken(done: Done): Done {
    const stall = setTimeout(() => this.destroy(), this.#parts.stallMs);
    return (error) => {
      clearTimeout(stall);
      done(error);
    };
  }
}

/** Each piece once the one before it has been taken. */
function sendPieces(socket: TLSSocket, bytes: Buffer, done: Done): void {
  let sent = 0;
  const sendNext = (error?: Error | null): void => {
    if (error || sent === bytes.length) {
      done(error);
      return;
    }
    const piece = bytes.subarray(sent, sent + TLS_PIECE_BYTES);
    sent += piece.length;
    socket.write(piece, sendNext);
  };
  sendNext();
}
