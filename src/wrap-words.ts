// SPDX-License-Identifier: Apache-2.0
// Words on lines of a terminal, 100 columns wide unless told otherwise. Pure.

const TEXT_COLUMNS = 100;

/** Words behind a head, broken at blanks; what follows stands under the words, or at `indent`. */
export function wrapWords(
  head: string,
  words: string,
  indent = head.length,
  columns = TEXT_COLUMNS,
): string[] {
  const lines: string[] = [];
  let line = head;
  let isEmpty = true;
  for (const word of words.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = ' '.repeat(indent);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
