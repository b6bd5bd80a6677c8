// SPDX-License-Identifier: Apache-2.0
// The grammar of Accept and Accept-Encoding (RFC 9110, sections 5.6 and 12.5): elements, parameters,
// weights. Elements that do not parse are left out; nothing here throws.

/** One element of a weighted list: `value;name=value;q=0.5`. */
export interface WeightedElement {
  /** Lower case, without parameters. */
  readonly value: string;
  /** Names in lower case, values unquoted, q left out. */
  readonly parameters: ReadonlyMap<string, string>;
  /** 0 to 1; 1 where none is given. */
  readonly weight: number;
}

/** The elements in the order of the header. */
export function parseWeightedList(header: string): WeightedElement[] {
  return splitUnquoted(header, ',').flatMap((element) => {
    const [value = '', ...rest] = splitUnquoted(element, ';').map((part) => part.trim());
    if (value === '') return [];
    const parameters = new Map<string, string>();
    let weight = 1;
    for (const part of rest) {
      const equals = part.indexOf('=');
      if (equals < 0) continue;
      const name = part.slice(0, equals).trim().toLowerCase();
      const text = unquote(part.slice(equals + 1).trim());
      if (name !== 'q') {
        parameters.set(name, text);
        continue;
      }
      const parsed = parseWeight(text);
      if (parsed === undefined) return [];
      weight = parsed;
    }
    return [{ value: value.toLowerCase(), parameters, weight }];
  });
}

/** 0 to 1 with any number of decimals (and `.5`, which some clients send); undefined for all else. */
function parseWeight(text: string): number | undefined {
  if (!/^(?:[01](?:\.\d*)?|\.\d+)$/.test(text)) return undefined;
  return Math.min(1, Number(text));
}

/** Splits at a separator that does not stand within a quoted string. */
function splitUnquoted(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (char === '\\' && quoted) at++;
    else if (char === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replace(/\\(.)/g, '$1');
}
