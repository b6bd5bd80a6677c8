// SPDX-License-Identifier: Apache-2.0
// The configuration file: bytes -> the settings it gives, with the line of each. Walks the YAML's
// own tree along the declared keys, so nothing undeclared (`__proto__` least of all) ever becomes
// a key of an object, and an alias is followed only where a setting stands.
import {
  isAlias,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import { type ConfigProblem, describeReadFailure } from '../errors.js';
import {
  isMappingSetting,
  isSetting,
  type Layer,
  SETTINGS,
  type Setting,
  type SettingNode,
  setInLayer,
} from './settings.js';
import { suggestWord } from './suggest.js';
import { renderGiven } from './value-text.js';

/** Reads a whole file. Throws as node:fs does. */
export type ReadFile = (path: string) => Uint8Array;

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

/**
 * A real file has a few kilobytes; far more is a wrong path, and the parser compares every key with
 * every other (64 KiB of nothing but keys: 1 s).
 */
const FILE_MAX_BYTES = 1 << 16;

/** The parser's stack, a few entries a level. Its next stage recurses; thousands would abort Node. */
const NESTING_MAX = 100;

/** After the first few, faults of syntax mostly follow from one another. */
const SYNTAX_FAULTS_SHOWN = 5;

/** Keys that mean something else to JavaScript (CVE-2026-33863, CVE-2026-33864). */
const RESERVED_KEYS = ['__proto__', 'constructor', 'prototype'];

/** Reads and parses the file; every fault is in `problems`. Values are not judged here. */
export function readConfigFile(path: string, readFile: ReadFile): FileLayer {
  const text = readText(path, readFile);
  if (typeof text !== 'string') return emptyLayer([text]);
  if (isNestedTooDeeply(text)) {
    return emptyLayer([{ path, message: 'is nested deeper than any configuration file' }]);
  }
  try {
    return parseConfigText(path, text);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return emptyLayer([{ path, message: `cannot be parsed as YAML: ${detail}` }]);
  }
}

function emptyLayer(problems: readonly ConfigProblem[]): FileLayer {
  return { layer: {}, lines: new Map(), problems: problems.map((problem) => ({ ...problem, line: 0 })) };
}

function readText(path: string, readFile: ReadFile): string | ConfigProblem {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    return { path, message: `cannot be read: ${describeReadFailure(error)}` };
  }
  if (bytes.length > FILE_MAX_BYTES) {
    return { path, message: `is larger than ${FILE_MAX_BYTES} bytes, which no configuration file is` };
  }
  if (bytes.includes(0)) return { path, message: 'is a binary file, not YAML text' };
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { path, message: 'is not UTF-8 text' };
  }
}

function isNestedTooDeeply(text: string): boolean {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // next() is a generator: it does its work while its results are taken, which we do not need.
    for (const _token of parser.next(lexeme));
    if (parser.stack.length > NESTING_MAX) return true;
  }
  return false;
}

function parseConfigText(file: string, text: string): FileLayer {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, schema: 'core' });
  const faults = [...document.errors, ...document.warnings].map((fault) => {
    const { line, col } = lineCounter.linePos(fault.pos[0]);
    const what =
      fault.code === 'MULTIPLE_DOCS' ? 'a second document starts here, only one is read' : fault.message;
    return { path: `${file}:${line}:${col}`, message: what };
  });
  // After a syntax error the tree is a guess: what it seems to say would only mislead.
  if (faults.length > 0) return emptyLayer(faults.slice(0, SYNTAX_FAULTS_SHOWN));

  const walk = new FileWalk(file, (node) => lineCounter.linePos(node.range?.[0] ?? 0).line, {
    follow: (node) => (isAlias(node) ? node.resolve(document) : node),
    // Bounds what nested aliases may blow up to.
    value: (node) => node.toJS(document, { mapAsMap: true, maxAliasCount: 100 }),
  });
  const root = document.contents;
  if (root !== null && !(isScalar(root) && root.value === null)) walk.readRoot(root);
  return { layer: walk.layer, lines: walk.lines, problems: walk.problems };
}

interface NodeReader {
  follow(node: Node): Node | undefined;
  value(node: Node): unknown;
}

/** One walk over the tree of one file. */
class FileWalk {
  readonly layer: Layer = {};
  readonly lines = new Map<string, number>();
  readonly problems: FileProblem[] = [];
  readonly #file: string;
  readonly #lineOf: (node: Node) => number;
  readonly #reader: NodeReader;

  constructor(file: string, lineOf: (node: Node) => number, reader: NodeReader) {
    this.#file = file;
    this.#lineOf = lineOf;
    this.#reader = reader;
  }

  readRoot(root: Node): void {
    if (isMap(root)) this.#readSection(root, SETTINGS, '');
    else {
      const given = renderGiven(this.#reader.value(root));
      const message = `must be a mapping of keys to values, but is ${given}`;
      this.problems.push({ path: this.#file, message, line: 0 });
    }
  }

  #readSection(map: YAMLMap, section: object, prefix: string): void {
    const declared = new Map(Object.entries(section) as [string, SettingNode][]);
    for (const { key, value } of map.items as { key: Node; value: Node | null }[]) {
      const name = isScalar(key) ? String(key.value) : '?';
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

  #readSubsection(path: string, section: object, key: Node, value: Node | null): void {
    const node = value === null ? undefined : this.#reader.follow(value);
    if (isMap(node)) this.#readSection(node, section, `${path}.`);
    // All keys of a section commented out leave "flows:" alone; that is no fault.
    else if (node !== undefined && !(isScalar(node) && node.value === null)) {
      const allowed = Object.keys(section).join(', ');
      const given = renderGiven(this.#reader.value(node));
      this.#report(path, `must be a section with the keys ${allowed}, but is ${given}`, key);
    }
  }

  #readSetting(path: string, setting: Setting, position: Node, valueNode: Node | null): void {
    let value: unknown;
    try {
      value = valueNode === null ? null : this.#reader.value(valueNode);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      this.#report(path, `cannot be read: ${detail}`, position);
      return;
    }
    if (value === null) {
      this.#report(path, 'has no value; give one, or leave the key out for the default', position);
      return;
    }
    if (value instanceof Map && isMappingSetting(setting)) {
      value = [...value];
    } else if (value instanceof Map) {
      // convict would take it for a section of its own.
      this.#report(path, setting.rule(value) ?? 'must not be a mapping', position);
      return;
    }
    this.lines.set(path, this.#lineOf(position));
    setInLayer(this.layer, path, value);
  }

  #report(path: string, message: string, node: Node): void {
    this.problems.push(locateInFile({ path, message }, this.#file, this.#lineOf(node)));
  }
}

/** The problem with its place in its words. */
export function locateInFile(problem: ConfigProblem, file: string, line: number): FileProblem {
  return { path: problem.path, message: `${problem.message} (${file}, line ${line})`, line };
}

function unknownKey(name: string, prefix: string, declared: readonly string[]): string {
  if (RESERVED_KEYS.includes(name)) return 'is a reserved word and refused as a key';
  if (name.includes('.')) return `write it as sections: ${name.split('.').join(': and below it ')}:`;
  const where = prefix === '' ? 'at the top level' : `in ${prefix.slice(0, -1)}`;
  const hint = suggestWord(name, declared);
  return `there is no such key ${where}${hint === '' ? `; known are ${declared.join(', ')}` : hint}`;
}
