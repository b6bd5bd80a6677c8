// SPDX-License-Identifier: Apache-2.0
// From declarations to what the program runs with: nothing is lost, renamed by accident or left open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Config } from '../../src/config/config.js';
import { type Layer, setInLayer } from '../../src/config/layer.js';
import { mergeLayers } from '../../src/config/merge-layers.js';
import { truthValue, wholeNumber } from '../../src/config/rules.js';
import { SETTINGS } from '../../src/config/settings.js';
import {
  type ConfigOf,
  isSetting,
  mapping,
  oneWord,
  parsedText,
  type SettingNode,
  type SettingsSection,
  setting,
} from '../../src/config/settings-tree.js';
import { resolveRun } from '../support/config/fixture-text.js';

/** Dotted paths of all settings, in order. */
function pathsOf(section: SettingsSection, prefix = ''): string[] {
  return Object.entries(section).flatMap(([key, node]) =>
    isSetting(node) ? [prefix + key] : pathsOf(node, `${prefix}${key}.`),
  );
}

/** By another way than the program's: word by word. */
function inCamelCase(path: string): string {
  const [first = '', ...rest] = path.split('_');
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], value);
}

function assertFrozen(value: unknown, path: string): void {
  if (typeof value !== 'object' || value === null) return;
  assert.ok(Object.isFrozen(value), path);
  for (const [key, part] of Object.entries(value)) assertFrozen(part, `${path}.${key}`);
}

/** The paths that lead to a value; of lists, mappings and addresses too, which are values themselves. */
function keyPathsOf(config: unknown, known: readonly string[], prefix = ''): string[] {
  return Object.entries(config as object).flatMap(([key, part]) =>
    known.includes(prefix + key) ? [prefix + key] : keyPathsOf(part, known, `${prefix}${key}.`),
  );
}

test('keys are words of lower case between single underscores', () => {
  for (const key of pathsOf(SETTINGS).flatMap((path) => path.split('.'))) {
    assert.match(key, /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/);
  }
});

test('the Config of the defaults has exactly the keys of the declaration, in camelCase', () => {
  const { interfacesGiven, ...config } = resolveRun({});
  assert.equal(interfacesGiven, false);
  const declared = pathsOf(SETTINGS).map(inCamelCase);
  assert.equal(new Set(declared).size, declared.length, 'two keys become one');
  assert.deepEqual(keyPathsOf(config, declared), declared);
  for (const path of declared) assert.notEqual(at(config, path), undefined, path);
});

test('all of it is frozen, with its mappings and lists', () => {
  assertFrozen(resolveRun({ file: 'push: {headers: {a: b}, extra_labels: {c: d}}' }), 'config');
});

test('law: of any tree, every setting given arrives under its name in camelCase, the others by default', () => {
  const word = fc.stringMatching(/^[a-z]{1,4}$/).filter((text) => text !== 'rule');
  const key = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('_'));
  const { section } = fc.letrec<{ node: SettingNode; section: SettingsSection }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 2 },
      fc.integer({ min: 0, max: 9 }).map((value) => setting(value, wholeNumber(0, 99))),
      fc.boolean().map((value) => setting(value, truthValue())),
      tie('section'),
    ),
    section: fc.dictionary(key, tie('node'), { minKeys: 1, maxKeys: 4 }),
  }));
  fc.assert(
    fc.property(section, fc.array(fc.boolean()), (tree, choices) => {
      const layer: Layer = {};
      const wanted = new Map<string, unknown>();
      for (const [index, path] of pathsOf(tree).entries()) {
        const { default: usual } = at(tree, path) as { readonly default: unknown };
        const given = typeof usual === 'boolean' ? !usual : 50;
        if (choices[index] === true) setInLayer(layer, path, given);
        wanted.set(inCamelCase(path), choices[index] === true ? given : usual);
      }
      const merged = mergeLayers(tree, [layer]);
      assert.ok('config' in merged);
      assert.deepEqual(keyPathsOf(merged.config, [...wanted.keys()]), [...wanted.keys()]);
      for (const [path, value] of wanted) assert.equal(at(merged.config, path), value, path);
      assertFrozen(merged.config, 'config');
    }),
  );
});

test('a key that is not declared is a problem, and so is each wrong value, at its path', () => {
  const tree = { a_b: { on_429: setting(true, truthValue()), n: setting(1, wholeNumber(0, 9)) } };
  assert.deepEqual(mergeLayers(tree, [{ a_b: { on_429: 1 } }, { a_b: { n: 10 } }]), {
    problems: [
      { path: 'a_b.on_429', message: 'must be true or false, but is 1' },
      { path: 'a_b.n', message: 'must be a whole number from 0 to 9, but is 10' },
    ],
  });
  const undeclared = mergeLayers(tree, [{ a_b: { off: 1 } }]);
  assert.match('problems' in undeclared ? (undeclared.problems[0]?.message ?? '') : '', /'a_b\.off'/);
});

// What follows is held by the compiler: a line that becomes right, or wrong, fails the build.

const sample = {
  interval_ms: setting(1, wholeNumber(0, 9)),
  print: oneWord('auto', ['auto', 'never']),
  a_b_c: {
    on_429: setting(true, truthValue()),
    own_headers: mapping((value) => ({ value: { a: String(value) } })),
  },
  at: parsedText('1', (value) => ({ value: { port: Number(value) } })),
} satisfies SettingsSection;

const complete: ConfigOf<typeof sample> = {
  intervalMs: 1,
  print: 'auto',
  aBC: { on429: true, ownHeaders: { a: 'b' } },
  at: { port: 1 },
};

test('its type has each setting and each section, with what the rule gives, for reading only', () => {
  const { intervalMs, ...noSetting } = complete;
  const { aBC, ...noSection } = complete;
  // @ts-expect-error a setting is missing
  const first: ConfigOf<typeof sample> = noSetting;
  // @ts-expect-error a section is missing
  const second: ConfigOf<typeof sample> = noSection;
  // @ts-expect-error a setting within a section is missing
  const third: ConfigOf<typeof sample> = { ...complete, aBC: { ownHeaders: {} } };
  // @ts-expect-error a word that is none of the setting's
  const fourth: ConfigOf<typeof sample> = { ...complete, print: 'always' };
  // @ts-expect-error the key of the file
  const fifth: ConfigOf<typeof sample> = { ...complete, interval_ms: 1 };
  // @ts-expect-error a default of another kind than the rule's
  const sixth = setting('1', wholeNumber(0, 9));
  // @ts-expect-error a default that is none of the words
  const seventh = oneWord('always', ['auto', 'never']);
  assert.equal([first, second, third, fourth, fifth, sixth, seventh].length, 7);
  assert.throws(() => {
    // @ts-expect-error read-only
    (Object.freeze({ ...complete }) as ConfigOf<typeof sample>).intervalMs = 2;
  }, TypeError);
  assert.ok(intervalMs === 1 && aBC.on429);
  const config: Pick<Config, 'filter'> = { filter: 'roce_v2' };
  assert.equal(config.filter, 'roce_v2');
});
