// SPDX-License-Identifier: Apache-2.0
// One line of a file of networks: a network, a separator, a name. Blanks, a comma, or a colon with a blank
// behind it separate, so that lists, CSV and mappings of YAML are read as they are.

import { NETWORK_NAME_MAX_BYTES } from '../cidr.js';

export interface NetworkLine {
  /** As it stands there. */
  readonly network: string;
  readonly name: string;
}

/** A clause about the line. */
export interface LineProblem {
  readonly problem: string;
}

/** undefined: a line with nothing, or with a comment alone. `text`: without its end. */
export function parseNetworkLine(text: string): NetworkLine | LineProblem | undefined {
  if (hasControlCharacter(text)) return { problem: 'has a control character, which no text has' };
  const start = skipBlanks(text, 0);
  if (start === text.length || text[start] === '#') return undefined;
  const network = readNetwork(text, start);
  if ('problem' in network) return network;
  const separated = skipSeparator(text, network.end);
  if (separated === undefined) return { problem: 'has no blank, comma or colon between network and name' };
  const name = readName(text, separated.end, separated.isComma);
  if ('problem' in name) return name;
  if (name.value === '') return { problem: 'has no name behind the network' };
  const bytes = Buffer.byteLength(name.value);
  if (bytes > NETWORK_NAME_MAX_BYTES) {
    return { problem: `has a name of ${bytes} bytes, and may have ${NETWORK_NAME_MAX_BYTES}` };
  }
  return { network: network.value, name: name.value };
}

interface Field {
  readonly value: string;
  /** Index of what follows. */
  readonly end: number;
}

function readNetwork(text: string, start: number): Field | LineProblem {
  if (isQuote(text[start])) return readQuoted(text, start);
  let end = start;
  while (end < text.length && !isBlank(text[end]) && text[end] !== ',') end++;
  // A colon that separates: `::/0:`, `2001:db8:::`, but not the last one of `2001:db8::`.
  const value = text.slice(start, end);
  if (/(?:[^:]|::):$/.test(value)) end--;
  return { value: text.slice(start, end), end };
}

function skipSeparator(
  text: string,
  start: number,
): { readonly end: number; readonly isComma: boolean } | undefined {
  const blanks = skipBlanks(text, start);
  const isComma = text[blanks] === ',';
  const isColon = text[blanks] === ':' && (isBlank(text[blanks + 1]) || blanks + 1 === text.length);
  if (isComma || isColon) return { end: skipBlanks(text, blanks + 1), isComma };
  return blanks === start && start < text.length ? undefined : { end: blanks, isComma: false };
}

function readName(text: string, start: number, isCsv: boolean): Field | LineProblem {
  if (!isQuote(text[start])) {
    const value = text
      .slice(start)
      .replace(/(?:^|[ \t])#.*$/s, '')
      .replace(/[ \t]+$/, '');
    if (isCsv && value.includes(',')) return { problem: 'has a third column, or a name that needs quotes' };
    return { value, end: text.length };
  }
  const name = readQuoted(text, start);
  if ('problem' in name) return name;
  const rest = text.slice(name.end);
  return /^[ \t]*(?:[ \t]#.*)?$/s.test(rest) ? name : { problem: 'has more behind the name than a comment' };
}

/** Between quotes of one kind, where two of them stand for one, as in CSV and in YAML between single ones. */
function readQuoted(text: string, start: number): Field | LineProblem {
  const quote = text[start] ?? '';
  let value = '';
  for (let from = start + 1; ; ) {
    const end = text.indexOf(quote, from);
    if (end < 0) return { problem: `has a ${quote} without its second one` };
    value += text.slice(from, end);
    if (text[end + 1] !== quote) return { value, end: end + 1 };
    value += quote;
    from = end + 2;
  }
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (isBlank(text[at])) at++;
  return at;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t';
}

function isQuote(character: string | undefined): boolean {
  return character === '"' || character === "'";
}

/** Other than a tab. */
function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}
