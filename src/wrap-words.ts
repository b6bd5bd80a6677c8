// SPDX-License-Identifier: Apache-2.0
// Words on lines of at most 100 columns. Pure.

const TEXT_COLUMNS = 100;

/** Words behind a head, broken at blanks; what follows stands under the words, or at `indent`. */
export function wrapWords(head: string, words: string, indent = head.length): string[] {
  const lines: string[] = [];
  let line = head;
  let isEmpty = true;
  for (const word of words.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > TEXT_COLUMNS) {
      lines.push(line);
      line = ' '.repeat(indent);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
