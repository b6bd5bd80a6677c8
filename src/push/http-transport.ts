// SPDX-License-Identifier: Apache-2.0
// The real transport: node:http and node:https over one kept connection. Redirects are not followed:
// a POST does not survive most of them. Knows no retries but one: a kept connection that the other
// side had closed already says nothing about the receiver, so the request goes out once more. One
// timer bounds all of it: files, name, connection, request, answer.

import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { PushTimeoutError } from './describe-failure.js';
import { exchange, StaleConnectionError } from './http-exchange.js';
import type { Answer } from './judge-answer.js';
import { createLogin, type LoginOptions } from './login.js';
import { createTlsFiles, type TlsOptions } from './tls-files.js';
import type { PushRequest, Transport, TransportResult } from './transport.js';

export interface HttpTransportOptions extends Omit<LoginOptions, 'url'> {
  /** http or https; a user and a password in it are a login. */
  readonly url: string;
  readonly tls: TlsOptions;
  /** From the start of a request to the end of its answer. */
  readonly timeoutMs: number;
}

/** Opens nothing until the first request. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  const url = new URL(options.url);
  const readLogin = createLogin({ ...options, url });
  const tlsFiles = createTlsFiles(options.tls);
  url.username = '';
  url.password = '';
  const isTls = url.protocol === 'https:';
  let agent: Agent | TlsAgent | undefined;
  let agentVersion = -1;

  async function currentAgent(): Promise<Agent | TlsAgent> {
    const { version, settings } = isTls ? await tlsFiles() : { version: 0, settings: {} };
    if (agent === undefined || version !== agentVersion) {
      agent?.destroy(); // its connections trust the old files
      const keeping = { keepAlive: true, maxSockets: 1 };
      agent = isTls ? new TlsAgent({ ...keeping, ...settings }) : new Agent(keeping);
      agentVersion = version;
    }
    return agent;
  }

  /** A failed attempt may leave a connection half-way, which the next one must not get. */
  function dropAgent(): void {
    agent?.destroy();
    agent = undefined;
  }

  async function attempt(
    { headers, body }: PushRequest,
    signal: AbortSignal,
    onResend: () => void,
  ): Promise<Answer> {
    const login = await unlessAborted(readLogin(), signal);
    const parts = { url, agent: await unlessAborted(currentAgent(), signal), signal };
    const whole = {
      headers: {
        ...headers,
        ...(login === undefined ? {} : { Authorization: login }),
        'Content-Length': String(body.length),
      },
      body,
    };
    try {
      return await exchange(whole, parts);
    } catch (error) {
      if (!(error instanceof StaleConnectionError)) throw error;
      onResend();
      return await exchange(whole, parts);
    }
  }

  async function send(request: PushRequest, signal: AbortSignal): Promise<TransportResult> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new PushTimeoutError()), options.timeoutMs);
    const onAbort = (): void => limit.abort(signal.reason);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    let resent = false;
    const onResend = (): void => {
      resent = true;
    };
    try {
      return { kind: 'answer', answer: await attempt(request, limit.signal, onResend), resent };
    } catch (error) {
      dropAgent();
      return { kind: 'failure', error: error instanceof StaleConnectionError ? error.cause : error, resent };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  return { send, close: dropAgent };
}

/** The promise, or the signal's reason where that comes first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
}
