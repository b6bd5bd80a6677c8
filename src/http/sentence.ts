// SPDX-License-Identifier: Apache-2.0
// A response that is one sentence of plain text: every answer that is neither metrics nor the landing page.

import type { ServerResponse } from 'node:http';

export function sendSentence(
  response: ServerResponse,
  status: number,
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(`${sentence}\n`);
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(body.length),
    'Cache-Control': 'no-store',
    ...headers,
  });
  // Node leaves the body of a response to HEAD out by itself.
  response.end(body);
}

/** For a method that a page does not have. */
export function sendMethodNotAllowed(
  response: ServerResponse,
  method: string | undefined,
  [first, second]: readonly [string, string] = ['GET', 'HEAD'],
): void {
  sendSentence(response, 405, `This page answers ${first} and ${second}, not ${method ?? 'this method'}.`, {
    Allow: `${first}, ${second}`,
  });
}

export function isReadMethod(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD';
}
