// SPDX-License-Identifier: Apache-2.0
// What the operator's patterns match as it changes: which names are new, which are too many, and what is to be
// told of it, once.

import type { InterfaceMatches } from '../system/select-interfaces.js';

/** By patterns, at the same time: each takes a file descriptor, of which we serve scrapes, too. */
export const ATTACHED_MAX = 512;

/** What patterns match now; undefined: as at the last call. */
export type ReadMatches = (isAttached: (name: string) => boolean) => InterfaceMatches | undefined;

interface Log {
  warn(fields: object, message: string): void;
}

const NO_MATCHES: InterfaceMatches = { names: [], notes: new Map() };

/** What is held for an interface, whoever asked for it. */
interface Held {
  readonly name: string;
  readonly attached: boolean;
  /** By its name; else a pattern matches it. */
  readonly isAwaited: boolean;
}

export class PatternMatches {
  /** Matches that were not taken, as ATTACHED_MAX others were; each time they appear. */
  refused = 0;
  readonly #log: Log;
  #readMatches: ReadMatches;
  #notes: ReadonlyMap<string, string> = new Map();
  #refusedNames: ReadonlySet<string> = new Set();

  /** readMatches: left out where there are no patterns. */
  constructor(readMatches: ReadMatches | undefined, log: Log) {
    this.#log = log;
    this.#readMatches = readMatches ?? (() => undefined);
  }

  /** By other patterns from now on: the next look changes what they do. */
  goBy(readMatches: ReadMatches | undefined): void {
    let isFirst = true;
    const none: ReadMatches = () => {
      const matches = isFirst ? NO_MATCHES : undefined;
      isFirst = false;
      return matches;
    };
    this.#readMatches = readMatches ?? none;
  }

  /** Of patterns that match nothing, and of what is left out. */
  get sentences(): readonly string[] {
    return [...this.#notes.values()];
  }

  /** undefined: nothing changed. Throws what readMatches() does. */
  look(
    held: readonly Held[],
  ): { readonly added: readonly string[]; readonly matched: ReadonlySet<string> } | undefined {
    const byName = new Map(held.map((one) => [one.name, one]));
    const matches = this.#readMatches((name) => byName.get(name)?.attached === true);
    if (matches === undefined) return undefined;
    for (const [subject, sentence] of matches.notes) {
      if (this.#notes.get(subject) !== sentence) this.#log.warn({ pattern: subject }, sentence);
    }
    this.#notes = matches.notes;
    const matched = new Set(matches.names);
    const goOn = held.filter(({ name, isAwaited }) => !isAwaited && matched.has(name)).length;
    const fresh = matches.names.filter((name) => !byName.has(name));
    const room = Math.max(0, ATTACHED_MAX - goOn);
    this.#refuse(fresh.slice(room));
    return { added: fresh.slice(0, room), matched };
  }

  #refuse(names: readonly string[]): void {
    const anew = names.filter((name) => !this.#refusedNames.has(name));
    this.refused += anew.length;
    if (names.length > 0 && this.#refusedNames.size === 0) {
      const more = names.length > 1 ? ` and ${names.length - 1} more` : '';
      this.#log.warn(
        { interface: names[0] },
        `patterns match more than the ${ATTACHED_MAX} interfaces that are attached at the same time: ${names[0]}${more} are not counted; leave some out with "!"`,
      );
    }
    this.#refusedNames = new Set(names);
  }
}
