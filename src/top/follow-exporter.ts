// SPDX-License-Identifier: Apache-2.0
// Keeps asking a running exporter: for the overview, and after each refresh for the rows that are shown. It is
// asked once at a time, so a slow one is asked less often; when it is gone it is tried again and again.

import type { Schedule } from '../clock.js';
import type { TopEvent } from './advance.js';
import type { RowHistory } from './answers.js';
import type { ApiClient, ApiReply } from './api-client.js';
import { readOverview, readRowHistory, readTopFlows, readTopPairs } from './read-answers.js';
import type { WantedRows } from './state.js';

export interface FollowParts {
  readonly client: Pick<ApiClient, 'ask'>;
  /** What is shown now. */
  wanted(): WantedRows;
  onEvent(event: TopEvent): void;
  readonly schedule: Schedule;
  wallMs(): number;
}

/** A look at the overview at least, and at most, so far apart: nobody reads faster. */
const PAUSE_MAX_MS = 1000;
const PAUSE_MIN_MS = 250;

export class ExporterFollower {
  readonly #parts: FollowParts;
  #isClosed = false;
  /** Ends the present pause. */
  #wake: (() => void) | undefined;
  #isPoked = false;
  /** Of the last rows: their refresh, and what was asked. */
  #known = '';

  constructor(parts: FollowParts) {
    this.#parts = parts;
  }

  /** Resolves after close(). */
  async run(): Promise<void> {
    while (!this.#isClosed) {
      const pauseMs = await this.#round();
      await this.#pause(pauseMs);
    }
  }

  /** Something else is shown: asks at once. */
  poke(): void {
    this.#isPoked = true;
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  /** How long to wait then. */
  async #round(): Promise<number> {
    const { client, onEvent } = this.#parts;
    const first = await client.ask('overview');
    if (this.#isClosed) return 0;
    if (first.kind !== 'json') return this.#lost(first);
    const overview = readOverview(first.value);
    const wanted = this.#parts.wanted();
    const known = JSON.stringify([overview.refresh, overview.atMs, wanted]);
    const pauseMs = Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MIN_MS, overview.intervalMs / 2));
    if (known === this.#known) {
      onEvent({ kind: 'here' });
      return pauseMs;
    }
    const rows = await client.ask(wanted.kind, wanted.query);
    if (this.#isClosed) return 0;
    if (rows.kind === 'none') return this.#lost(rows);
    if (rows.kind === 'refused' && rows.status !== 400) return this.#lost(rows);
    const history = await this.#askHistory(wanted);
    if (this.#isClosed) return 0;
    this.#known = known;
    if (rows.kind === 'refused') {
      onEvent({ kind: 'answers', overview, refusal: rows.sentence });
      return pauseMs;
    }
    const read =
      wanted.kind === 'flows' ? { flows: readTopFlows(rows.value) } : { pairs: readTopPairs(rows.value) };
    onEvent({ kind: 'answers', overview, ...read, ...(history === undefined ? {} : { history }) });
    return pauseMs;
  }

  async #askHistory({ kind, historyId }: WantedRows): Promise<RowHistory | undefined> {
    if (historyId === undefined) return undefined;
    const answer = await this.#parts.client.ask('history', {
      [kind === 'flows' ? 'flow' : 'pair']: historyId,
    });
    const rate = kind === 'flows' ? 'bits_per_second' : 'payload_bits_per_second';
    return answer.kind === 'json' ? readRowHistory(answer.value, historyId, rate) : undefined;
  }

  #lost({ sentence }: Exclude<ApiReply, { kind: 'json' }>): number {
    this.#known = '';
    this.#parts.onEvent({ kind: 'gone', atMs: this.#parts.wallMs(), sentence });
    return PAUSE_MAX_MS;
  }

  #pause(ms: number): Promise<void> {
    if (this.#isPoked || this.#isClosed) {
      this.#isPoked = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const callOff = this.#parts.schedule(() => this.#wake?.(), ms);
      this.#wake = () => {
        this.#wake = undefined;
        this.#isPoked = false;
        callOff();
        resolve();
      };
    });
  }
}
