// SPDX-License-Identifier: Apache-2.0
// HTTP as it comes over the wire, which fetch() hides: coded bodies, and bodies too large to keep.
// For tests only.

import { type IncomingHttpHeaders, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';

export interface RawReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As sent, still coded; empty where it was not to be kept. */
  readonly body: Buffer;
  /** Length of the body as sent. */
  readonly bytes: number;
}

export interface RawRequest {
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default true. A refusal's body is always kept. */
  readonly keepBody?: boolean;
  /** Rejects when the answer has not come by then; never unless told. */
  readonly limitMs?: number;
}

/** One request on a connection of its own. Rejects when the answer is cut off. */
export function requestRaw(
  url: string,
  { method = 'GET', headers = {}, keepBody = true, limitMs }: RawRequest = {},
): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const limit = limitMs === undefined ? {} : { signal: AbortSignal.timeout(limitMs) };
    const request = url.startsWith('https:') ? requestSecure : requestPlain;
    // Certificates are made by the test that asks.
    const options = { method, headers, agent: false, rejectUnauthorized: false, ...limit };
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = [];
      const status = response.statusCode ?? 0;
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (keepBody || status !== 200) chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status, headers: response.headers, body: Buffer.concat(chunks), bytes });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}
