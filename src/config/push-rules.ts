// SPDX-License-Identifier: Apache-2.0
// What values of the push section may be; rules as in rules.ts. A mapping is judged as the list of
// its entries, and given as a record.

import { isIP } from 'node:net';
import {
  isAbsolutePath,
  type Judgement,
  joinProblems,
  labelValue,
  problemOf,
  type Rule,
  refuse,
  refuseUnshown,
} from './rules.js';
import { renderGiven, renderUnshown } from './value-text.js';

export function absolutePath(): Rule<string> {
  return (value) =>
    value === '' || isAbsolutePath(value)
      ? { value }
      : refuse('an absolute path, such as /etc/xtrace-catch/token, or ""', value);
}

/** A file of secrets, in place of whose path the secret itself is given at times. */
export function secretFile(): Rule<string> {
  return (value) =>
    value === '' || isAbsolutePath(value)
      ? { value }
      : refuseUnshown('an absolute path, such as /etc/xtrace-catch/token, or ""', value);
}

/** RFC 7617: no colon, which ends the name. What stands behind one would be the password. */
export function userName(): Rule<string> {
  return (value) =>
    typeof value === 'string' && value.length <= 256 && !/[:\p{Cc}]/u.test(value)
      ? { value }
      : refuseUnshown('a user name without ":", or ""', value);
}

/** What a certificate can be issued for. */
export function hostName(): Rule<string> {
  return (value) => {
    const good =
      typeof value === 'string' &&
      (value === '' ||
        isIP(value) !== 0 ||
        (value.length <= 253 && /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?$/.test(value)));
    return good ? { value } : refuse('a host name, or ""', value);
  };
}

/** As labelValue(), or nothing at all. */
export function labelValueOrNone(): Rule<string> {
  const rule = labelValue();
  return (value) => (value === '' ? { value } : rule(value));
}

/**
 * Headers a request cannot have from outside: the remote write specification reserves the first
 * four, VictoriaMetrics' variant the fifth, and the rest would break the request's framing.
 */
const OWN_HEADERS = [
  'content-encoding',
  'content-type',
  'user-agent',
  'x-prometheus-remote-write-version',
  'x-victoriametrics-remote-write-version',
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
];

type NamedTexts = Readonly<Record<string, string>>;

/** Names of RFC 9110 tokens, each once in any case, and values that fit one line. */
export function httpHeaders(): Rule<NamedTexts> {
  return (value) => {
    const seen = new Set<string>();
    return judgeEntries(value, 'header names to values, such as {X-Scope-OrgID: "7"}', (name, text) => {
      const lower = name.toLowerCase();
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(name)) return 'is not a valid header name';
      if (OWN_HEADERS.includes(lower)) return 'is set by the program itself and cannot be overridden';
      if (seen.has(lower)) return 'is given twice';
      seen.add(lower);
      if (typeof text !== 'string')
        return `must be text, but is ${renderUnshown(text)}; put it between quotes`;
      return /^[\t\x20-\x7e\x80-\xff]{0,4096}$/.test(text)
        ? undefined
        : 'must be one line of at most 4096 Latin-1 characters';
    });
  };
}

/** Labels for every series; a name starting with __ is Prometheus' own. */
export function metricLabels(): Rule<NamedTexts> {
  const rule = labelValue();
  return (value) =>
    judgeEntries(value, 'label names to values, such as {rack: "7"}', (name, text) => {
      if (!/^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/.test(name)) {
        return 'is not a valid label name (letters, digits and "_", no digit first)';
      }
      if (name.startsWith('__')) return 'is reserved: names that start with "__" are Prometheus\' own';
      if (name === 'job' || name === 'instance') return `has a key of its own: set push.${name} instead`;
      if (typeof text === 'number' || typeof text === 'boolean') {
        return `must be text, but is ${renderGiven(text)}; put it between quotes`;
      }
      return problemOf(rule(text));
    });
}

type JudgeEntry = (name: string, text: unknown) => string | undefined;

function judgeEntries(value: unknown, allowed: string, judge: JudgeEntry): Judgement<NamedTexts> {
  const refusal = refuseUnshown(`a mapping of ${allowed}`, value);
  if (!Array.isArray(value)) return refusal;
  const problems = value.map((entry: unknown) => {
    if (!Array.isArray(entry) || entry.length !== 2) return refusal.problem;
    const [name, text] = entry as [unknown, unknown];
    if (typeof name !== 'string') return `${renderGiven(name)} is not a name; put it in quotes`;
    const problem = judge(name, text);
    return problem === undefined ? undefined : `${renderEntryName(name)} ${problem}`;
  });
  const problem = joinProblems(problems.filter((wrong) => wrong !== undefined));
  if (problem !== undefined) return { problem };
  return { value: Object.fromEntries(value as [string, string][]) }; // judge() refuses what is no text
}

/** `{Authorization Bearer abc}` is one name to YAML: what follows its first word may be a secret. */
function renderEntryName(name: string): string {
  const firstWord = /^[^\s:]*/.exec(name)?.[0] ?? '';
  return renderGiven(firstWord === name ? name : `${firstWord}...`);
}
