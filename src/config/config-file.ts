// SPDX-License-Identifier: Apache-2.0
// The configuration file: bytes -> the settings it gives, with the line of each. Walks the YAML's
// own tree along the declared keys, so nothing undeclared (`__proto__` least of all) ever becomes
// a key of an object, and an alias is followed only where a setting stands.

import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { type ConfigProblem, describeReadFailure } from '../errors.js';
import { type Layer, setInLayer } from './layer.js';
import { problemOf } from './rules.js';
import { SETTINGS } from './settings.js';
import { isMappingSetting, isSetting, type Setting, type SettingsSection } from './settings-tree.js';
import { suggestWord } from './suggest.js';
import { renderGiven, renderKind, shorten } from './value-text.js';
import { parseYamlTree, type YamlTree } from './yaml-tree.js';

/** Reads a file, at most `mostBytes` from its beginning. Throws as node:fs does. */
export type ReadFile = (path: string, mostBytes: number) => Uint8Array;

/** A problem and its line; 0 where it is the whole file's. */
export interface FileProblem extends ConfigProblem {
  readonly line: number;
}

export interface FileLayer {
  readonly layer: Layer;
  /** Line (from 1) of each setting, by dotted path. */
  readonly lines: ReadonlyMap<string, number>;
  readonly problems: readonly FileProblem[];
}

/** A real file has a few kilobytes; far more is a wrong path. */
export const CONFIG_FILE_MAX_BYTES = 1 << 16;

/** Keys that mean something else to JavaScript (CVE-2026-33863, CVE-2026-33864). */
const RESERVED_KEYS = ['__proto__', 'constructor', 'prototype'];

/** Whoever has so many wrong keys named the wrong file. */
const PROBLEMS_MAX = 100;

/** Reads and parses the file; every fault is in `problems`. Values are not judged here. */
export function readConfigFile(path: string, readFile: ReadFile): FileLayer {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path, CONFIG_FILE_MAX_BYTES + 1);
  } catch (error) {
    return emptyLayer([{ path, message: `cannot be read: ${describeReadFailure(error)}` }]);
  }
  return parseConfigFile(path, bytes, SETTINGS);
}

/** The same of a file that has been read, up to CONFIG_FILE_MAX_BYTES + 1, and has these settings. */
export function parseConfigFile(path: string, bytes: Uint8Array, settings: SettingsSection): FileLayer {
  const text = decodeText(path, bytes);
  if (typeof text !== 'string') return emptyLayer([text]);
  const tree = parseYamlTree(path, text);
  if (!('lineOf' in tree)) return emptyLayer(tree);
  const walk = new FileWalk(path, tree);
  const { root } = tree;
  if (root !== undefined && !(isScalar(root) && root.value === null)) walk.readRoot(root, settings);
  return { layer: walk.layer, lines: walk.lines, problems: walk.problems };
}

function emptyLayer(problems: readonly ConfigProblem[]): FileLayer {
  return { layer: {}, lines: new Map(), problems: problems.map((problem) => ({ ...problem, line: 0 })) };
}

function decodeText(path: string, bytes: Uint8Array): string | ConfigProblem {
  if (bytes.length > CONFIG_FILE_MAX_BYTES) {
    return { path, message: `is larger than ${CONFIG_FILE_MAX_BYTES} bytes, which no configuration file is` };
  }
  if (bytes.includes(0)) return { path, message: 'is a binary file, not YAML text' };
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { path, message: 'is not UTF-8 text' };
  }
}

/** One walk over the tree of one file. */
class FileWalk {
  readonly layer: Layer = {};
  readonly lines = new Map<string, number>();
  readonly problems: FileProblem[] = [];
  readonly #file: string;
  readonly #tree: YamlTree;

  constructor(file: string, tree: YamlTree) {
    this.#file = file;
    this.#tree = tree;
  }

