// SPDX-License-Identifier: Apache-2.0
// What those who scrape have seen, as far as series need to know: a new one waits for them at 0, one that
// ends waits until its last value has been in an answer. Types only: who was answered is known elsewhere.

/** In numbers of refreshes: what is shown since that refresh, or longer, was in an answer. */
export interface Seen {
  /** To every scraper that is active; where none is, to anybody at all. 0: nobody has been answered yet. */
  readonly beginnings: number;
  /** To every scraper that is active; infinite where none is, as nobody waits for an end. */
  readonly ends: number;
}

export interface Audience {
  seen(): Seen;
}

/** Nobody scrapes, and nobody is waited for. */
export const NO_AUDIENCE: Audience = {
  seen: () => ({ beginnings: 0, ends: Number.POSITIVE_INFINITY }),
};
