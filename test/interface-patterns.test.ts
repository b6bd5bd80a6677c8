// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseInterfaceGlob } from '../src/interface-glob.js';
import {
  hasPatterns,
  isExcluded,
  parseInterfaceItem,
  parseInterfacePatterns,
} from '../src/interface-patterns.js';

function matches(pattern: string, name: string): boolean {
  const glob = parseInterfaceGlob(pattern);
  if ('problem' in glob) throw new Error(glob.problem);
  return glob.matches(name);
}

test('what a glob matches', () => {
  const cases: readonly (readonly [pattern: string, yes: readonly string[], no: readonly string[]])[] = [
    ['eth*', ['eth', 'eth0', 'ethx'], ['xeth0', 'et', '']],
    ['enp*np*', ['enp1s0np0', 'enpnp'], ['enp1s0', 'np0']],
    ['*', ['', 'lo'], []],
    ['eth?', ['eth0', 'ethä'], ['eth', 'eth10']],
    ['eth[0-24]', ['eth0', 'eth2', 'eth4'], ['eth3', 'eth', 'eth10']],
    ['eth[!0-2]', ['eth3', 'ethx'], ['eth0', 'eth']],
    ['eth[^0]', ['eth3'], ['eth0']],
    ['a[]]b', ['a]b'], ['ab']],
    ['a[-x]', ['a-', 'ax'], ['ay']],
    ['a[x-]', ['a-', 'ax'], ['ay']],
    ['a\\*', ['a*'], ['ab', 'a']],
    ['eth0', ['eth0'], ['eth01', 'ETH0']],
    ['**a**', ['a', 'bab'], ['b']],
  ];
  for (const [pattern, yes, no] of cases) {
    for (const name of yes) assert.ok(matches(pattern, name), `${pattern} ${name}`);
    for (const name of no) assert.ok(!matches(pattern, name), `${pattern} ${name}`);
  }
});

test('it agrees with the regular expression that says the same', () => {
  const letter = fc.constantFrom('a', 'b', 'c', '.', '-');
  const part = fc.oneof(
    letter.map((one) => ({ glob: one, regex: one.replace(/[.-]/, '\\$&') })),
    fc.constant({ glob: '*', regex: '.*' }),
    fc.constant({ glob: '?', regex: '.' }),
    fc
      .tuple(fc.boolean(), fc.uniqueArray(fc.constantFrom('a', 'b', '.'), { minLength: 1 }))
      .map(([not, of]) => ({
        glob: `[${not ? '!' : ''}${of.join('')}]`,
        regex: `[${not ? '^' : ''}${of.join('')}]`,
      })),
  );
  fc.assert(
    fc.property(
      fc.array(part, { maxLength: 8 }),
      fc.string({ unit: letter, maxLength: 12 }),
      (parts, name) => {
        const regex = new RegExp(`^${parts.map((one) => one.regex).join('')}$`, 's');
        assert.equal(matches(parts.map((one) => one.glob).join(''), name), regex.test(name));
      },
    ),
    { numRuns: 2000 },
  );
});

test('a pattern that has more ways to fit than anyone could try comes to its end', () => {
  assert.ok(!matches(`${'*a'.repeat(60)}b`, 'a'.repeat(200)));
});

test('text -> a glob that matches it, or a problem, and nothing throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
      const escaped = [...text].map((character) => `\\${character}`).join('');
      assert.ok(matches(escaped, text));
      assert.ok(matches('*', text));
      const item = parseInterfaceItem(text);
      assert.ok('problem' in item || 'kind' in item);
    }),
  );
});

test('a list: names, globs, exclusions that win wherever they stand, auto', () => {
  const patterns = parseInterfacePatterns([
    '!veth*',
    'bond0',
    'eth*',
    'auto',
    'bond0',
    '\\auto',
    'a\\*',
    '!eth9',
  ]);
  assert.deepEqual(patterns.names, ['bond0', 'auto', 'a*']);
  assert.deepEqual(
    patterns.globs.map(({ text }) => text),
    ['eth*'],
  );
  assert.equal(patterns.hasAuto, true);
  assert.deepEqual(
    ['veth1', 'eth9', 'eth1'].map((name) => isExcluded(patterns, name)),
    [true, true, false],
  );
  assert.equal(hasPatterns(patterns), true);
  assert.equal(hasPatterns(parseInterfacePatterns(['eth0', 'eth1'])), false);
});

test('what is no item', () => {
  for (const [text, problem] of [
    ['!', /leaves nothing out/],
    ['!auto', /take "auto" out/],
    ['eth[0', /has a "\[" without its "\]"/],
    ['eth[', /without its/],
    ['eth[9-0]', /backwards/],
    ['eth\\', /nothing after it/],
  ] as const) {
    const item = parseInterfaceItem(text);
    assert.match('problem' in item ? item.problem : '', problem, text);
  }
});
