// SPDX-License-Identifier: Apache-2.0
// How many columns of a terminal a text takes, and text cut and padded to columns. Texts are visible ones
// (print/visible-text.ts): nothing in them moves the cursor. Pure.

import { eastAsianWidth } from 'get-east-asian-width';

const ASCII = /^[\x20-\x7e]*$/;
/** What stands on the character before it: marks, and the vowels and finals of Hangul's letters. */
const NO_COLUMN = /^[\p{Mn}\p{Me}\u1160-\u11ff]$/u;

/** Columns; of what terminals disagree about, what most of them do. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += characterWidth(character);
  return columns;
}

function characterWidth(character: string): number {
  return NO_COLUMN.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);
}

/** The longest beginning of at most so many columns. */
export function cutText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let used = 0;
  let cut = '';
  for (const character of text) {
    used += characterWidth(character);
    if (used > columns) break;
    cut += character;
  }
  return cut;
}

/** Exactly so many columns: padded on the right, or cut and ended by `ellipsis` (one column). */
export function padEnd(text: string, columns: number, ellipsis: string): string {
  const fitting = fitText(text, columns, ellipsis);
  return fitting + ' '.repeat(Math.max(0, columns - textWidth(fitting)));
}

/** The same, padded on the left. */
export function padStart(text: string, columns: number, ellipsis: string): string {
  const fitting = fitText(text, columns, ellipsis);
  return ' '.repeat(Math.max(0, columns - textWidth(fitting))) + fitting;
}

/** At most so many columns; what is left out at the end is told by `ellipsis`. */
export function fitText(text: string, columns: number, ellipsis: string): string {
  if (textWidth(text) <= columns) return text;
  return columns <= 0 ? '' : cutText(text, columns - 1) + ellipsis;
}

/** Words on lines of at most so many columns; a word that is longer is cut into pieces. */
export function wrapText(text: string, columns: number): string[] {
  const width = Math.max(2, columns); // a wide character needs two
  const lines: string[] = [];
  let line = '';
  for (let word of text.split(' ')) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = '';
    }
    while (textWidth(word) > width) {
      const piece = cutText(word, width);
      lines.push(piece);
      word = word.slice(piece.length);
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
