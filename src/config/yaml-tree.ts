// SPDX-License-Identifier: Apache-2.0
// YAML text -> its tree, with every alias resolved beforehand; or what is wrong with the text. What a
// hostile file may cost is bounded here: the time to parse grows with tokens, nesting and aliases, so
// each has a limit that no configuration file comes near, and whatever compares all keys with all
// others, or all aliases with all anchors, is done here in one pass instead of by the library.

import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  parseDocument,
  visit,
} from 'yaml';
import type { ConfigProblem } from '../errors.js';

export interface YamlTree {
  /** undefined where the text says nothing. */
  readonly root: Node | undefined;
  /** From 1. */
  lineOf(node: Node): number;
  /** What an alias stands for, any other node itself; undefined where there is no such anchor before it. */
  follow(node: Node): Node | undefined;
}

/** The parser's stack, a few entries a level. Its next stage recurses; thousands would abort Node. */
const NESTING_MAX = 100;

/** The shipped file has 800, a list of 3,000 interfaces 20,000. So many take 0.5 s at worst. */
const TOKENS_MAX = 20_000;

/** Every setting once through an alias would be 60. */
const ALIASES_MAX = 100;

/** After the first few, faults of syntax mostly follow from one another. */
const SYNTAX_FAULTS_SHOWN = 5;
/** What patterns of interfaces begin with means something else to YAML. */
const QUOTES_HINT = '; text that begins with "!" or "*" needs quotes';

/** `file` is for the places of problems. */
export function parseYamlTree(file: string, text: string): YamlTree | readonly ConfigProblem[] {
  const excess = findExcess(file, text);
  if (excess !== undefined) return [excess];
  const lineCounter = new LineCounter();
  let document: Document.Parsed;
  try {
    // Its own search for duplicate keys compares each key with all others.
    document = parseDocument(text, { lineCounter, prettyErrors: false, schema: 'core', uniqueKeys: false });
  } catch (error) {
    const detail = withoutQuotes(error instanceof Error ? error.message : String(error));
    return [{ path: file, message: `cannot be parsed as YAML: ${detail}` }];
  }
  const placeAt = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const faults = [...document.errors, ...document.warnings].slice(0, SYNTAX_FAULTS_SHOWN);
  // After a syntax error the tree is a guess: what it seems to say would only mislead.
  if (faults.length > 0) {
    return faults.map(({ code, message, pos }) => ({
      path: placeAt(pos[0]),
      message: FAULTS[code] ?? withoutQuotes(message) + (code === 'BAD_ALIAS' ? QUOTES_HINT : ''),
    }));
  }
  const { targets, duplicates } = readReferences(document);
  if (duplicates.length > 0) {
    return duplicates
      .slice(0, SYNTAX_FAULTS_SHOWN)
      .map((key) => ({ path: placeAt(key.range?.[0] ?? 0), message: 'Map keys must be unique' }));
  }
  return {
    root: document.contents ?? undefined,
    lineOf: (node) => lineCounter.linePos(node.range?.[0] ?? 0).line,
    follow: (node) => (isAlias(node) ? targets.get(node) : node),
  };
}

/** By the library's code, where its own words say less, or repeat what the file has there: it may be a secret. */
const FAULTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  BAD_DIRECTIVE: 'A directive that is not known',
  BAD_DQ_ESCAPE: 'Invalid escape sequence',
  MULTIPLE_DOCS: 'a second document starts here, only one is read',
  TAG_RESOLVE_FAILED: `Unresolved tag${QUOTES_HINT}`,
};

/** The library's words up to what they repeat of the file, which stands in quotes or behind a colon. */
function withoutQuotes(message: string): string {
  return /^Missing closing .quote$/.test(message) ? message : message.replace(/(?<=\S):.*$|\s*["'`].*$/s, '');
}

function findExcess(file: string, text: string): ConfigProblem | undefined {
  const parser = new Parser();
  let line = 1;
  let tokens = 0;
  let aliases = 0;
  let isScalarNext = false;
  for (const lexeme of new Lexer().lex(text)) {
    // next() is a generator: it does its work while its results are taken, which we do not need.
    for (const _token of parser.next(lexeme));
    if (parser.stack.length > NESTING_MAX) {
      return { path: file, message: 'is nested deeper than any configuration file' };
    }
    if (lexeme.startsWith('*') && !isScalarNext && ++aliases > ALIASES_MAX) {
      const message = `has more than ${ALIASES_MAX} aliases, which no configuration file has (line ${line})`;
      return { path: file, message };
    }
    if (++tokens > TOKENS_MAX) {
      const message = `has more than ${TOKENS_MAX} YAML tokens, which no configuration file has (line ${line})`;
      return { path: file, message };
    }
    isScalarNext = lexeme === SCALAR_MARK;
    for (let at = lexeme.indexOf('\n'); at >= 0; at = lexeme.indexOf('\n', at + 1)) line++;
  }
  return undefined;
}

/** The lexer's word for: a plain scalar comes next. */
const SCALAR_MARK = '\x1f';

/** In the order of the text: what each alias stands for, and the keys that their mapping has already. */
function readReferences(document: Document.Parsed): {
  readonly targets: ReadonlyMap<Node, Node>;
  readonly duplicates: readonly Node[];
} {
  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node>();
  const duplicates: Node[] = [];
  visit(document, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
        return;
      }
      if (node.anchor !== undefined) anchors.set(node.anchor, node as Node); // `visit` goes over parsed nodes
      if (!isMap(node)) return;
      const seen = new Set<unknown>();
      for (const { key } of node.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) duplicates.push(key);
        seen.add(key.value);
      }
    },
  });
  return { targets, duplicates };
}
