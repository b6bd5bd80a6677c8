// SPDX-License-Identifier: Apache-2.0
// What a line of a file of networks may look like.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseNetworkLine } from '../../src/networks/network-line.js';

for (const [text, network, name] of [
  ['10.1.0.0/16 rail-1', '10.1.0.0/16', 'rail-1'],
  ['\t10.1.0.0/16 \t rail 1, north  ', '10.1.0.0/16', 'rail 1, north'],
  ['10.1.0.0/16,rail 1', '10.1.0.0/16', 'rail 1'],
  ['10.1.0.0/16 , rail 1', '10.1.0.0/16', 'rail 1'],
  ['"10.1.0.0/16","a ""b"", c"', '10.1.0.0/16', 'a "b", c'],
  ['10.1.0.0/16: rail-1', '10.1.0.0/16', 'rail-1'],
  ['10.1.0.0/16 : rail-1', '10.1.0.0/16', 'rail-1'],
  ['2001:db8:1::/48: rail-1', '2001:db8:1::/48', 'rail-1'],
  ['2001:db8:1::/48 rail-1', '2001:db8:1::/48', 'rail-1'],
  ['2001:db8::: head', '2001:db8::', 'head'],
  ['2001:db8:: head', '2001:db8::', 'head'],
  ['1:2:3:4:5:6:7:8: head', '1:2:3:4:5:6:7:8', 'head'],
  ['::/0: rest', '::/0', 'rest'],
  [':: unspecified', '::', 'unspecified'],
  [`'2001:db8::/32': 'it''s'`, '2001:db8::/32', "it's"],
  [`"2001:db8::/32" "a # b" # comment`, '2001:db8::/32', 'a # b'],
  ['10.0.0.0/8 c#1 # comment', '10.0.0.0/8', 'c#1'],
  ['10.0.0.0/8 a # of\u2028two lines', '10.0.0.0/8', 'a'],
  ['10.0.0.0/8 "a" # of\u2028two lines', '10.0.0.0/8', 'a'],
  ['10.0.0.0/8 a:b', '10.0.0.0/8', 'a:b'],
  ['10.0.0.0/8 Zürich 東京', '10.0.0.0/8', 'Zürich 東京'],
] as const) {
  test(`${JSON.stringify(text)} is a network and a name`, () =>
    assert.deepEqual(parseNetworkLine(text), { network, name }));
}

for (const text of ['', '  \t', '# 10.0.0.0/8 a', '   #']) {
  test(`${JSON.stringify(text)} is nothing`, () => assert.equal(parseNetworkLine(text), undefined));
}

for (const [text, problem] of [
  ['10.0.0.0/8', /^has no name/],
  ['10.0.0.0/8 # comment', /^has no name/],
  ['10.0.0.0/8:', /^has no name/],
  ['10.0.0.0/8 ""', /^has no name/],
  ['"10.0.0.0/8', /^has a " without its second one$/],
  [`10.0.0.0/8 'a`, /^has a ' without its second one$/],
  ['"10.0.0.0/8"a', /^has no blank, comma or colon between network and name$/],
  ['10.0.0.0/8,a,b', /^has a third column, or a name that needs quotes$/],
  ['10.0.0.0/8,"a",b', /^has more behind the name than a comment$/],
  [`10.0.0.0/8 ${'ö'.repeat(51)}`, /^has a name of 102 bytes, and may have 100$/],
  ['10.0.0.0/8 a\u0000b', /^has a control character/],
  ['10.0.0.0/8 a # \u001b[2J', /^has a control character/],
] as const) {
  test(`${JSON.stringify(text).slice(0, 40)} is refused`, () => {
    const line = parseNetworkLine(text);
    assert.match(line !== undefined && 'problem' in line ? line.problem : '', problem);
  });
}

test('law: what is written between quotes is read again, and nothing throws', () => {
  const name = fc
    .string({ minLength: 1, maxLength: 128, unit: 'grapheme' })
    .filter((text) => Buffer.byteLength(text) <= 100 && !/\p{Cc}/u.test(text));
  fc.assert(
    fc.property(
      name,
      fc.constantFrom('"', "'"),
      fc.constantFrom(' ', '\t', ',', ': '),
      (text, quote, separator) => {
        const quoted = quote + text.replaceAll(quote, quote + quote) + quote;
        assert.deepEqual(parseNetworkLine(`10.0.0.0/8${separator}${quoted}`), {
          network: '10.0.0.0/8',
          name: text,
        });
      },
    ),
  );
  const piece = fc.constantFrom('10.0.0.0/8', '"', "'", ',', ':', ' ', '\t', '#', 'a', '::');
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const line = parseNetworkLine(pieces.join(''));
      if (line !== undefined && 'name' in line) assert.ok(line.name.length > 0);
    }),
    { numRuns: 2000 },
  );
});
