// SPDX-License-Identifier: Apache-2.0
// The default file and the examples that are shipped: held equal to the defaults in code, and valid.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { SETTINGS } from '../../src/config/settings.js';
import { ROOT, readRepositoryFile, resolveRun } from '../support/config/fixture-text.js';

const DEFAULT_FILE = 'config/xtrace-catch.yaml';

/** The settings as a file would give them, in the order of the code. */
function defaultsOf(section: object): unknown {
  const entries = Object.entries(section) as [string, object][];
  return Object.fromEntries(
    entries.map(([key, node]) => [key, 'default' in node ? node.default : defaultsOf(node)]),
  );
}

test('the default file, with the key that is commented out, has every key, in order, with its default', () => {
  const text = readRepositoryFile(DEFAULT_FILE).replace(/^#(?=\w+:)/gm, '');
  // Text, not deepEqual: the order of the keys is part of what is promised.
  assert.equal(JSON.stringify(parse(text), null, 1), JSON.stringify(defaultsOf(SETTINGS), null, 1));
});

test('only interfaces is commented out in it', () => {
  assert.deepEqual(readRepositoryFile(DEFAULT_FILE).match(/^ *#\w+:.*/gm), ['#interfaces: [eth0]']);
});

test('as it is shipped it changes nothing: the interface still follows the default route', () => {
  assert.deepEqual(resolveRun({ file: readRepositoryFile(DEFAULT_FILE) }), resolveRun({}));
});

test('a comment stands before every key of it', () => {
  const lines = readRepositoryFile(DEFAULT_FILE).split('\n');
  const bare = lines.filter((line, index) => {
    const isSetting = /^ *\w+: \S/.test(line);
    const before = lines[index - 1] ?? '';
    // Settings in one block share its comment.
    return isSetting && !/^ *#/.test(before) && !/^ *\w+: \S/.test(before);
  });
  assert.deepEqual(bare, []);
});

const examples = readdirSync(join(ROOT, 'config/examples')).sort();

test('there are examples', () => assert.ok(examples.length >= 3));

for (const name of examples) {
  test(`${name} is valid, and starts with what it is for`, () => {
    const text = readRepositoryFile(`config/examples/${name}`);
    assert.match(text, /^# [A-Z]/);
    const config = resolveRun({ file: text });
    assert.equal(config.interfacesGiven, true);
    assert.notDeepEqual({ ...config, interfaces: [] }, { ...resolveRun({}), interfaces: [] });
  });
}
