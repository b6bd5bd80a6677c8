// SPDX-License-Identifier: Apache-2.0
// What the operator's patterns mean on this host now: for --config.check, --list and the doctor.

import type { Config } from '../config/config.js';
import { hasPatterns, type InterfacePatterns, parseInterfacePatterns } from '../interface-patterns.js';
import { openLibc } from '../kernel/ffi.js';
import type { RouteLink } from '../kernel/route-messages.js';
import { meaningOfPatterns, type PatternMeaning, selectInterfaces } from '../system/select-interfaces.js';
import { connectLinks } from './follow-links.js';

/** Whoever reads more names reads none. */
const NAMES_SHOWN = 20;

/** A line for each name and pattern, none where there are only names. Never throws: it may be another host's file. */
export function describeInterfaces(config: Config): string {
  const patterns = parseInterfacePatterns(config.interfaces);
  if (!hasPatterns(patterns)) return '';
  try {
    return withLinks((links) => meaningOfPatterns(patterns, links))
      .map((meaning) => `${meaning.text}: ${describe(meaning)}\n`)
      .join('');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `what its patterns of interfaces match cannot be told here: ${reason}\n`;
  }
}

function describe({ kind, names }: PatternMeaning): string {
  if (kind === 'name') return names.length > 0 ? 'is there now' : 'is awaited, there is none now';
  if (names.length === 0) return kind === 'exclusion' ? 'leaves out none now' : 'matches none now';
  const more = names.length - NAMES_SHOWN;
  const shown = names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
  return `${kind === 'exclusion' ? 'leaves out' : 'matches'} ${names.length} now: ${shown}`;
}

/** Names, and whatever patterns match now; a pattern that matches none stands for itself. Throws KernelError. */
export function namesOfPatterns(items: readonly string[]): readonly string[] {
  const patterns = parseInterfacePatterns(items);
  if (!hasPatterns(patterns)) return patterns.names;
  const { names, notes } = withLinks((links) =>
    selectInterfaces(patterns, links, { isAttached: () => false }),
  );
  const unmatched = meantBy(patterns).filter((text) => notes.has(text));
  return [...patterns.names, ...names, ...unmatched];
}

function meantBy({ globs, hasAuto }: InterfacePatterns): readonly string[] {
  return [...globs.map(({ text }) => text), ...(hasAuto ? ['auto'] : [])];
}

function withLinks<T>(use: (links: ReadonlyMap<number, RouteLink>) => T): T {
  const table = connectLinks(openLibc());
  try {
    return use(table.links);
  } finally {
    table.close();
  }
}
