// SPDX-License-Identifier: Apache-2.0
// One client's connection: passes its requests to node:http one at a time. node:http would begin every
// request that it finds in what it reads, thousands for a client that sends thousands ahead. Here the
// next request stays bytes until the answer before it is out:
//
//   reading --head whole--> waiting --its turn--> answering --answer out--> reading
//                                                     '--last answer--> leaving

import type { Socket } from 'node:net';
import { RequestHead } from './request-head.js';
import { RequestStream } from './request-stream.js';
import type { TurnQueue } from './turn-queue.js';

/** Why a client that kept its connection loses it. */
export type CutReason = 'request_timeout' | 'read_ahead' | 'half_closed';

export interface ClientConnectionParts {
  /** When a new connection is read for the first time, and when a request begins. */
  readonly reads: TurnQueue;
  readonly turns: TurnQueue;
  /** The first bytes of a request have come: node:http is to read the stream. */
  onStream(stream: RequestStream, connection: ClientConnection): void;
  /** A whole request has come. */
  onBusy(connection: ClientConnection): void;
  /** No request is under way any more. */
  onIdle(connection: ClientConnection): void;
  /** So many clients come that none may send ahead, or say its last word before it has its answer. */
  isCrowded(): boolean;
  onCut(reason: CutReason): void;
  onClose(connection: ClientConnection): void;
}

export interface ConnectionTimes {
  /** For a request from its first byte until its answer begins, and for the first request to come. */
  readonly requestMs: number;
  /** Between requests. */
  readonly idleMs: number;
  /** A client that takes nothing of its answer for so long is cut off. */
  readonly stallMs: number;
}

export const CONNECTION_TIMES: ConnectionTimes = {
  requestMs: 10_000,
  // Above Prometheus' idle timeout of 5 minutes: a client that reuses a connection must not meet its end.
  idleMs: 310_000,
  stallMs: 10_000,
};

/** A client may send so much beyond the request that is being answered, in a crowd nothing; no scraper sends a byte. */
export const MAX_READ_AHEAD_BYTES = 16 * 1024;
/** After the answer to a request with a body so much of it is read, for so long: the client would see a reset instead. */
const LINGER_BYTES = 256 * 1024;
const LINGER_MS = 1000;

const REQUEST_TIMEOUT = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';
const EMPTY = Buffer.alloc(0);

/** Of a response: whether all of it is written. */
interface Answer {
  readonly writableEnded: boolean;
}

type Phase = 'reading' | 'waiting' | 'answering' | 'leaving';

export class ClientConnection {
  readonly #socket: Socket;
  readonly #parts: ClientConnectionParts;
  readonly #times: ConnectionTimes;
  readonly #head = new RequestHead();
  #stream: RequestStream | undefined;
  #answer: Answer | undefined;
  #phase: Phase = 'reading';
  #isGone = false;
  /** Read and not yet passed on. */
  #ahead: Buffer = EMPTY;
  /** node:http has read all that was passed on. */
  #isWanted = true;
  /** The client sends no more. */
  #hasEnded = false;
  /** What still comes is the body of the last request: nobody reads it. */
  #discards = false;
  #discardedBytes = 0;
  /** Of empty lines before the next request. */
  #skippedBytes = 0;
  #leaveTurns = (): unknown => undefined;
  #limit: NodeJS.Timeout | undefined;

  constructor(socket: Socket, parts: ClientConnectionParts, times: ConnectionTimes) {
    this.#socket = socket;
    this.#parts = parts;
    this.#times = times;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('end', () => this.#receiveEnd());
    socket.on('error', () => undefined); // the client is gone, and 'close' follows
    socket.on('close', () => this.destroy());
    this.#leaveTurns = parts.reads.enter(() => socket.resume());
    this.#limitTo(times.requestMs, () => this.#cut('request_timeout'));
  }

