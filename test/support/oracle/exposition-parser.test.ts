// SPDX-License-Identifier: Apache-2.0
// The strict exposition reader and the balance over it: what must pass passes, what must not does not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertBalance } from './balance.js';
import { parseExposition } from './exposition-parser.js';

const TOTALS = ['interface', 'network', 'other'] as const;

test('names, labels, escapes and values are read', () => {
  const page = parseExposition(
    [
      '# HELP a_total Things, with a \\n in it.',
      '# TYPE a_total counter',
      'a_total{x="1",y="q\\"\\\\\\n,}"} 12',
      'a_total 1e3',
      '# TYPE h histogram',
      'h_bucket{le="+Inf"} 2',
      'h_sum 0.5',
      'h_count 2',
      '# TYPE g gauge',
      'g{} -Inf',
      '',
    ].join('\n'),
  );
  assert.equal(page.value('a_total', { x: '1', y: 'q"\\\n,}' }), 12);
  assert.equal(page.sum('a_total'), 1012);
  assert.equal(page.value('h_bucket', { le: '+Inf' }), 2);
  assert.equal(page.value('g'), -Infinity);
  assert.equal(page.families.get('a_total')?.type, 'counter');
  assert.equal(page.sum('none'), 0);
  assert.throws(() => page.value('a_total'), RangeError);
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['no line feed at the end', '# TYPE a gauge\na 1'],
  ['a timestamp', '# TYPE a gauge\na 1 1700000000000\n'],
  ['a series twice, labels in another order', '# TYPE a gauge\na{x="1",y="2"} 1\na{y="2",x="1"} 1\n'],
  ['a label twice', '# TYPE a gauge\na{x="1",x="2"} 1\n'],
  ['a comma after the last label', '# TYPE a gauge\na{x="1",} 1\n'],
  ['an unknown escape', '# TYPE a gauge\na{x="\\t"} 1\n'],
  ['a label name with a dash', '# TYPE a gauge\na{x-y="1"} 1\n'],
  ['a second TYPE', '# TYPE a gauge\na 1\n# TYPE a gauge\n'],
  ['a family in two places', '# TYPE a gauge\na 1\n# TYPE b gauge\na{x="1"} 1\n'],
  ['a sample without TYPE', 'a 1\n'],
  ['HELP after TYPE', '# TYPE a gauge\n# HELP a Late.\na 1\n'],
  ['an unknown type', '# TYPE a info\na 1\n'],
  ['an empty line', '# TYPE a gauge\n\na 1\n'],
  ['a number with a point and nothing after it', '# TYPE a gauge\na 1.\n'],
  ['two spaces', '# TYPE a gauge\na  1\n'],
  ['a bucket of a gauge', '# TYPE a gauge\na_bucket{le="1"} 1\n'],
];

for (const [what, text] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(() => parseExposition(text), SyntaxError);
  });
}

/** A page on which the three kinds of totals are these, for one interface, in both units. */
function books(values: Readonly<Record<(typeof TOTALS)[number], number>>): string {
  const lines = TOTALS.flatMap((total) =>
    ['packets', 'bytes'].flatMap((unit) => [
      `# TYPE xtrace_${total}_${unit}_total counter`,
      `xtrace_${total}_${unit}_total{interface="eth0",traffic_type="TCP"} ${values[total]}`,
    ]),
  );
  return `${lines.join('\n')}\n`;
}

test('books that balance pass, books that do not fail', () => {
  assertBalance(parseExposition(books({ interface: 7, network: 4, other: 3 })));
  assert.throws(
    () => assertBalance(parseExposition(books({ interface: 7, network: 4, other: 4 }))),
    /eth0 TCP/,
  );
  assert.throws(() => assertBalance(parseExposition('')), /at all/);
});
