// SPDX-License-Identifier: Apache-2.0
// What the list of interfaces may be: names, globs, exclusions and `auto`.

import { isGlob } from '../interface-glob.js';
import { isExcluded, parseInterfaceItem, parseInterfacePatterns } from '../interface-patterns.js';
import { joinProblems, type Rule, refuse, wrongInterfaceName } from './rules.js';
import { renderGiven } from './value-text.js';

/** Each is tried against each name of the host; names are found, so that there may be any number. */
const MOST_PATTERNS = 1000;
/** Sets of characters may be longer than the names they match. */
const MOST_PATTERN_CHARS = 128;
const EXAMPLE = '[auto, "!usb*"]';

/** Gives each item once, in the order given, as written. */
export function interfacePatterns(): Rule<readonly string[]> {
  return (value) => {
    if (!Array.isArray(value)) return refuse('a list of interface names, such as [eth0, eth1]', value);
    if (value.length === 0) return { problem: 'must name at least one interface' };
    const patterns = value.filter((item) => typeof item === 'string' && isPattern(item)).length;
    if (patterns > MOST_PATTERNS) {
      return { problem: `has ${patterns} patterns, but ${MOST_PATTERNS} at most are taken` };
    }
    const problem = joinProblems(value.map(wrongItem).filter((wrong) => wrong !== undefined));
    if (problem !== undefined) return { problem };
    const items = [...new Set(value as string[])]; // wrongItem() finds whatever is no text
    return problemOfList(items) ?? { value: items };
  };
}

function isPattern(text: string): boolean {
  return isGlob(text) || text.startsWith('!');
}

function wrongItem(value: unknown): string | undefined {
  // What an alias without its anchor comes as.
  if (value === undefined) return 'a pattern that begins with "*" needs quotes in YAML';
  if (typeof value !== 'string' || !isPattern(value)) return wrongInterfaceName(value);
  const shown = renderGiven(value);
  if (value.length > MOST_PATTERN_CHARS)
    return `a pattern has at most ${MOST_PATTERN_CHARS} characters, but one is ${shown}`;
  const item = parseInterfaceItem(value);
  if ('problem' in item) return `${shown} ${item.problem}`;
  if (item.kind === 'name') return wrongInterfaceName(item.name);
  return /[/:\s\p{Cc}]/u.test(value)
    ? `no interface name has spaces, "/" or ":", so ${shown} matches none`
    : undefined;
}

function problemOfList(items: readonly string[]): { readonly problem: string } | undefined {
  const patterns = parseInterfacePatterns(items);
  const { names, globs, hasAuto } = patterns;
  if (names.length === 0 && globs.length === 0 && !hasAuto) {
    return { problem: `says only what to leave out: say what to take as well, such as ${EXAMPLE}` };
  }
  const excluded = names.find((name) => isExcluded(patterns, name));
  if (excluded === undefined) return undefined;
  const by = patterns.exclusions.find((glob) => glob.matches(excluded));
  return {
    problem: `names ${renderGiven(excluded)}, which ${renderGiven(`!${by?.text}`)} leaves out: take out one of the two`,
  };
}
