// SPDX-License-Identifier: Apache-2.0
// A strict reader of one sample line, the same in text 0.0.4 and OpenMetrics without timestamps and
// exemplars. Throws at whatever a renderer of ours must not write.

import assert from 'node:assert/strict';

export interface ParsedSample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"/u;
// OpenMetrics 1.0, `number`.
const NUMBER = /^(?:[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|[+-]?\.\d+(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/;

export function parseSampleLine(line: string): ParsedSample {
  const name = NAME.exec(line)?.[0];
  assert.ok(name !== undefined, `no name: ${line}`);
  let rest = line.slice(name.length);
  const labels = new Map<string, string>();
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (;;) {
      const match = LABEL.exec(rest);
      assert.ok(match !== null, `no label at ${JSON.stringify(rest)} of ${line}`);
      const [all, label = '', value = ''] = match;
      assert.ok(!labels.has(label), `label ${label} twice: ${line}`);
      labels.set(label, unescapeText(value));
      rest = rest.slice(all.length);
      if (rest.startsWith('} ')) break;
      assert.ok(rest.startsWith(','), `neither comma nor brace after ${label}: ${line}`);
      rest = rest.slice(1);
    }
    rest = rest.slice(1);
  }
  assert.ok(rest.startsWith(' '), `no space before the value: ${line}`);
  return { name, labels, value: parseNumber(rest.slice(1)) };
}

export function parseNumber(text: string): number {
  assert.match(text, NUMBER);
  return Number(text.replace('Inf', 'Infinity'));
}

export function unescapeText(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}
