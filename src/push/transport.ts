// SPDX-License-Identifier: Apache-2.0
// What the pusher needs of a network: one POST, one answer. Types only.

import type { Answer } from './judge-answer.js';

export interface PushRequest {
  /** Without those of the connection and the login, which the transport adds. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** resent: the first connection was stale, and the request went out a second time at once. */
export type TransportResult =
  | { readonly kind: 'answer'; readonly answer: Answer; readonly resent: boolean }
  | { readonly kind: 'failure'; readonly error: unknown; readonly resent: boolean };

export interface Transport {
  /** Never rejects. The signal breaks it off: a failure. */
  send(request: PushRequest, signal: AbortSignal): Promise<TransportResult>;
  /** Closes idle connections. */
  close(): void;
}
