// SPDX-License-Identifier: Apache-2.0
// One glob over names of interfaces: "*" any text, "?" any character, "[a-c]" one of these, "[!a-c]" none of
// these, "\" the next character as it stands. Matches whole names, in time of name times pattern at most.

export interface InterfaceGlob {
  /** As the operator wrote it. */
  readonly text: string;
  matches(name: string): boolean;
}

/** A clause that follows the text of what was given. */
export interface GlobProblem {
  readonly problem: string;
}

type Step = { readonly kind: 'any text' } | { readonly kind: 'one of'; accepts(character: string): boolean };

const ANY_TEXT: Step = { kind: 'any text' };

/** Whether there is more in it than a name. */
export function isGlob(text: string): boolean {
  return /[*?[\]\\]/.test(text);
}

export function parseInterfaceGlob(text: string): InterfaceGlob | GlobProblem {
  const characters = [...text];
  const steps: Step[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] ?? '';
    if (character === '*') {
      if (steps.at(-1) !== ANY_TEXT) steps.push(ANY_TEXT);
    } else if (character === '?') {
      steps.push({ kind: 'one of', accepts: () => true });
    } else if (character === '[') {
      const set = parseSet(characters, at + 1);
      if ('problem' in set) return set;
      steps.push({ kind: 'one of', accepts: set.accepts });
      at = set.end;
    } else if (character === '\\') {
      at++;
      const plain = characters[at];
      if (plain === undefined) return { problem: 'ends in a "\\" with nothing after it' };
      steps.push({ kind: 'one of', accepts: (one) => one === plain });
    } else {
      steps.push({ kind: 'one of', accepts: (one) => one === character });
    }
  }
  return { text, matches: (name) => matchSteps(steps, [...name]) };
}

/** From behind its "[" on; `end` is the place of its "]". */
function parseSet(
  characters: readonly string[],
  start: number,
): { readonly end: number; accepts(character: string): boolean } | GlobProblem {
  const isNegated = characters[start] === '!' || characters[start] === '^';
  const first = isNegated ? start + 1 : start;
  const ranges: (readonly [from: string, to: string])[] = [];
  for (let at = first; at < characters.length; at++) {
    const character = characters[at] ?? '';
    // A "]" in the first place is one of the set, as everywhere.
    if (character === ']' && at > first) {
      const isIn = (one: string): boolean => ranges.some(([from, to]) => one >= from && one <= to);
      return { end: at, accepts: (one) => isIn(one) !== isNegated };
    }
    const to = characters[at + 2];
    if (characters[at + 1] === '-' && to !== undefined && to !== ']') {
      if (to < character) return { problem: `has the range "${character}-${to}", which is backwards` };
      ranges.push([character, to]);
      at += 2;
    } else {
      ranges.push([character, character]);
    }
  }
  return { problem: 'has a "[" without its "]"' };
}

/** Where it does not fit, the last "*" takes one character more. */
function matchSteps(steps: readonly Step[], name: readonly string[]): boolean {
  let step = 0;
  let at = 0;
  let starStep = -1;
  let starAt = 0;
  while (at < name.length) {
    const now = steps[step];
    if (now?.kind === 'any text') {
      starStep = step++;
      starAt = at;
    } else if (now?.kind === 'one of' && now.accepts(name[at] ?? '')) {
      step++;
      at++;
    } else if (starStep >= 0) {
      step = starStep + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (steps[step]?.kind === 'any text') step++;
  return step === steps.length;
}
