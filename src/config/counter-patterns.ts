// SPDX-License-Identifier: Apache-2.0
// What nic.raw may be: patterns of the names that drivers give their counters.

import { parseInterfaceGlob } from '../interface-glob.js';
import { joinProblems, type Rule, refuse } from './rules.js';
import { renderGiven } from './value-text.js';

const MOST_PATTERNS = 100;
/** ETH_GSTRING_LEN of include/uapi/linux/ethtool.h is 32; sets of characters may be longer than what they match. */
const MOST_PATTERN_CHARS = 128;

/** Gives each pattern once, in the order given. */
export function counterPatterns(): Rule<readonly string[]> {
  return (value) => {
    if (!Array.isArray(value)) return refuse('a list of patterns, such as ["rx_queue_*"]', value);
    if (value.length > MOST_PATTERNS) {
      return { problem: `has ${value.length} patterns, but ${MOST_PATTERNS} at most are taken` };
    }
    const problem = joinProblems(value.map(wrongPattern).filter((wrong) => wrong !== undefined));
    return problem === undefined ? { value: [...new Set(value as string[])] } : { problem };
  };
}

function wrongPattern(value: unknown): string | undefined {
  // What an alias without its anchor comes as.
  if (value === undefined) return 'a pattern that begins with "*" needs quotes in YAML';
  const shown = renderGiven(value);
  if (typeof value !== 'string' || value === '' || /\p{Cc}/u.test(value)) {
    return `a pattern is text on one line, but one is ${shown}`;
  }
  if (value.length > MOST_PATTERN_CHARS) {
    return `a pattern has at most ${MOST_PATTERN_CHARS} characters, but one is ${shown}`;
  }
  const glob = parseInterfaceGlob(value);
  return 'problem' in glob ? `${shown} ${glob.problem}` : undefined;
}
