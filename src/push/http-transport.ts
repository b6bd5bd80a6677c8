// SPDX-License-Identifier: Apache-2.0
// The real transport: node:http and node:https over one kept connection. Redirects are not followed:
// a POST does not survive most of them. Knows no retries but one: a kept connection that the other
// side had closed already says nothing about the receiver, so the request goes out once more.
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { PushTimeoutError } from './describe-failure.js';
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

/** Of an answer's body, enough for an error message; Prometheus reads as much. */
const BODY_SHOWN_BYTES = 1024;
/** More is not waited for: the connection is given up instead. */
const BODY_READ_BYTES = 64 * 1024;

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

  async function send(request: PushRequest, signal: AbortSignal): Promise<TransportResult> {
    let resent = false;
    try {
      const login = await readLogin();
      const parts = { url, agent: await currentAgent(), timeoutMs: options.timeoutMs, signal };
      const headers = {
        ...request.headers,
        ...(login === undefined ? {} : { Authorization: login }),
        'Content-Length': String(request.body.length),
      };
      const whole = { headers, body: request.body };
      try {
        return { kind: 'answer', answer: await exchange(whole, parts), resent };
      } catch (error) {
        if (!(error instanceof StaleConnectionError)) throw error;
        resent = true;
        return { kind: 'answer', answer: await exchange(whole, parts), resent };
      }
    } catch (error) {
      return { kind: 'failure', error: error instanceof StaleConnectionError ? error.cause : error, resent };
    }
  }

  return { send, close: () => agent?.destroy() };
}

/** A kept connection was reset before it brought any answer. */
class StaleConnectionError extends Error {}

interface ExchangeParts {
  readonly url: URL;
  readonly agent: Agent | TlsAgent;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Rejects where no status came; once one has, whatever happens to the rest changes nothing. */
function exchange({ headers, body }: PushRequest, parts: ExchangeParts): Promise<Answer> {
  const { url, agent, timeoutMs, signal } = parts;
  return new Promise((resolve, reject) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = start(url, { method: 'POST', agent, headers, signal });
    let hasStatus = false;
    const timer = setTimeout(() => request.destroy(new PushTimeoutError()), timeoutMs);
    request.on('response', (response) => {
      hasStatus = true;
      readAnswer(response).then((answer) => {
        clearTimeout(timer);
        resolve(answer);
        // An answer before the end of the body: nobody reads the rest.
        if (!request.writableFinished) request.destroy();
      }, reject);
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (hasStatus) return; // the answer ends with its connection
      clearTimeout(timer);
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isStale ? new StaleConnectionError('', { cause: error }) : error);
    });
    request.end(body);
  });
}

/** Resolves also where the body breaks off. */
function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    const finish = (): void => {
      const shown = Buffer.concat(chunks).subarray(0, BODY_SHOWN_BYTES);
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        bodyStart: shown.toString('utf8'),
      });
    };
    response.on('data', (chunk: Buffer) => {
      if (bytes < BODY_SHOWN_BYTES) chunks.push(chunk);
      bytes += chunk.length;
      if (bytes <= BODY_READ_BYTES) return;
      finish();
      response.destroy();
    });
    response.on('end', finish);
    response.on('error', finish);
    response.on('close', finish);
  });
}
