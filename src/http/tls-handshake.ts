// SPDX-License-Identifier: Apache-2.0
// A new connection until TLS is spoken on it. Its first message is read before a handshake begins, so that
// the dear part of one is done in a turn of its own:
//
//   listening --hello whole--> waiting --its turn--> shaking hands --done, and admitted--> over
//
// What a client sends that speaks no TLS is answered with one sentence.

import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { TLSSocket } from 'node:tls';
import { judgeHello } from './tls-hello.js';

/** What a handshake goes by. */
export interface TlsRules {
  readonly secureContext: SecureContext;
  /** Clients are asked for a certificate. */
  readonly requestCert: boolean;
  /** Whether the client may go on; isVerified: its certificate is signed by one of ours, and valid. */
  admits(client: {
    readonly certificate: X509Certificate | undefined;
    readonly isVerified: boolean;
  }): boolean;
}

export interface TlsHandshakeParts {
  /** As they are when the handshake begins. */
  rules(): TlsRules;
  /** Calls `begin` when its turn has come to be read; the returned function calls that off. */
  enterReads(begin: () => void): () => void;
  /** The same for the handshake itself; onDone() and onClose() call it off. */
  enterHandshakes(begin: () => void): void;
  onDone(socket: TLSSocket): void;
  /** Not in time, or no handshake of ours: the connection is closed. */
  onFailed(reason: 'request_timeout' | 'tls_handshake'): void;
  /** Closed before it was done, for whatever reason. */
  onClose(): void;
}

const PLAIN_ANSWER = 'This port speaks HTTPS: begin the URL with https://\n';
const PLAIN_RESPONSE = [
  'HTTP/1.1 400 Bad Request',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${PLAIN_ANSWER.length}`,
  'Connection: close',
  '',
  PLAIN_ANSWER,
].join('\r\n');
/** What is sent to a client of plain HTTP is given so long to arrive. */
const PLAIN_MS = 1000;

/** Of node:tls, where it has it for sockets that no server of its own made. */
interface WithVerdict {
  readonly ssl?: { verifyError?(): Error | null | undefined };
}

export class TlsHandshake {
  readonly #socket: Socket;
  readonly #parts: TlsHandshakeParts;
  #secured: TLSSocket | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #isOver = false;
  #leaveTurns = (): unknown => undefined;
  #limit: NodeJS.Timeout;
  readonly #listen = (bytes: Buffer): void => this.#receive(bytes);
  readonly #close = (): void => this.destroy();

  /** socket: paused, as it was accepted. limitMs: for all of it. */
  constructor(socket: Socket, parts: TlsHandshakeParts, limitMs: number) {
    this.#socket = socket;
    this.#parts = parts;
    socket.on('error', this.#close); // the client is gone
    socket.on('close', this.#close);
    socket.on('end', this.#close);
    socket.on('data', this.#listen);
    this.#leaveTurns = parts.enterReads(() => socket.resume());
    this.#limit = setTimeout(() => this.#fail('request_timeout'), limitMs);
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#end();
    this.#secured?.destroy();
    this.#socket.destroy();
    this.#parts.onClose();
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#limit);
    this.#leaveTurns();
    this.#bytes = Buffer.alloc(0);
  }

  #receive(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    const hello = judgeHello(this.#bytes);
    if (hello === 'partial') return;
    this.#socket.off('data', this.#listen);
    this.#socket.pause();
    if (hello === 'whole') this.#parts.enterHandshakes(() => this.#begin());
    else if (/^[A-Z]/.test(this.#bytes.toString('latin1', 0, 1))) this.#answerPlain();
    else this.#fail('tls_handshake');
  }

  #begin(): void {
    const rules = this.#parts.rules();
    this.#socket.off('end', this.#close);
    this.#socket.unshift(this.#bytes);
    this.#bytes = Buffer.alloc(0);
    const secured = new TLSSocket(this.#socket, {
      isServer: true,
      secureContext: rules.secureContext,
      requestCert: rules.requestCert,
      // Judged below, as node:tls does it in its own servers.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    this.#secured = secured;
    secured.on('error', () => undefined); // 'close' follows
    secured.on('_tlsError', () => {
      if (this.#isOver) secured.destroy();
      else this.#fail('tls_handshake');
    });
    secured.on('close', this.#close);
    secured.on('end', this.#close); // half-closed sockets are ours to close
    secured.once('secure', () => this.#judge(secured, rules));
  }

  #judge(secured: TLSSocket, rules: TlsRules): void {
    if (this.#isOver) return;
    const certificate = rules.requestCert ? secured.getPeerX509Certificate() : undefined;
    const { ssl } = secured as WithVerdict;
    const isVerified = certificate !== undefined && ssl?.verifyError !== undefined && !ssl.verifyError();
    if (!rules.admits({ certificate, isVerified })) {
      this.#fail('tls_handshake');
      return;
    }
    this.#end();
    secured.pause();
    secured.off('close', this.#close);
    secured.off('end', this.#close);
    this.#socket.off('error', this.#close);
    this.#socket.off('close', this.#close);
    this.#socket.on('error', () => undefined);
    this.#parts.onDone(secured);
  }

  #answerPlain(): void {
    clearTimeout(this.#limit);
    this.#limit = setTimeout(() => this.destroy(), PLAIN_MS);
    this.#socket.end(PLAIN_RESPONSE);
    this.#socket.resume(); // what comes is discarded: with bytes unread, the client would see a reset
  }

  #fail(reason: 'request_timeout' | 'tls_handshake'): void {
    if (this.#isOver) return;
    this.#parts.onFailed(reason);
    this.destroy();
  }
}
