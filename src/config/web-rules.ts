// SPDX-License-Identifier: Apache-2.0
// What values of a web configuration file may be; rules as in rules.ts. What may be a secret is not shown.

import { type Judgement, joinProblems, type Rule, refuse, refuseUnshown } from './rules.js';
import { suggestWord } from './suggest.js';
import { renderGiven } from './value-text.js';

/** Certificates and keys in the file itself. */
export function pemText(): Rule<string> {
  return (value) => (typeof value === 'string' ? { value } : refuseUnshown('text in PEM form, or ""', value));
}

const PATH_MAX_CHARS = 4095;

/** A path, which may be relative. A key in place of its path, which YAML folds to one line, is none. */
export function filePath(): Rule<string> {
  return (value) =>
    typeof value === 'string' &&
    value.length <= PATH_MAX_CHARS &&
    !/\p{Cc}/u.test(value) &&
    !value.includes('-----BEGIN')
      ? { value }
      : refuseUnshown('the path of a file, or ""', value);
}

/** Each one of the words. */
export function wordList(what: string, words: readonly string[]): Rule<readonly string[]> {
  return (value) => {
    if (!Array.isArray(value)) return refuse(`a list of ${what}`, value);
    const problem = joinProblems(
      value
        .filter((word) => !words.includes(word as string))
        .map((word) => {
          const hint = suggestWord(String(word), words);
          return `there is no ${renderGiven(word)} among ${what}${hint || `; known are ${words.join(', ')}`}`;
        }),
    );
    return problem === undefined ? { value: [...new Set(value as string[])] } : { problem };
  };
}

/** Names, addresses and URIs as certificates have them. */
export function alternativeNames(): Rule<readonly string[]> {
  return (value) =>
    Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '')
      ? { value: value as string[] }
      : refuse('a list of names, such as [prometheus.example.net]', value);
}

/** A header of answers; empty: it is not set. A number is text to whoever writes X-XSS-Protection: 1. */
export function headerText(): Rule<string> {
  return (value) => {
    const text = typeof value === 'number' ? String(value) : value;
    return typeof text === 'string' && /^[\t\x20-\x7e\x80-\xff]{0,4096}$/.test(text)
      ? { value: text }
      : refuse('one line of at most 4096 Latin-1 characters', value);
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const LONGEST_MS = 24 * 3_600_000;

/** Milliseconds of a duration as Go writes them: `1s`, `500ms`, `1m30s`; 0 is 0. */
export function goDuration(): Rule<number> {
  return (value) => {
    if (value === 0 || value === '0') return { value: 0 };
    const refusal = refuse('0, or a duration of at most 24h, such as 1s or 500ms', value);
    if (typeof value !== 'string' || value.length > 40) return refusal;
    if (!/^(?:\d+(?:\.\d+)?(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(value)) return refusal;
    let durationMs = 0;
    for (const [, digits, unit = ''] of value.matchAll(/(\d+(?:\.\d+)?)([a-z\u00b5\u03bc]+)/g)) {
      durationMs += Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
    }
    return durationMs <= LONGEST_MS ? { value: durationMs } : refusal;
  };
}

/** Of bcrypt: 2^20 rounds take a minute, and nobody could call them off. */
const COST_MAX = 20;
const BCRYPT_FORM = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const USERS_MAX = 1000;

export type UserHashes = readonly (readonly [name: string, hash: string])[];

/** User names to bcrypt hashes, as the list of entries that a mapping is judged as. */
export function userHashes(): Rule<UserHashes> {
  return (value): Judgement<UserHashes> => {
    const refusal = refuseUnshown('a mapping of user names to bcrypt hashes', value);
    if (!Array.isArray(value)) return refusal;
    if (value.length > USERS_MAX) return { problem: `has more than ${USERS_MAX} users` };
    const entries = value as readonly (readonly [unknown, unknown])[]; // of a mapping
    const problem = joinProblems(
      entries.map(([name, hash]) => wrongUser(name, hash)).filter((wrong) => wrong !== undefined),
    );
    return problem === undefined ? { value: entries as UserHashes } : { problem };
  };
}

function wrongUser(name: unknown, hash: unknown): string | undefined {
  if (typeof name !== 'string') return `${renderGiven(name)} is not a user name; put it in quotes`;
  if (name.includes(':') || /\p{Cc}/u.test(name)) return 'a user name cannot have ":" or control characters';
  // Whoever has put the hash in front must not read it in a log.
  const user = name.startsWith('$') ? 'a user' : `the user ${renderGiven(name)}`;
  const cost = typeof hash === 'string' ? BCRYPT_FORM.exec(hash)?.[1] : undefined;
  if (cost === undefined) {
    return `${user} must have a bcrypt hash, such as htpasswd -nBC 10 prints it ($2y$10$ and 53 more characters), and has something else (not shown, as it may be a secret)`;
  }
  return Number(cost) >= 4 && Number(cost) <= COST_MAX
    ? undefined
    : `${user} has a hash of cost ${cost}: from 4 to ${COST_MAX} are checked, as each one more takes twice the time`;
}
