// SPDX-License-Identifier: Apache-2.0
// What a value may be. A rule gives what the program works with, or says what is wrong, as one clause
// that names what is allowed and what was given. Rules know no key, no file and no flag.

import { suggestWord } from './suggest.js';
import { renderGiven, renderUnshown } from './value-text.js';

export type Rule<T> = (value: unknown) => Judgement<T>;
export type Judgement<T> = { readonly value: T } | Refusal;
export interface Refusal {
  readonly problem: string;
}

/** `must be ALLOWED, but is VALUE`. */
export function refuse(allowed: string, value: unknown, hint = ''): Refusal {
  return { problem: `must be ${allowed}, but is ${renderGiven(value)}${hint}` };
}

/** The same for what may hold a secret, or gets one put into the wrong place: the value is not shown. */
export function refuseUnshown(allowed: string, value: unknown): Refusal {
  return { problem: `must be ${allowed}, but is ${renderUnshown(value)}` };
}

export function problemOf(judgement: Judgement<unknown>): string | undefined {
  return 'problem' in judgement ? judgement.problem : undefined;
}

/** Problems of a list's items as one clause, the first few of them. */
export function joinProblems(problems: readonly string[]): string | undefined {
  const different = [...new Set(problems)];
  const more = different.length - ITEMS_SHOWN;
  const shown = different.slice(0, ITEMS_SHOWN).join('; ');
  return different.length === 0 ? undefined : more > 0 ? `${shown}; and ${more} more such` : shown;
}

const ITEMS_SHOWN = 5;

/** A whole number in [min, max]; `unit` is shown, as in "milliseconds". */
export function wholeNumber(min: number, max: number, unit = ''): Rule<number> {
  const allowed = `a whole number from ${min} to ${max}${unit === '' ? '' : ` (${unit})`}`;
  return (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? { value }
      : refuse(allowed, value);
}

/** 0, which stands for a choice of ours, or a whole number in [min, max]. */
export function zeroOrWholeNumber(min: number, max: number, unit: string): Rule<number> {
  const given = wholeNumber(min, max, unit);
  const allowed = `0, or a whole number from ${min} to ${max} (${unit})`;
  return (value) =>
    value === 0 || !('problem' in given(value)) ? { value: Number(value) } : refuse(allowed, value);
}

/** A power of two in [min, max]. */
export function powerOfTwo(min: number, max: number): Rule<number> {
  return (value) =>
    typeof value === 'number' && Number.isInteger(Math.log2(value)) && value >= min && value <= max
      ? { value }
      : refuse(`a power of two from ${min} to ${max}`, value);
}

export function truthValue(): Rule<boolean> {
  return (value) => (typeof value === 'boolean' ? { value } : refuse('true or false', value));
}

export function oneOf<Word extends string>(words: readonly Word[]): Rule<Word> {
  const allowed = `one of ${words.join(', ')}`;
  return (value) => {
    if (typeof value !== 'string') return refuse(allowed, value);
    const word = words.find((candidate) => candidate === value);
    return word === undefined ? refuse(allowed, value, suggestWord(value, words)) : { value: word };
  };
}

/** PATH_MAX of linux/limits.h, without the final zero. */
const PATH_MAX_CHARS = 4095;

/** A path that means the same whatever folder the program was started in. */
export function isAbsolutePath(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.startsWith('/') &&
    value.length <= PATH_MAX_CHARS &&
    !/\p{Cc}/u.test(value)
  );
}

export function absoluteFolder(): Rule<string> {
  return (value) => (isAbsolutePath(value) ? { value } : refuse('an absolute path, such as /sys', value));
}

/** As absoluteFolder(), or '' for none. */
export function absoluteFolderOrNone(example: string): Rule<string> {
  return (value) =>
    value === '' || isAbsolutePath(value)
      ? { value }
      : refuse(`an absolute path, such as ${example}, or ""`, value);
}

const LABEL_MAX_CHARS = 128;

/** A label value: an empty one would be no label at all, and control characters break a line. */
export function labelValue(): Rule<string> {
  return (value) => {
    const good =
      typeof value === 'string' &&
      value.length >= 1 &&
      value.length <= LABEL_MAX_CHARS &&
      !/[\p{Cc}\p{Cs}]/u.test(value);
    return good ? { value } : refuse(`text of 1 to ${LABEL_MAX_CHARS} characters on one line`, value);
  };
}

/**
 * IFNAMSIZ is 16 with the closing zero; the rest is dev_valid_name() in the kernel's net/core/dev.c, and
 * "%", which dev_get_valid_name() there takes for the place of a number.
 */
const INTERFACE_NAME_MAX_BYTES = 15;
/** A space to the kernel, byte by byte: among others the second half of "\u00e0". */
const LATIN1_NO_BREAK_SPACE = 0xa0;

/** What keeps the kernel from giving an interface this name; a clause. */
export function wrongInterfaceName(value: unknown): string | undefined {
  const good =
    typeof value === 'string' &&
    value !== '' &&
    Buffer.byteLength(value) <= INTERFACE_NAME_MAX_BYTES &&
    value !== '.' &&
    value !== '..' &&
    !/[/:\s\p{Cc}]/u.test(value);
  if (!good) {
    const allowed = `an interface name is 1 to ${INTERFACE_NAME_MAX_BYTES} bytes without spaces, "/" and ":"`;
    return `${allowed}, but one is ${renderGiven(value)}`;
  }
  if (value.includes('%'))
    return `the kernel gives no interface a name with "%", but one is ${renderGiven(value)}`;
  return Buffer.from(value).includes(LATIN1_NO_BREAK_SPACE)
    ? `the kernel takes a byte of ${renderGiven(value)} (0xa0 in UTF-8) for a space, which no interface name has`
    : undefined;
}

/** A plain path: it is compared with requests as it stands, so nothing that clients rewrite. */
export function telemetryPath(): Rule<string> {
  return (value) => {
    const good =
      typeof value === 'string' &&
      value.length <= 256 &&
      /^(?:\/[A-Za-z0-9._~-]+)+$/.test(value) &&
      !/\/\.{1,2}(?:\/|$)/.test(value) &&
      !value.startsWith('/-/') &&
      value !== '/-' &&
      !value.startsWith('/api/v1/') &&
      !value.startsWith('/assets/');
    const allowed =
      'a path such as /metrics (letters, digits, "." "_" "~" "-"), not / and not under /-/, /api/v1/ or /assets/';
    return good ? { value } : refuse(allowed, value);
  };
}

export function httpUrl(): Rule<string> {
  const allowed = 'an http:// or https:// URL';
  return (value) => {
    if (typeof value !== 'string') return refuse(allowed, value);
    if (/^https?:\/\/[^/]/i.test(value) && URL.canParse(value)) return { value };
    return { problem: `must be ${allowed}, but is ${renderOtherUrl(value)}` };
  };
}

/** What stands where a URL should. What is no URL at all may be a token or a password in the wrong place. */
function renderOtherUrl(text: string): string {
  const isUrl = /^[a-z][a-z0-9+.-]{0,15}:\/\//i.test(text) && URL.canParse(text);
  return isUrl ? renderGiven(text) : renderUnshown(text);
}
