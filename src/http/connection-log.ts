// SPDX-License-Identifier: Apache-2.0
// What clients' connections have to do with the log: at most a line a minute of each kind, however many
// there are.

import type { LogFields, Logger } from '../log.js';
import type { CloseReason } from './connections.js';

export interface ConnectionLogParts {
  readonly log: Pick<Logger, 'warn' | 'error'>;
  nowMs(): number;
}

const QUIET_MS = 60_000;

type Kind = 'limit' | 'read_ahead' | 'half_closed' | 'not_accepted';

export class ConnectionLog {
  readonly #maxConnections: number;
  readonly #parts: ConnectionLogParts;
  readonly #lastMs = new Map<Kind, number>();
  /** Since the last line that told it. */
  readonly #closed: Record<CloseReason, number> = {
    evicted: 0,
    refused: 0,
    read_ahead: 0,
    half_closed: 0,
    request_timeout: 0,
    tls_handshake: 0,
  };

  constructor(maxConnections: number, parts: ConnectionLogParts) {
    this.#maxConnections = maxConnections;
    this.#parts = parts;
  }

  closed(reason: CloseReason): void {
    this.#closed[reason]++;
    if (reason === 'evicted' || reason === 'refused') {
      this.#warn('limit', ['evicted', 'refused'], this.#limitSentence());
    } else if (reason === 'read_ahead') {
      const sentence =
        'HTTP clients send far more than the request that is being answered; their connections are closed';
      this.#warn('read_ahead', ['read_ahead'], sentence);
    } else if (reason === 'half_closed') {
      const sentence =
        'many HTTP clients come at once and leave before they are answered; they get no answer';
      this.#warn('half_closed', ['half_closed'], sentence);
    }
  }

  notAccepted(error: unknown): void {
    if (this.#isDue('not_accepted')) {
      this.#parts.log.error({ err: error }, 'an HTTP connection could not be accepted');
    }
  }

  #limitSentence(): string {
    return (
      `${this.#maxConnections} HTTP connections are open, and there may be no more: ` +
      'each new one takes the place of the one that has been idle longest; where none is idle, it is refused'
    );
  }

  #warn(kind: Kind, reasons: readonly CloseReason[], sentence: string): void {
    if (!this.#isDue(kind)) return;
    const fields: Record<string, LogFields[string]> = {};
    for (const reason of reasons) {
      fields[reason] = this.#closed[reason];
      this.#closed[reason] = 0;
    }
    this.#parts.log.warn(fields, sentence);
  }

  #isDue(kind: Kind): boolean {
    const now = this.#parts.nowMs();
    const last = this.#lastMs.get(kind);
    if (last !== undefined && now - last < QUIET_MS) return false;
    this.#lastMs.set(kind, now);
    return true;
  }
}
