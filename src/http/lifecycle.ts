// SPDX-License-Identifier: Apache-2.0
// What may be asked of the running exporter over HTTP, for those who are to: reading its configuration again.

import type { ServerResponse } from 'node:http';
import type { RequestHandler } from './metrics-handler.js';
import { sendMethodNotAllowed, sendSentence } from './sentence.js';

export interface Lifecycle {
  /** problem: why the configuration in use has stayed; one sentence or more, without secrets. */
  reload(): Promise<{ readonly ok: true } | { readonly problem: string }>;
}

/** POST and PUT, as Prometheus has it. onFault: ends the request with status 500. */
export function createReloadHandler(
  lifecycle: Lifecycle | undefined,
  onFault: (error: unknown, response: ServerResponse) => void,
): RequestHandler {
  const respond = async (response: ServerResponse, parts: Lifecycle): Promise<void> => {
    const outcome = await parts.reload();
    if (response.destroyed) return;
    if ('ok' in outcome) sendSentence(response, 200, 'The configuration was read again.');
    else sendSentence(response, 500, `The configuration stays as it was: ${outcome.problem}`);
  };
  return (request, response) => {
    if (request.method !== 'POST' && request.method !== 'PUT') {
      sendMethodNotAllowed(response, request.method, ['POST', 'PUT']);
    } else if (lifecycle === undefined) {
      sendSentence(response, 403, 'Reloading over HTTP is not enabled.');
    } else {
      respond(response, lifecycle).catch((error: unknown) => onFault(error, response));
    }
  };
}