  /** node:http has a request. isLast: its answer ends the connection. */
  beginAnswer(answer: Answer, isLast: boolean): void {
    this.#phase = 'answering';
    this.#answer = answer;
    clearTimeout(this.#limit);
    if (!isLast) return;
    this.#discards = true;
    this.#ahead = EMPTY;
    this.#socket.resume();
  }

  /** A client that has said its last word is gone for all we know: it gets what is written, no more. */
  dropIfGone(): void {
    if (this.#phase === 'answering' && this.#hasEnded && this.#answer?.writableEnded === false)
      this.destroy();
  }

  /** The answer is out. */
  endAnswer(): void {
    if (this.#phase !== 'answering' || this.#isGone || this.#stream?.writableEnded) return;
    this.#phase = 'reading';
    this.#answer = undefined;
    this.#skippedBytes = 0;
    this.#head.reset();
    this.#limitTo(this.#times.idleMs, () => this.destroy());
    this.#parts.onIdle(this);
    this.#advance();
  }

  /** Closes it; what waits or is being answered is dropped. */
  destroy(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    clearTimeout(this.#limit);
    this.#leaveTurns();
    this.#ahead = EMPTY;
    this.#socket.destroy();
    this.#stream?.destroy();
    this.#parts.onClose(this);
  }

  #receive(bytes: Buffer): void {
    if (this.#discards || this.#phase === 'leaving') {
      this.#discardedBytes += bytes.length;
      if (this.#discardedBytes >= LINGER_BYTES) this.#socket.pause();
      return;
    }
    this.#ahead = this.#ahead.length === 0 ? bytes : Buffer.concat([this.#ahead, bytes]);
    if (this.#phase === 'reading') this.#advance();
    else this.#checkReadAhead(this.#ahead.length);
  }

  #receiveEnd(): void {
    this.#hasEnded = true;
    if (this.#phase === 'reading') this.#advance();
    else if (this.#phase === 'waiting' && this.#parts.isCrowded()) this.#cut('half_closed');
    else if (this.#phase === 'answering') this.dropIfGone();
    else if (this.#phase === 'leaving' && this.#stream?.writableFinished) this.destroy();
  }

  #advance(): void {
    if (this.#phase !== 'reading' || !this.#isWanted || this.#isGone) return;
    const skipped = this.#take(this.#head.skipEmptyLines(this.#ahead)).length;
    this.#skippedBytes += skipped;
    if (this.#skippedBytes > MAX_READ_AHEAD_BYTES) {
      this.#cut('read_ahead');
      return;
    }
    if (this.#ahead.length === 0) {
      if (!this.#hasEnded) return;
      if (this.#stream === undefined) this.destroy();
      else this.#stream.push(null);
      return;
    }
    if (!this.#head.hasBegun) this.#limitTo(this.#times.requestMs, () => this.#cutRequest());
    const end = this.#head.findEnd(this.#ahead);
    if (end === undefined) {
      this.#pass(this.#ahead.length);
      return;
    }
    this.#phase = 'waiting';
    if (!this.#checkReadAhead(this.#ahead.length - end)) return;
    this.#parts.onBusy(this);
    this.#leaveTurns = this.#parts.turns.enter(() => this.#pass(end));
  }

  /** To node:http, whose parser reads it at once. */
  #pass(length: number): void {
    const bytes = this.#take(length);
    this.#isWanted = false;
    this.#openStream().push(bytes);
  }

  /** An empty rest must not keep the memory that it was read into. */
  #take(length: number): Buffer {
    const taken = this.#ahead.subarray(0, length);
    this.#ahead = length < this.#ahead.length ? this.#ahead.subarray(length) : EMPTY;
    return taken;
  }

  #openStream(): RequestStream {
    if (this.#stream !== undefined) return this.#stream;
    this.#socket.setNoDelay(true);
    this.#stream = new RequestStream({
      socket: this.#socket,
      stallMs: this.#times.stallMs,
      onWanted: () => {
        this.#isWanted = true;
        this.#advance();
      },
      onLast: () => this.#leave(),
      onClose: () => this.destroy(),
    });
    this.#parts.onStream(this.#stream, this);
    return this.#stream;
  }

  #leave(): void {
    this.#phase = 'leaving';
    this.#leaveTurns();
    this.#stream?.once('finish', () => {
      if (!this.#discards || this.#hasEnded || this.#discardedBytes >= LINGER_BYTES) {
        this.destroy();
        return;
      }
      this.#limitTo(LINGER_MS, () => this.destroy());
      this.#parts.onIdle(this);
    });
  }

  /** False where the connection was cut. */
  #checkReadAhead(bytes: number): boolean {
    const limit = this.#parts.isCrowded() ? 0 : MAX_READ_AHEAD_BYTES;
    if (bytes <= limit) return true;
    if (this.#head.isRead) {
      this.#cut('read_ahead');
      return false;
    }
    // What follows any other method is its body: the answer will end the connection.
    this.#socket.pause();
    return true;
  }

  #cutRequest(): void {
    this.#parts.onCut('request_timeout');
    const stream = this.#openStream();
    stream.write(REQUEST_TIMEOUT);
    stream.destroySoon();
  }

  #cut(reason: CutReason): void {
    this.#parts.onCut(reason);
    this.destroy();
  }

  #limitTo(limitMs: number, onLimit: () => void): void {
    clearTimeout(this.#limit);
    this.#limit = setTimeout(onLimit, limitMs);
  }
}
