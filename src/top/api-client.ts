// SPDX-License-Identifier: Apache-2.0
// Asks a running exporter for one of its answers, over TCP, TLS or a socket in the file system. Each question is
// over within a time, and no answer is read beyond a size; what went wrong comes back as a sentence.

import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { renderVisible } from '../print/visible-text.js';
import { describeNoAnswer, describeStatus } from './describe-no-answer.js';

export interface ApiClientOptions {
  /** http: or https:, host, port and perhaps a path, without a slash at the end. */
  readonly url: string;
  /** In place of host and port. */
  readonly socketPath: string | undefined;
  /** Of the header Authorization. */
  readonly authorization: string | undefined;
  readonly tls: {
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    readonly isUnchecked: boolean;
  };
  /** What a person calls it. */
  readonly shown: string;
  readonly timeoutMs: number;
  readonly answerMaxBytes: number;
}

export type ApiReply =
  | { readonly kind: 'json'; readonly value: unknown }
  /** It is there, and says no; one sentence of its own. */
  | { readonly kind: 'refused'; readonly status: number; readonly sentence: string }
  /** Nothing that could be used came; a clause that says why, and what to do. */
  | { readonly kind: 'none'; readonly sentence: string };

export interface ApiClient {
  readonly shown: string;
  /** name: of the answer, as in /api/v1/overview. Never rejects. */
  ask(name: string, query?: Readonly<Record<string, string>>): Promise<ApiReply>;
  close(): void;
}

const SENTENCE_MAX_CHARS = 300;

export function createApiClient(options: ApiClientOptions): ApiClient {
  const { url, socketPath, authorization, tls, shown } = options;
  const isTls = url.startsWith('https:');
  const agent = isTls
    ? new TlsAgent({
        keepAlive: true,
        maxSockets: 1,
        rejectUnauthorized: !tls.isUnchecked,
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.cert === undefined ? {} : { cert: tls.cert }),
        ...(tls.key === undefined ? {} : { key: tls.key }),
      })
    : new Agent({ keepAlive: true, maxSockets: 1 });

  const attempt = (
    target: string,
    signal: AbortSignal,
  ): Promise<{ response: IncomingMessage; body: string }> =>
    new Promise((resolve, reject) => {
      const request = (isTls ? httpsRequest : httpRequest)(target, {
        agent: agent as Agent,
        signal,
        headers: {
          Accept: 'application/json',
          ...(authorization === undefined ? {} : { Authorization: authorization }),
        },
        ...(socketPath === undefined ? {} : { socketPath }),
      });
      request.on('error', (error) => reject(Object.assign(error, { isStale: request.reusedSocket })));
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > options.answerMaxBytes) {
            request.destroy();
            reject(new TooLongError(options.answerMaxBytes));
          } else chunks.push(chunk);
        });
        response.on('end', () => resolve({ response, body: Buffer.concat(chunks).toString('utf8') }));
        response.on('error', reject);
      });
      request.end();
    });

  /** A kept connection that the exporter had closed already says nothing about it: once more. */
  const attemptTwice = async (target: string, signal: AbortSignal): ReturnType<typeof attempt> => {
    try {
      return await attempt(target, signal);
    } catch (error) {
      const isStale = error instanceof Error && 'isStale' in error && error.isStale === true;
      if (!isStale || signal.aborted) throw error;
      return await attempt(target, signal);
    }
  };

  return {
    shown,
    async ask(name, query = {}) {
      const words = new URLSearchParams(query).toString();
      const target = `${url}/api/v1/${name}${words === '' ? '' : `?${words}`}`;
      try {
        const { response, body } = await attemptTwice(target, AbortSignal.timeout(options.timeoutMs));
        const status = response.statusCode ?? 0;
        if (status !== 200) {
          const own = renderVisible(body.slice(0, SENTENCE_MAX_CHARS).trim().split('\n')[0] ?? '');
          const isText = String(response.headers['content-type']).startsWith('text/plain');
          const sentence = describeStatus(status, isText ? own : '', shown);
          return { kind: 'refused', status, sentence };
        }
        return { kind: 'json', value: JSON.parse(body) as unknown };
      } catch (error) {
        return { kind: 'none', sentence: describeNoAnswer(error, { shown, timeoutMs: options.timeoutMs }) };
      }
    },
    close: () => agent.destroy(),
  };
}

export class TooLongError extends Error {
  readonly limitBytes: number;

  constructor(limitBytes: number) {
    super('too long');
    this.limitBytes = limitBytes;
  }
}
