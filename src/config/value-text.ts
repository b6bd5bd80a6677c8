// SPDX-License-Identifier: Apache-2.0
// Text <-> values at the edge of the configuration: what a flag or a variable says, and how a
// wrong value is shown to its author. Judges nothing; rules.ts does.

const SHOWN_MAX_CHARS = 60;
const TRUE_WORDS = ['true', '1', 'yes', 'on'];
const FALSE_WORDS = ['false', '0', 'no', 'off'];

/** A whole number, or the text itself where it is none: the rule then says so. */
export function parseNumberText(text: string): number | string {
  const trimmed = text.trim();
  return /^[+-]?\d{1,15}$/.test(trimmed) ? Number(trimmed) : text;
}

/** A truth value from true/1/yes/on and false/0/no/off in any case, or the text itself. */
export function parseBooleanText(text: string): boolean | string {
  const word = text.trim().toLowerCase();
  if (TRUE_WORDS.includes(word)) return true;
  return FALSE_WORDS.includes(word) ? false : text;
}

/** Names between commas; blanks around them and empty places are left out. */
export function parseListText(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** A value as an error shows it: short, on one line, without what a URL may hold of secrets. */
export function renderGiven(value: unknown): string {
  return typeof value === 'string' ? renderGivenText(value) : renderKind(value);
}

/** The same without the text itself, for places where it may be a secret. */
export function renderUnshown(value: unknown): string {
  if (typeof value === 'string' && value !== '') {
    return `text of ${value.length} characters (not shown, as it may be a secret)`;
  }
  return typeof value === 'number' ? 'a number' : renderGiven(value);
}

/** What it is, and of short things which. */
export function renderKind(value: unknown): string {
  if (typeof value === 'string') return 'text';
  if (value === null || value === undefined) return 'without a value';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return String(value);
}

/** The first characters of a text that others chose. */
export function shorten(text: string, maxChars = SHOWN_MAX_CHARS): string {
  return text.length > maxChars ? `${text.slice(0, maxChars)}...` : text;
}

/** A word of the command line where it is named itself: as it stands, but short and without secrets of a URL. */
export function renderWord(word: string): string {
  return shorten(maskUrl(word));
}

function renderGivenText(text: string): string {
  return JSON.stringify(renderWord(text));
}

/** A password may hold "/" and "@", and a query a token. */
function maskUrl(text: string): string {
  return text.replace(/\/\/.*@/s, '//***@').replace(/(:\/\/[^?#]*[?#]).+/s, '$1***');
}
