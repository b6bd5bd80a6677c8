// SPDX-License-Identifier: Apache-2.0
// The way to the exporter: its events, and the answers that are asked for when one has come. Nothing is asked
// while nobody looks, and one round of questions is on its way at most.

import type { RefreshMessage } from '../model/answers.js';

/** Where the exporter has no room for another reader of events, its numbers are asked for like this. */
const POLL_MS = 2500;
const AGAIN_MS = 2000;
/** A question that gets no answer. */
const ANSWER_LIMIT_MS = 15_000;

export interface ExporterLinkParts {
  onMessage(message: RefreshMessage): void;
  /** Asks for all that the page shows; rejects with what is wrong. */
  ask(signal: AbortSignal): Promise<void>;
  /** An answer came, or why none did. */
  onAnswer(trouble: string): void;
}

export class ExporterLink {
  readonly #parts: ExporterLinkParts;
  #events: EventSource | undefined;
  #asking: AbortController | undefined;
  #isAskedAgain = false;
  #timer: number | undefined;

  constructor(parts: ExporterLinkParts) {
    this.#parts = parts;
  }

  open(): void {
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#disconnect();
      else this.#connect();
    });
    if (!document.hidden) this.#connect();
  }

  /** Now, or as soon as the round that is on its way has ended. */
  askNow(): void {
    if (document.hidden) return;
    if (this.#asking !== undefined) this.#isAskedAgain = true;
    else void this.#round();
  }

  /** Drops the round that is on its way: what it asks for is no longer shown. */
  askAnew(): void {
    this.#asking?.abort();
    this.askNow();
  }

  #connect(): void {
    if (this.#events === undefined) this.#listen();
    this.askNow();
  }

  #disconnect(): void {
    this.#events?.close();
    this.#events = undefined;
    this.#asking?.abort();
    this.#isAskedAgain = false;
    window.clearTimeout(this.#timer);
  }

  #listen(): void {
    const events = new EventSource('api/v1/events');
    this.#events = events;
    events.addEventListener('refresh', (event: MessageEvent<string>) => {
      this.#parts.onMessage(JSON.parse(event.data) as RefreshMessage);
      this.askNow();
    });
    events.addEventListener('error', () => {
      // What is refused stays closed; what is cut, browsers open again themselves.
      const isRefused = events.readyState === EventSource.CLOSED;
      if (isRefused) this.#events = undefined;
      window.clearTimeout(this.#timer);
      this.#timer = window.setTimeout(
        () => {
          if (document.hidden) return;
          if (isRefused) this.#listen();
          this.askNow();
        },
        isRefused ? POLL_MS : AGAIN_MS,
      );
    });
  }

  async #round(): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    const limit = window.setTimeout(() => asking.abort(), ANSWER_LIMIT_MS);
    try {
      await this.#parts.ask(asking.signal);
      this.#parts.onAnswer('');
    } catch (error) {
      if (!asking.signal.aborted) this.#parts.onAnswer(sentenceOf(error));
    } finally {
      window.clearTimeout(limit);
      this.#asking = undefined;
    }
    if (this.#isAskedAgain) {
      this.#isAskedAgain = false;
      this.askNow();
    }
  }
}

/** What the exporter has said against a question. */
class RefusedQuestion extends Error {}

function sentenceOf(error: unknown): string {
  return error instanceof RefusedQuestion ? error.message : '';
}

/** The answer of /api/v1/`name`. Rejects with the exporter's sentence where it has one. */
export async function fetchAnswer<Answer>(
  name: string,
  params: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const query = new URLSearchParams(params).toString();
  const response = await fetch(`api/v1/${name}${query === '' ? '' : `?${query}`}`, { signal });
  if (!response.ok) {
    throw new RefusedQuestion(`It says ${response.status}: ${(await response.text()).trim()}`);
  }
  return (await response.json()) as Answer;
}
