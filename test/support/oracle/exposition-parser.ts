// SPDX-License-Identifier: Apache-2.0
// A strict reader of Prometheus text format 0.0.4, for tests: what a lenient server would let pass is
// an error here, and timestamps, which this exporter never writes, too.

export interface Series {
  readonly name: string;
  /** In the order of the text. */
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface FamilyHeader {
  readonly name: string;
  readonly help: string | undefined;
  readonly type: string;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN)$/;
const TYPES: readonly string[] = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

/** One scrape. Use parseExposition(). */
export class Exposition {
  readonly families: ReadonlyMap<string, FamilyHeader>;
  /** All series by seriesKey(). */
  readonly series: ReadonlyMap<string, Series>;
  readonly #byName = new Map<string, Series[]>();

  constructor(families: ReadonlyMap<string, FamilyHeader>, series: ReadonlyMap<string, Series>) {
    this.families = families;
    this.series = series;
    for (const one of series.values()) {
      const namesakes = this.#byName.get(one.name);
      if (namesakes === undefined) {
        this.#byName.set(one.name, [one]);
      } else {
        namesakes.push(one);
      }
    }
  }

  /** The series of a name that carry all these labels, among others perhaps. */
  select(name: string, labels: Readonly<Record<string, string>> = {}): Series[] {
    const wanted = Object.entries(labels);
    return (this.#byName.get(name) ?? []).filter((series) =>
      wanted.every(([label, value]) => series.labels.get(label) === value),
    );
  }

  /** The sum over select(); 0 where there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.select(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  /** The value of the one series that select() finds. Throws when there are none or several. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const [series, ...others] = this.select(name, labels);
    if (series === undefined || others.length > 0) {
      const found = others.length + (series === undefined ? 0 : 1);
      throw new RangeError(`${found} series are ${name} ${JSON.stringify(labels)}, not 1`);
    }
    return series.value;
  }
}

/** One text for each identity of a series: labels sorted, values quoted. */
export function seriesKey(name: string, labels: Iterable<readonly [string, string]>): string {
  const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${name}{${sorted.map(([label, value]) => `${label}=${JSON.stringify(value)}`).join(',')}}`;
}

/** Throws SyntaxError with the line's number and text on anything the format does not allow. */
export function parseExposition(text: string): Exposition {
  const families = new Map<string, FamilyHeader>();
  const series = new Map<string, Series>();
  const helps = new Map<string, string>();
  let current: FamilyHeader | undefined;
  if (text !== '' && !text.endsWith('\n')) throw new SyntaxError('the text does not end with a line feed');
  text
    .split('\n')
    .slice(0, -1)
    .forEach((line, i) => {
      const fail = (what: string): never => {
        throw new SyntaxError(`line ${i + 1}: ${what}: ${line}`);
      };
      const header = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line);
      if (header !== null) {
        const [, keyword, name = '', rest = ''] = header;
        if (keyword === 'HELP') {
          if (helps.has(name) || families.has(name)) {
            fail('a second HELP, or one after TYPE');
          }
          helps.set(name, rest);
          current = undefined;
        } else {
          if (families.has(name)) {
            fail('a second TYPE');
          }
          if (!TYPES.includes(rest)) {
            fail('no such type');
          }
          current = { name, help: helps.get(name), type: rest };
          families.set(name, current);
        }
        return;
      }
      if (line.startsWith('#') || line.trim() === '') {
        fail('neither HELP, TYPE nor a sample');
      }
      const sample = parseSample(line, fail);
      if (current === undefined || !belongsTo(sample.name, current)) {
        fail('a sample apart from its TYPE');
      }
      const key = seriesKey(sample.name, sample.labels);
      if (series.has(key)) {
        fail('a series twice');
      }
      series.set(key, sample);
    });
  return new Exposition(families, series);
}

function parseSample(line: string, fail: (what: string) => never): Series {
  const match = SAMPLE.exec(line);
  if (match === null) return fail('not "name{labels} value"');
  const [, name = '', labelText = '', valueText = ''] = match;
  if (!VALUE.test(valueText)) return fail('not a number');
  return { name, labels: parseLabels(labelText, fail), value: parseValue(valueText) };
}

function parseLabels(text: string, fail: (what: string) => never): Map<string, string> {
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  for (let end = 0; end < text.length; ) {
    const match = LABEL.exec(text);
    if (match === null) return fail('labels');
    const [whole, name = '', escaped = '', separator] = match;
    end += whole.length;
    if (labels.has(name)) return fail(`label ${name} twice`);
    if (separator === ',' && end === text.length) return fail('a comma after the last label');
    labels.set(
      name,
      escaped.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char)),
    );
  }
  return labels;
}

function parseValue(text: string): number {
  return text.endsWith('Inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text);
}

function belongsTo(sample: string, { name, type }: FamilyHeader): boolean {
  const suffixes: Readonly<Record<string, readonly string[]>> = {
    histogram: ['_bucket', '_sum', '_count'],
    summary: ['', '_sum', '_count'],
  };
  return (suffixes[type] ?? ['']).some((suffix) => sample === name + suffix);
}
