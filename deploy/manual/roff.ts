// SPDX-License-Identifier: Apache-2.0
// Text -> roff with the macros of man(7). What is given is shown as it is, whatever characters it has.

const LINE_COLUMNS = 78;

/** Text that may stand anywhere but at the beginning of a line. */
export function roffText(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll('`', '\\(ga')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq');
}

/** Sentences, each from the beginning of a line on, as roff wants them; no line is long. */
export function roffParagraph(text: string): string[] {
  return text
    .trim()
    .split(/(?<=[^.][.:;?!][)"]?)\s+(?=["(A-Z])/)
    .flatMap(brokenLines);
}

/** A macro with its arguments. */
export function macro(name: string, ...words: readonly string[]): string {
  return [
    `.${name}`,
    ...words.map((word) => (/^[^\s"]+$/.test(word) ? roffText(word) : `"${roffText(word)}"`)),
  ].join(' ');
}

/** Lines shown as they are. */
export function roffBlock(lines: readonly string[]): string[] {
  return ['.RS 4', '.nf', ...lines.map(lineStart), '.fi', '.RE'];
}

function brokenLines(sentence: string): string[] {
  const lines: string[] = [];
  for (const word of sentence.split(/\s+/)) {
    const joined = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && lineStart(joined).length <= LINE_COLUMNS) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines.map(lineStart);
}

/** A dot or an apostrophe at the beginning of a line would make it a request. */
function lineStart(text: string): string {
  return (/^[.']/.test(text) ? '\\&' : '') + roffText(text);
}
