// SPDX-License-Identifier: Apache-2.0
// Text as a terminal and a log may show it: what others chose (arguments, keys of a file, names of
// interfaces) must not move the cursor, change colours, reverse the line or begin a line of its own.

/** Control and format characters, separators of lines, halves of surrogate pairs. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const INVISIBLE_BUT_LINE_FEED = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text on one line, with an escape such as \x1b or \u202e for each character that cannot be seen. */
export function renderVisible(text: string): string {
  return text.replace(INVISIBLE, escapeCharacter);
}

/** The same for text of several lines. */
export function renderVisibleLines(text: string): string {
  return text.replace(INVISIBLE_BUT_LINE_FEED, escapeCharacter);
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\u{${code.toString(16)}}`;
}
