// SPDX-License-Identifier: Apache-2.0
// Strict readers of whole expositions, written from the two specifications and sharing nothing with
// the renderer. They hold every rule that our output can break.

import assert from 'node:assert/strict';
import { type ParsedSample, parseSampleLine, unescapeText } from './sample-line.js';

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly samples: readonly ParsedSample[];
}

/** Suffixes of sample names by type: OpenMetrics 1.0, section 5. */
const OPENMETRICS_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  info: ['_info'],
  histogram: ['_bucket', '_sum', '_count'],
};
const TEXT_SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

export function parseOpenMetrics(text: string): ParsedFamily[] {
  assert.ok(text.endsWith('# EOF\n'), 'ends with # EOF and a line feed');
  const lines = text.slice(0, -'# EOF\n'.length).split('\n');
  assert.equal(lines.pop(), '', 'every line ends with a line feed');
  const families = parseLines(
    lines,
    ['TYPE', 'UNIT', 'HELP'],
    OPENMETRICS_SUFFIXES,
    /^(?:[^"\\]|\\[\\"n])*$/u,
  );
  for (const family of families) checkOpenMetricsFamily(family);
  const names = families.flatMap(({ name, type }) =>
    (OPENMETRICS_SUFFIXES[type] ?? []).map((suffix) => name + suffix),
  );
  assert.equal(new Set(names).size, names.length, 'no two families share a sample name');
  return families;
}

export function parseText(text: string): ParsedFamily[] {
  const lines = text.split('\n');
  assert.equal(lines.pop(), '', 'every line ends with a line feed');
  return parseLines(lines, ['HELP', 'TYPE'], TEXT_SUFFIXES, /^(?:[^\\]|\\[\\n])*$/u);
}

function parseLines(
  lines: readonly string[],
  headerOrder: readonly string[],
  suffixes: Readonly<Record<string, readonly string[]>>,
  helpForm: RegExp,
): ParsedFamily[] {
  const families: ParsedFamily[] = [];
  let at = 0;
  while (at < lines.length) {
    const header = new Map<string, string>();
    let name = '';
    while (lines[at]?.startsWith('#')) {
      const match = /^# (TYPE|HELP|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/su.exec(lines[at] ?? '');
      assert.ok(match !== null, `not a header: ${lines[at]}`);
      const [, keyword = '', family = '', rest = ''] = match;
      if (name !== '' && family !== name) break;
      name = family;
      assert.ok(!header.has(keyword), `${keyword} of ${name} twice`);
      header.set(keyword, rest);
      at++;
    }
    assert.ok(name !== '', `a line without a family: ${JSON.stringify(lines[at])}`);
    assert.ok(!families.some((other) => other.name === name), `family ${name} twice`);
    const order = [...header.keys()];
    assert.deepEqual(
      order,
      headerOrder.filter((keyword) => header.has(keyword)),
      `order of headers of ${name}`,
    );
    const type = header.get('TYPE') ?? '';
    const help = header.get('HELP') ?? '';
    assert.match(help, helpForm, `escaping of the help of ${name}`);

    const names = (suffixes[type] ?? []).map((suffix) => name + suffix);
    assert.ok(names.length > 0, `type ${type} of ${name}`);
    const samples: ParsedSample[] = [];
    const seen = new Set<string>();
    for (; at < lines.length && !lines[at]?.startsWith('#'); at++) {
      const sample = parseSampleLine(lines[at] ?? '');
      assert.ok(names.includes(sample.name), `sample ${sample.name} in family ${name} of type ${type}`);
      const series = JSON.stringify([sample.name, [...sample.labels].sort()]);
      assert.ok(!seen.has(series), `series twice: ${series}`);
      seen.add(series);
      samples.push(sample);
    }
    families.push({ name, type, help: unescapeText(help), unit: header.get('UNIT'), samples });
  }
  return families;
}

function checkOpenMetricsFamily({ name, type, unit, samples }: ParsedFamily): void {
  if (unit !== undefined) assert.ok(name.endsWith(`_${unit}`), `unit ${unit} is not the end of ${name}`);
  if (type === 'info') assert.equal(unit, undefined, `info ${name} has a unit`);
  for (const sample of samples) {
    if (type === 'info') assert.equal(sample.value, 1, `info ${name}`);
    if (type === 'counter') assert.ok(sample.value >= 0, `counter ${name} is ${sample.value}`);
  }
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly ParsedSample[]): void {
  const groups = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const key = JSON.stringify([...sample.labels].filter(([label]) => label !== 'le').sort());
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map((sample) => sample.labels.get('le') ?? '');
    for (const bound of bounds) assert.match(bound, /^(?:\d+\.\d+|\d\.?\d*e[+-]\d+|\+Inf)$/, `le of ${name}`);
    const numbers = bounds.map((bound) => Number(bound.replace('Inf', 'Infinity')));
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
      `bounds of ${name} ascend`,
    );
    assert.equal(bounds.at(-1), '+Inf', `${name} has a bucket for all`);
    const counts = buckets.map((sample) => sample.value);
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => a - b),
      `buckets of ${name} are cumulative`,
    );
    const count = group.find((sample) => sample.name === `${name}_count`);
    assert.equal(count?.value, counts.at(-1), `count of ${name} equals its last bucket`);
    assert.ok(group.some((sample) => sample.name === `${name}_sum`));
  }
}
