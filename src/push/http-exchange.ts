// SPDX-License-Identifier: Apache-2.0
// One POST over an agent's connection, and what comes back. It settles with the answer, with the
// connection, or with the signal, whichever of Node's events come: of some answers none does.

import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type Agent as TlsAgent } from 'node:https';
import { PushProtocolError } from './describe-failure.js';
import type { Answer } from './judge-answer.js';
import type { PushRequest } from './transport.js';

/** Of an answer's body, enough for an error message; Prometheus reads as much. */
const BODY_SHOWN_BYTES = 1024;
/** More is not waited for: the connection is given up instead. */
const BODY_READ_BYTES = 64 * 1024;
/** Interim answers (1xx) before the answer; servers send one or two. */
const INTERIM_MAX = 100;

/** A kept connection was reset before it brought any answer. */
export class StaleConnectionError extends Error {}

export interface ExchangeParts {
  readonly url: URL;
  readonly agent: Agent | TlsAgent;
  /** Ends the exchange at once; its reason is the failure. */
  readonly signal: AbortSignal;
}

/** Rejects where no status came; once one has, whatever happens to the rest changes nothing. */
export function exchange({ headers, body }: PushRequest, parts: ExchangeParts): Promise<Answer> {
  const { url, agent, signal } = parts;
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = start(url, { method: 'POST', agent, headers });
    let reading: { readonly response: IncomingMessage; readonly body: BodyStart } | undefined;
    let interimAnswers = 0;
    let isSettled = false;

    const settle = (error?: unknown): void => {
      if (isSettled) return;
      isSettled = true;
      signal.removeEventListener('abort', onAbort);
      if (reading === undefined) reject(error);
      else resolve(answerOf(reading.response, reading.body.text));
      // A connection is kept only where nothing of the request and of the answer is left in it.
      if (!request.writableFinished || reading?.response.complete !== true) request.destroy();
    };
    const onAbort = (): void => settle(signal.reason);
    signal.addEventListener('abort', onAbort);

    request.on('response', (response) => {
      const body = new BodyStart();
      reading = { response, body };
      response.on('data', (chunk: Buffer) => {
        body.add(chunk);
        if (body.bytes > BODY_READ_BYTES) settle();
      });
      for (const event of ['end', 'error', 'close']) response.on(event, () => settle());
    });
    // Without this listener Node closes the connection, and says nothing more of the request.
    request.on('upgrade', (response, socket) => {
      reading = { response, body: new BodyStart() };
      socket.on('error', () => undefined);
      socket.destroy();
      settle();
    });
    request.on('information', () => {
      interimAnswers++;
      if (interimAnswers > INTERIM_MAX) {
        settle(new PushProtocolError('it sends interim answers (1xx), but no answer'));
      }
    });
    // An answer that has begun ends with events of its own, behind what is still to be read of it.
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (reading !== undefined) return;
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      settle(isStale ? new StaleConnectionError('', { cause: error }) : error);
    });
    request.on('close', () => {
      if (reading === undefined) settle(Object.assign(new Error('closed'), { code: 'ECONNRESET' }));
    });
    request.end(body);
    if (signal.aborted) onAbort();
  });
}

function answerOf(response: IncomingMessage, bodyStart: string): Answer {
  return { status: response.statusCode ?? 0, headers: response.headers, bodyStart };
}

class BodyStart {
  readonly #chunks: Buffer[] = [];
  bytes = 0;

  add(chunk: Buffer): void {
    if (this.bytes < BODY_SHOWN_BYTES) this.#chunks.push(chunk);
    this.bytes += chunk.length;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).subarray(0, BODY_SHOWN_BYTES).toString('utf8');
  }
}
