// SPDX-License-Identifier: Apache-2.0
// The operator's list of interfaces: names, globs, `auto`, and behind a "!" what is left out. What is wrong
// with one that is none, and which names it means. The configuration, attaching and the doctor read it alike.

import { type GlobProblem, type InterfaceGlob, isGlob, parseInterfaceGlob } from './interface-glob.js';

/** Stands for every physical device that is up; "\auto" for an interface of that name. */
export const AUTO = 'auto';
const NOT = '!';

export interface InterfacePatterns {
  /** Awaited by name, in the order given, each once. */
  readonly names: readonly string[];
  readonly globs: readonly InterfaceGlob[];
  readonly hasAuto: boolean;
  /** Wins over all else, wherever it stands in the list. */
  readonly exclusions: readonly InterfaceGlob[];
}

/** One item of the list, alone. */
export type InterfaceItem =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'glob' | 'exclusion'; readonly glob: InterfaceGlob }
  | { readonly kind: 'auto' };

export function parseInterfaceItem(text: string): InterfaceItem | GlobProblem {
  if (text === AUTO) return { kind: 'auto' };
  const isExclusion = text.startsWith(NOT);
  const body = isExclusion ? text.slice(NOT.length) : text;
  if (isExclusion && body === '')
    return { problem: 'leaves nothing out: put a name or a pattern after the "!"' };
  if (isExclusion && body === AUTO) return { problem: 'cannot be left out: take "auto" out of the list' };
  if (!isExclusion && !isGlob(body)) return { kind: 'name', name: body };
  const glob = parseInterfaceGlob(body);
  if ('problem' in glob) return glob;
  if (isExclusion) return { kind: 'exclusion', glob };
  const plain = plainNameOf(body);
  return plain === undefined ? { kind: 'glob', glob } : { kind: 'name', name: plain };
}

/** Of items that all are good; whatever is wrong is left out. */
export function parseInterfacePatterns(texts: readonly string[]): InterfacePatterns {
  const names = new Set<string>();
  const globs: InterfaceGlob[] = [];
  const exclusions: InterfaceGlob[] = [];
  let hasAuto = false;
  for (const text of new Set(texts)) {
    const item = parseInterfaceItem(text);
    if ('problem' in item) continue;
    if (item.kind === 'name') names.add(item.name);
    else if (item.kind === 'auto') hasAuto = true;
    else (item.kind === 'glob' ? globs : exclusions).push(item.glob);
  }
  return { names: [...names], globs, hasAuto, exclusions };
}

/** Whether anything but names is in the list: what it means then changes with the host. */
export function hasPatterns({ globs, hasAuto, exclusions }: InterfacePatterns): boolean {
  return hasAuto || globs.length > 0 || exclusions.length > 0;
}

export function isExcluded({ exclusions }: InterfacePatterns, name: string): boolean {
  return exclusions.some((glob) => glob.matches(name));
}

/** The text without backslashes, where nothing in it is special but for them. */
function plainNameOf(text: string): string | undefined {
  const plain = text.replace(/\\(.)/gsu, '');
  return isGlob(plain) ? undefined : text.replace(/\\(.)/gsu, '$1');
}