  readRoot(root: Node, settings: SettingsSection): void {
    if (isMap(root)) this.#readSection(root, settings, '');
    else {
      // Only its kind: a file of secrets may have been named by mistake.
      const message = `must be a mapping of keys to values, but is ${renderKind(this.#valueOf(root))}`;
      this.problems.push({ path: this.#file, message, line: 0 });
    }
  }

  #readSection(map: YAMLMap, section: SettingsSection, prefix: string): void {
    const declared = new Map(Object.entries(section));
    for (const { key, value } of map.items as { key: Node; value: Node | null }[]) {
      if (this.problems.length >= PROBLEMS_MAX) return;
      const name = isScalar(key) ? shorten(String(key.value)) : '?';
      const path = prefix + name;
      const node = declared.get(name);
      if (node === undefined) {
        this.#report(path, unknownKey(name, prefix, [...declared.keys()]), key);
      } else if (isSetting(node)) {
        this.#readSetting(path, node, value ?? key, value);
      } else {
        this.#readSubsection(path, node, key, value);
      }
    }
  }

  #readSubsection(path: string, section: SettingsSection, key: Node, value: Node | null): void {
    const node = value === null ? null : this.#tree.follow(value);
    if (isMap(node)) this.#readSection(node, section, `${path}.`);
    else if (node === undefined) this.#report(path, UNRESOLVED_ALIAS, key);
    // All keys of a section commented out leave "flows:" alone; that is no fault.
    else if (node !== null && !(isScalar(node) && node.value === null)) {
      const allowed = Object.keys(section).join(', ');
      const given = renderGiven(this.#valueOf(node));
      this.#report(path, `must be a section with the keys ${allowed}, but is ${given}`, key);
    }
  }

  #readSetting(path: string, setting: Setting, position: Node, valueNode: Node | null): void {
    const node = valueNode === null ? null : this.#tree.follow(valueNode);
    if (node === undefined) {
      this.#report(path, UNRESOLVED_ALIAS, position);
      return;
    }
    let value = node === null ? null : this.#valueOf(node);
    if (value === null) {
      this.#report(path, 'has no value; give one, or leave the key out for the default', position);
      return;
    }
    if (value instanceof Map && isMappingSetting(setting)) {
      value = [...value];
    } else if (value instanceof Map) {
      // convict would take it for a section of its own.
      this.#report(path, problemOf(setting.rule(value)) ?? 'must not be a mapping', position);
      return;
    }
    this.lines.set(path, this.#tree.lineOf(position));
    setInLayer(this.layer, path, value);
  }

  /**
   * A scalar's value, a list, or a Map. No setting is deeper than one level: what is below stays empty, so
   * that a node which holds itself, or aliases within aliases, end here.
   */
  #valueOf(node: Node): unknown {
    const inner = (item: unknown): unknown => {
      const followed = item === null ? null : this.#tree.follow(item as Node); // items of a parsed tree
      if (isScalar(followed)) return followed.value;
      if (isSeq(followed)) return [];
      return isMap(followed) ? new Map() : undefined;
    };
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map(inner);
    if (!isMap(node)) return undefined;
    return new Map(node.items.map(({ key, value }) => [inner(key), value === null ? null : inner(value)]));
  }

  #report(path: string, message: string, node: Node): void {
    this.problems.push(locateInFile({ path, message }, this.#file, this.#tree.lineOf(node)));
  }
}

/** The problem with its place in its words. */
export function locateInFile(problem: ConfigProblem, file: string, line: number): FileProblem {
  return { path: problem.path, message: `${problem.message} (${file}, line ${line})`, line };
}

/** Without its name, which may be a secret that begins with "*". */
const UNRESOLVED_ALIAS =
  'cannot be read: Unresolved alias (the anchor must be set before the alias); text that begins with "*" needs quotes';

function unknownKey(name: string, prefix: string, declared: readonly string[]): string {
  if (RESERVED_KEYS.includes(name)) return 'is a reserved word and refused as a key';
  if (name === '<<') return 'merge keys are not read; write the keys out';
  const [section = '', ...below] = name.split('.');
  if (below.length > 0 && declared.includes(section)) {
    return `write it as sections: ${[section, ...below].join(': and below it ')}:`;
  }
  const where = prefix === '' ? 'at the top level' : `in ${prefix.slice(0, -1)}`;
  const hint = suggestWord(name, declared);
  return `there is no such key ${where}${hint === '' ? `; known are ${declared.join(', ')}` : hint}`;
}
