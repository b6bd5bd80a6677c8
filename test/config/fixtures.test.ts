// SPDX-License-Identifier: Apache-2.0
// Files whose name is the verdict: *.good.yaml resolves, *.bad.yaml has exactly one problem, which
// stands in the comment of its first line (without the place that is added behind it).

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveConfig } from '../../src/config/resolve-config.js';
import { ConfigError } from '../../src/errors.js';
import { ROOT } from '../support/config/fixture-text.js';

const FOLDER = join(ROOT, 'test/config/fixtures');
const names = readdirSync(FOLDER).sort();

const check = (name: string) =>
  resolveConfig({
    argv: [`--config.file=${name}`, '--config.check'],
    env: {},
    readFile: (path) => readFileSync(join(FOLDER, path)),
  });

test('each file says by its name what it is', () => {
  assert.deepEqual(
    names.filter((name) => !/\.(good|bad)\.yaml$/.test(name)),
    [],
  );
  assert.ok(names.length > 20);
});

for (const name of names.filter((candidate) => candidate.endsWith('.good.yaml'))) {
  test(`${name} is good`, () => assert.equal(check(name).action, 'check'));
}

for (const name of names.filter((candidate) => candidate.endsWith('.bad.yaml'))) {
  test(`${name} is bad, and says why`, () => {
    const [firstLine = ''] = readFileSync(join(FOLDER, name), 'utf8').split('\n');
    const wanted = firstLine.replace(/^# /, '');
    assert.throws(
      () => check(name),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.problems.length, 1, error.message);
        assert.equal(error.message.replace(/ \([^()]*, line \d+\)$/, ''), wanted);
        return true;
      },
    );
  });
}
