// SPDX-License-Identifier: Apache-2.0
// Answers by name and query: each is made once for a refresh, whoever asks for it. How many are made at a time,
// and how many are kept, is bounded.

/** Made or waiting to be made, at a time. */
export const PENDING_MAX = 16;
/** Kept until the next refresh. */
export const ANSWERS_MAX = 32;
export const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** Facts that no refresh changes may be so old: that an interface was lost, or push. */
const FACTS_MAX_AGE_MS = 1000;

export interface ApiAnswer {
  /** JSON, ends in a line feed. Never changed. */
  readonly body: readonly Buffer[];
}

/** What is wrong with the query, or that it is too much at a time: one sentence. */
export type ApiRefusal =
  | { readonly refused: 'query'; readonly sentence: string }
  | { readonly refused: 'busy'; readonly sentence: string };

export interface AnswersParts {
  /** Number of the last refresh. */
  currentRefresh(): number;
  /** Makes an answer, or says what is wrong with the query. */
  make(name: string, params: URLSearchParams): Promise<readonly Buffer[] | { readonly problem: string }>;
  /** Whether answers of this name tell facts that change between refreshes. */
  tellsFacts(name: string): boolean;
  /** Monotonic. */
  nowMs(): number;
}

interface Kept {
  readonly answer: Promise<ApiAnswer | ApiRefusal>;
  readonly madeMs: number;
  bytes: number;
}

export class Answers {
  readonly #parts: AnswersParts;
  /** By name and query, oldest first. */
  readonly #kept = new Map<string, Kept>();
  #refresh = 0;
  #pending = 0;

  constructor(parts: AnswersParts) {
    this.#parts = parts;
  }

  /** Answers that are kept now, and their bytes. */
  get size(): { readonly answers: number; readonly bytes: number } {
    const bytes = [...this.#kept.values()].reduce((sum, kept) => sum + kept.bytes, 0);
    return { answers: this.#kept.size, bytes };
  }

  /** Rejects as `make` does. */
  get(name: string, params: URLSearchParams): Promise<ApiAnswer | ApiRefusal> {
    const { nowMs, currentRefresh } = this.#parts;
    if (currentRefresh() !== this.#refresh) {
      this.#refresh = currentRefresh();
      this.#kept.clear();
    }
    const key = keyOf(name, params);
    const known = this.#kept.get(key);
    const maxAgeMs = this.#parts.tellsFacts(name) ? FACTS_MAX_AGE_MS : Number.POSITIVE_INFINITY;
    if (known !== undefined && nowMs() - known.madeMs < maxAgeMs) return known.answer;
    if (this.#pending >= PENDING_MAX) {
      const sentence = `${PENDING_MAX} other answers are being made already; try again in a second.`;
      return Promise.resolve({ refused: 'busy', sentence });
    }
    const made = this.#make(key, name, params);
    this.#kept.delete(key);
    this.#kept.set(key, { answer: made, madeMs: nowMs(), bytes: 0 });
    return made;
  }

  clear(): void {
    this.#kept.clear();
  }

  async #make(key: string, name: string, params: URLSearchParams): Promise<ApiAnswer | ApiRefusal> {
    const refresh = this.#refresh;
    this.#pending++;
    let body: readonly Buffer[] | undefined;
    try {
      const made = await this.#parts.make(name, params);
      if ('problem' in made) return { refused: 'query', sentence: made.problem };
      body = made;
      return { body };
    } finally {
      this.#pending--;
      this.#keep(key, refresh, body);
    }
  }

  #keep(key: string, refresh: number, body: readonly Buffer[] | undefined): void {
    const kept = this.#kept.get(key);
    if (kept === undefined || refresh !== this.#refresh) return;
    if (body === undefined) this.#kept.delete(key);
    else kept.bytes = body.reduce((sum, { length }) => sum + length, 0);
    for (const oldest of this.#kept.keys()) {
      const { answers, bytes } = this.size;
      if (answers <= ANSWERS_MAX && bytes <= ANSWER_BYTES_MAX) return;
      this.#kept.delete(oldest);
    }
  }
}

function keyOf(name: string, params: URLSearchParams): string {
  const sorted = new URLSearchParams(params);
  sorted.sort();
  return `${name}?${sorted}`;
}
