// SPDX-License-Identifier: Apache-2.0
// Which interfaces the operator's patterns mean now, and what of the patterns means none. Names as such are not
// looked for here: they are awaited.

import { AUTO, type InterfacePatterns, isExcluded } from '../interface-patterns.js';
import type { RouteLink } from '../kernel/route-messages.js';
import { isPhysicalLink, type LeftOut, type Links, withoutRelatives } from './physical-links.js';

/** What the patterns mean now. */
export interface InterfaceMatches {
  /** By ifindex; none of the operator's own names. */
  readonly names: readonly string[];
  /** What matches nothing, or is left out although it matches; by the text or name that it is of. */
  readonly notes: ReadonlyMap<string, string>;
}

/** One item of the operator's list and the interfaces it means now, for people. */
export interface PatternMeaning {
  readonly text: string;
  readonly kind: 'name' | 'glob' | 'auto' | 'exclusion';
  readonly names: readonly string[];
}

export interface SelectOptions {
  /** Whether it is attached: a device that `auto` has taken stays when it goes down. */
  isAttached(name: string): boolean;
}

export function selectInterfaces(
  patterns: InterfacePatterns,
  links: Links,
  { isAttached }: SelectOptions,
): InterfaceMatches {
  const { globs, hasAuto } = patterns;
  const notes = new Map<string, string>();
  const own = new Set(patterns.names);
  const taken: RouteLink[] = [];
  const globNames = new Set<string>();
  const matchedGlobs = new Set<string>();
  for (const link of links.values()) {
    if (own.has(link.name)) taken.push(link);
    const matching = globs.filter((glob) => glob.matches(link.name));
    if (matching.length === 0 || isExcluded(patterns, link.name)) continue;
    for (const glob of matching) matchedGlobs.add(glob.text);
    if (own.has(link.name)) continue;
    globNames.add(link.name);
    taken.push(link);
  }
  for (const { text } of globs) {
    if (!matchedGlobs.has(text)) notes.set(text, `no interface matches ${text}`);
  }
  const found = taken.filter(({ name }) => globNames.has(name));
  if (hasAuto) {
    const { kept, leftOut } = selectPhysical(patterns, links, { taken, isAttached });
    found.push(...kept);
    for (const one of leftOut) notes.set(one.link.name, leftOutSentence(one));
    if (kept.length + leftOut.length === 0 && !taken.some(isPhysicalLink)) {
      notes.set(AUTO, `no physical device is up, so ${AUTO} means none`);
    }
  }
  return { names: found.sort((a, b) => a.index - b.index).map(({ name }) => name), notes };
}

function selectPhysical(
  patterns: InterfacePatterns,
  links: Links,
  { taken, isAttached }: SelectOptions & { readonly taken: readonly RouteLink[] },
): ReturnType<typeof withoutRelatives> {
  const candidates = [...links.values()].filter(
    (link) =>
      isPhysicalLink(link) &&
      (link.isUp || isAttached(link.name)) &&
      !taken.includes(link) &&
      !isExcluded(patterns, link.name),
  );
  return withoutRelatives(candidates, taken, links);
}

function leftOutSentence({ link, because }: LeftOut): string {
  return `${AUTO} leaves out ${link.name}: its packets would be counted twice, as ${because.name} is attached`;
}

/** In the order of a list of items: names, globs, `auto`, exclusions. */
export function meaningOfPatterns(patterns: InterfacePatterns, links: Links): readonly PatternMeaning[] {
  const { names, globs, hasAuto, exclusions } = patterns;
  const present = [...links.values()].sort((a, b) => a.index - b.index).map(({ name }) => name);
  const among = (matches: (name: string) => boolean): readonly string[] => present.filter(matches);
  const alone = { ...patterns, globs: [], names: [] };
  const taken = [...links.values()].filter(
    ({ name }) =>
      names.includes(name) || (globs.some((glob) => glob.matches(name)) && !isExcluded(patterns, name)),
  );
  const physical = hasAuto
    ? selectPhysical(alone, links, { taken, isAttached: () => false }).kept.map(({ name }) => name)
    : [];
  return [
    ...names.map((name) => ({ text: name, kind: 'name', names: among((one) => one === name) }) as const),
    ...globs.map(
      ({ text, matches }) =>
        ({ text, kind: 'glob', names: among((one) => matches(one) && !isExcluded(patterns, one)) }) as const,
    ),
    ...(hasAuto ? [{ text: AUTO, kind: 'auto', names: physical } as const] : []),
    ...exclusions.map(
      ({ text, matches }) => ({ text: `!${text}`, kind: 'exclusion', names: among(matches) }) as const,
    ),
  ];
}
